//! Routing as an application sees it: which store is asked, how often it connects, what the two
//! errors of the reference document say, and what comes of stores that are slow, unordered or wrong.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt;
use hybrid_offline_store::arrow::array::AsArray;
use hybrid_offline_store::arrow::datatypes::Int64Type;
use hybrid_offline_store::{
    EntityFrame, ErrorKind, FeatureSelection, HybridOfflineStore, RetrievalJob, RetrievalOptions,
};
use support::{Behaviour, frame, registry, router, router_with};

async fn job(
    store: &HybridOfflineStore,
    features: &[&str],
    options: RetrievalOptions,
) -> hybrid_offline_store::Result<RetrievalJob> {
    let selection = FeatureSelection::references(features)?;
    store
        .get_historical_features(&registry(), frame(5), &selection, options)
        .await
}

async fn values(store: &HybridOfflineStore, features: &[&str]) -> hybrid_offline_store::Result<Vec<Vec<i64>>> {
    let batches = job(store, features, RetrievalOptions::default())
        .await?
        .to_arrow()
        .await?;
    let column = |name: &&str| {
        let name = name.split(':').nth(1).unwrap();
        let parts = batches.iter().map(|batch| {
            batch
                .column_by_name(name)
                .unwrap()
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        });
        parts.flatten().collect()
    };
    Ok(features.iter().map(column).collect())
}

#[tokio::test]
async fn each_view_is_answered_by_the_store_of_its_source_type() {
    let store = router();
    assert_eq!(values(&store, &["echo_view:one"]).await.unwrap(), [[0, 1, 2, 3, 4]]);
    assert_eq!(
        values(&store, &["other_view:ten"]).await.unwrap(),
        [[0, 10, 20, 30, 40]]
    );
}

#[tokio::test]
async fn views_of_two_source_types_are_refused_in_the_documents_words() {
    let error = job(
        &router(),
        &["echo_view:one", "other_view:ten"],
        RetrievalOptions::default(),
    )
    .await
    .err()
    .unwrap();
    assert_eq!(error.message(), "All feature views must have the same source type");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let text = error.to_string();
    assert!(
        text.starts_with("All feature views must have the same source type\n"),
        "{text}"
    );
    assert!(
        text.contains("help: echo: echo_view") && text.contains("help: other: other_view"),
        "{text}"
    );
    assert!(text.contains("configured stores: echo, other"), "{text}");
}

#[tokio::test]
async fn a_source_type_without_a_store_is_refused_in_the_documents_words() {
    let error = job(&router(), &["lost_view:one"], RetrievalOptions::default())
        .await
        .err()
        .unwrap();
    assert_eq!(
        error.message(),
        "No offline store configuration found for source type 'lost'"
    );
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("configured stores: echo, other"), "{error}");
}

#[tokio::test]
async fn stores_are_joined_by_row_number_where_that_is_allowed() {
    for in_order in [true, false] {
        let behaviour = Behaviour {
            in_order,
            ..Behaviour::default()
        };
        let store = router_with(behaviour).with_cross_source_joins(true);
        let joined = values(&store, &["other_view:ten", "echo_view:one", "other_view:hundred"])
            .await
            .unwrap();
        assert_eq!(joined, [[0, 10, 20, 30, 40], [0, 1, 2, 3, 4], [0, 100, 200, 300, 400]]);
    }
}

#[tokio::test]
async fn a_store_connects_once_however_many_come_at_the_same_time() {
    let behaviour = Behaviour::default();
    let connects = behaviour.connects.clone();
    let store = router_with(behaviour);
    assert_eq!(
        connects.load(Ordering::SeqCst),
        0,
        "nothing connects before the first use"
    );
    let calls = (0..20).map(|_| values(&store, &["echo_view:one"]));
    for answer in futures::future::join_all(calls).await {
        answer.unwrap();
    }
    assert_eq!(connects.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn routers_in_one_process_share_nothing() {
    let (one, two) = (Behaviour::default(), Behaviour::default());
    let counts = [one.connects.clone(), two.connects.clone()];
    let (one, two) = (router_with(one), router_with(two));
    values(&one, &["echo_view:one"]).await.unwrap();
    assert_eq!(counts.each_ref().map(|count| count.load(Ordering::SeqCst)), [1, 0]);
    values(&two, &["echo_view:one"]).await.unwrap();
    assert_eq!(counts.each_ref().map(|count| count.load(Ordering::SeqCst)), [1, 1]);
}

#[tokio::test]
async fn a_failed_connection_is_tried_again_at_the_next_use() {
    let behaviour = Behaviour {
        failing_connects: 1,
        ..Behaviour::default()
    };
    let store = router_with(behaviour);
    let error = values(&store, &["echo_view:one"]).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.store(), error.operation()),
        (ErrorKind::Unavailable, Some("echo"), Some("get_historical_features"))
    );
    assert!(error.is_retryable());
    values(&store, &["echo_view:one"]).await.unwrap();
}

