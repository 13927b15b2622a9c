use std::sync::Arc;
use std::time::Duration;

use crate::store;
use crate::support::definitions::{definitions, views};
use crate::support::postgres::Postgres;

#[tokio::test]
#[ignore = "needs Postgres: scripts/test feast"]
async fn every_change_is_seen_at_once_and_the_same_is_read_once() {
    let database = Postgres::new().await;
    let (store, other) = (store(&database.url(), ""), store(&database.url(), ""));
    for round in 0..10 {
        other.apply(definitions(&format!("view{round}")), false).await.unwrap();
        assert_eq!(store.registry().await.unwrap().feature_views.len(), round + 1);
    }
    let behind = database.connection().await;
    // Neither a count nor a time differs then.
    let swap = "UPDATE feature_views SET feature_view_proto = (SELECT feature_view_proto FROM feature_views \
                WHERE feature_view_name = $1) WHERE feature_view_name = 'view0'";
    behind.execute(swap, &[&"view1"]).await.unwrap();
    let read = store.registry().await.unwrap();
    assert_eq!(read.feature_views.iter().filter(|view| view.name == "view1").count(), 2);
    assert!(Arc::ptr_eq(&read, &store.registry().await.unwrap()));
    // Work on other tables and for other projects is none of ours.
    behind
        .batch_execute(
            "CREATE TABLE other (a int); INSERT INTO other VALUES (1); INSERT INTO entities VALUES ('e', 'q', 0, '')",
        )
        .await
        .unwrap();
    assert!(Arc::ptr_eq(&read, &store.registry().await.unwrap()));
    behind
        .batch_execute("DELETE FROM feature_views WHERE feature_view_name = 'view0'")
        .await
        .unwrap();
    assert_eq!(store.registry().await.unwrap().feature_views.len(), 9);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs Postgres: scripts/test feast"]
async fn writers_at_the_same_time_lose_nothing() {
    let database = Postgres::new().await;
    let apply = |n: usize| {
        let store = store(&database.url(), "");
        tokio::spawn(async move {
            for round in 0..5 {
                let view = definitions(&format!("view_{n}_{round}"));
                store.apply(view, false).await.unwrap();
            }
        })
    };
    let writers: Vec<_> = (0..4).map(apply).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let read = store(&database.url(), "").registry().await.unwrap();
    assert_eq!(
        (
            read.feature_views.len(),
            read.feature_services.len(),
            read.entities.len()
        ),
        (20, 20, 1)
    );
    database.drop().await;
}

#[tokio::test]
#[ignore = "needs Postgres: scripts/test feast"]
async fn an_apply_waits_for_who_writes_and_begins_anew() {
    let database = Postgres::new().await;
    let store = store(&database.url(), "");
    store.apply(definitions("a"), false).await.unwrap();
    let behind = database.connection().await;
    behind
        .batch_execute(
            "BEGIN; DELETE FROM entities WHERE entity_name = 'none'; UPDATE feature_views SET user_metadata = 'x'",
        )
        .await
        .unwrap();
    let waiting = {
        let store = store.clone();
        tokio::spawn(async move { store.apply(definitions("b"), false).await })
    };
    // Longer than one attempt waits for a lock.
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert!(!waiting.is_finished());
    assert_eq!(
        views(&store.registry().await.unwrap()),
        ["a"],
        "who reads waits for nobody"
    );
    behind.batch_execute("COMMIT").await.unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(views(&store.registry().await.unwrap()), ["a", "b"]);
    let kept = "SELECT user_metadata FROM feature_views WHERE feature_view_name = 'a'";
    let kept: Vec<u8> = behind.query_one(kept, &[]).await.unwrap().get(0);
    assert_eq!(kept, b"x");
    database.drop().await;
}