#[tokio::test]
async fn a_store_that_breaks_the_row_contract_is_found_out() {
    for in_order in [true, false] {
        let behaviour = Behaviour {
            loses_a_row: true,
            in_order,
            ..Behaviour::default()
        };
        let error = values(&router_with(behaviour), &["echo_view:one"]).await.unwrap_err();
        assert!(error.message().contains("the store broke the row contract"), "{error}");
        assert_eq!((error.kind(), error.store()), (ErrorKind::Unexpected, Some("echo")));
    }
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_carries_its_context_and_ends_it() {
    let behaviour = Behaviour {
        fails_after: Some(2),
        ..Behaviour::default()
    };
    let store = router_with(behaviour);
    let mut rows = job(&store, &["echo_view:one"], RetrievalOptions::default())
        .await
        .unwrap()
        .stream()
        .await
        .unwrap();
    let mut seen = Vec::new();
    while let Some(batch) = rows.next().await {
        seen.push(batch.map(|batch| batch.num_rows()));
    }
    let error = seen.pop().unwrap().unwrap_err();
    assert_eq!((error.store(), error.data_source()), (Some("echo"), Some("echo_view")));
    assert!(seen.iter().all(Result::is_ok) && seen.len() == 2);
}

#[tokio::test]
async fn where_one_of_several_stores_fails_nobody_has_to_read_the_others_first() {
    for in_order in [true, false] {
        let behaviour = Behaviour {
            fails_after: Some(2),
            in_order,
            ..Behaviour::default()
        };
        let store = router_with(behaviour).with_cross_source_joins(true);
        let features = ["other_view:ten", "echo_view:one"];
        let job = job(&store, &features, RetrievalOptions::default()).await.unwrap();
        let error = job.stream().await.err().unwrap();
        assert_eq!((error.kind(), error.store()), (ErrorKind::Unavailable, Some("echo")));
    }
}

#[tokio::test]
async fn a_slow_store_runs_into_the_timeout_and_is_cancelled() {
    for in_order in [true, false] {
        let behaviour = Behaviour {
            delay: Duration::from_secs(60),
            in_order,
            ..Behaviour::default()
        };
        let dropped = behaviour.dropped.clone();
        let store = router_with(behaviour);
        let options = RetrievalOptions::default().with_timeout(Duration::from_millis(50));
        let error = job(&store, &["echo_view:one"], options)
            .await
            .unwrap()
            .to_arrow()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(dropped.load(Ordering::SeqCst), 1, "the store's stream was dropped");
    }
}

#[tokio::test]
async fn dropping_the_result_drops_the_stores_stream() {
    for in_order in [true, false] {
        let behaviour = Behaviour {
            in_order,
            ..Behaviour::default()
        };
        let dropped = behaviour.dropped.clone();
        let rows = job(&router_with(behaviour), &["echo_view:one"], RetrievalOptions::default())
            .await
            .unwrap()
            .stream()
            .await
            .unwrap();
        assert_eq!(dropped.load(Ordering::SeqCst), 0);
        drop(rows);
        assert_eq!(dropped.load(Ordering::SeqCst), 1, "in order: {in_order}");
    }
}

#[tokio::test]
async fn nothing_is_asked_before_everything_was_checked() {
    let behaviour = Behaviour::default();
    let connects = behaviour.connects.clone();
    let store = router_with(behaviour);
    for features in [
        &["nowhere:one"][..],
        &["echo_view:nothing"],
        &["echo_view:one", "echo_view:one"],
    ] {
        assert!(
            job(&store, features, RetrievalOptions::default()).await.is_err(),
            "{features:?}"
        );
    }
    assert_eq!(connects.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_frame_as_sql_is_refused_by_a_store_that_has_none() {
    let store = router();
    let selection = FeatureSelection::references(["echo_view:one"]).unwrap();
    let sql = |name: &str| EntityFrame::Sql {
        store: name.to_owned(),
        query: "SELECT 1".to_owned(),
    };
    for (name, kind) in [("echo", ErrorKind::Unsupported), ("nowhere", ErrorKind::NotFound)] {
        let refused = store
            .get_historical_features(&registry(), sql(name), &selection, RetrievalOptions::default())
            .await;
        assert_eq!(refused.err().unwrap().kind(), kind);
    }
}

#[tokio::test]
async fn all_unknown_names_are_reported_at_once() {
    let error = job(
        &router(),
        &["echo_veiw:one", "echo_view:on", "other_view:ten"],
        RetrievalOptions::default(),
    )
    .await
    .err()
    .unwrap();
    assert_eq!(error.problems().len(), 2);
    assert!(
        error.to_string().contains("did you mean `echo_view`?") && error.to_string().contains("did you mean `one`?"),
        "{error}"
    );
}

#[tokio::test]
async fn the_summary_counts_rows_and_values_and_times_each_store() {
    let store = router().with_cross_source_joins(true);
    let job = job(
        &store,
        &["echo_view:one", "other_view:ten"],
        RetrievalOptions::default(),
    )
    .await
    .unwrap();
    let summary = job.summary();
    job.to_arrow().await.unwrap();
    let summary = summary.get();
    assert_eq!(summary.rows, 5);
    assert_eq!(summary.values, [("one".to_owned(), 5), ("ten".to_owned(), 5)]);
    let mut stores: Vec<_> = summary.stores.iter().map(|(key, _)| key.as_str()).collect();
    stores.sort_unstable();
    assert_eq!(stores, ["echo", "other"]);
}
