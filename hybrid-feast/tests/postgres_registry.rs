//! A registry in Postgres, without Feast: who else writes, and what goes wrong. tests/engines/with postgres -- COMMAND

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use hybrid_core::ErrorKind;
use hybrid_core::config::RepoConfig;
use hybrid_feast::FeatureStore;
use support::Repo;
use support::definitions::{definitions, views};
use support::postgres::Postgres;

fn store(url: &str, more: &str) -> FeatureStore {
    let yaml = format!("project: p\nregistry: {{registry_type: sql, path: '{url}'{more}}}\n");
    let config = RepoConfig::parse(&yaml, "feature_store.yaml".as_ref(), &|_| None).unwrap();
    Repo::open_at(config.registry, config.repo, "p")
}

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
async fn a_database_without_the_tables_is_no_registry() {
    let database = Postgres::new().await;
    let skipping = store(&database.url(), ", schema_mode: skip");
    let error = skipping.registry().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error
            .message()
            .contains("holds no registry of Feast: it has no tables entities"),
        "{error}"
    );
    assert_eq!(
        skipping.apply(definitions("a"), false).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    store(&database.url(), "").apply(definitions("a"), false).await.unwrap();
    assert_eq!(
        views(&skipping.registry().await.unwrap()),
        ["a"],
        "tables that came are found"
    );
    let behind = database.connection().await;
    behind
        .batch_execute("ALTER TABLE entities RENAME TO gone")
        .await
        .unwrap();
    let error = skipping.registry().await.unwrap_err();
    assert!(error.message().ends_with("it has no table entities"), "{error}");
    behind
        .batch_execute("ALTER TABLE gone RENAME TO entities; DROP TABLE label_views")
        .await
        .unwrap();
    assert_eq!(views(&skipping.registry().await.unwrap()), ["a"]);
    database.drop().await;
}

#[tokio::test]
#[ignore = "needs Postgres: scripts/test feast"]
async fn a_spoilt_row_is_named() {
    let database = Postgres::new().await;
    let store = store(&database.url(), "");
    store.apply(definitions("a"), false).await.unwrap();
    let spoil = "UPDATE entities SET entity_proto = '\\x0affffffff'";
    database.connection().await.batch_execute(spoil).await.unwrap();
    let error = store.registry().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(
        error
            .message()
            .contains("column entity_proto of row `driver` of table entities"),
        "{error}"
    );
    database.drop().await;
}

#[tokio::test]
#[ignore = "needs Postgres: scripts/test feast"]
async fn a_server_that_is_away_is_told_and_found_again() {
    let database = Postgres::new().await;
    let store = store(&database.url(), "");
    store.apply(definitions("a"), false).await.unwrap();
    store.registry().await.unwrap();
    // As when the server was restarted while nobody asked.
    let behind = database.connection().await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    behind.query(end, &[]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(views(&store.registry().await.unwrap()), ["a"]);

    let closed = self::store("postgresql://u:hunter2@127.0.0.1:1/d", "");
    for error in [
        closed.registry().await.unwrap_err(),
        closed.apply(definitions("a"), false).await.unwrap_err(),
    ] {
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (ErrorKind::Unavailable, true),
            "{error}"
        );
        let text = format!("{error} {error:?}");
        assert!(
            text.contains("database `d` at 127.0.0.1:1") && !text.contains("hunter2"),
            "{text}"
        );
    }
    database.drop().await;
}

#[tokio::test]
#[ignore = "needs Postgres: scripts/test feast"]
async fn whoever_may_only_read_cannot_apply() {
    let database = Postgres::new().await;
    store(&database.url(), "").apply(definitions("a"), false).await.unwrap();
    let reader = store(&database.url_of("reader", ""), "");
    assert_eq!(views(&reader.registry().await.unwrap()), ["a"]);
    let error = reader.apply(definitions("b"), false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    let wrong = store(&database.url().replace("hybrid-secret", "hunter2"), "");
    let error = wrong.registry().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert!(!error.to_string().contains("hunter2"));

    // Reads go to one address, and applies to the other.
    let two = store(
        &database.url(),
        &format!(", read_path: '{}'", database.url_of("reader", "")),
    );
    two.apply(definitions("b"), false).await.unwrap();
    assert_eq!(views(&two.registry().await.unwrap()), ["a", "b"]);
    database.drop().await;
}

#[tokio::test]
#[ignore = "needs Postgres: scripts/test feast"]
async fn tables_in_another_schema_are_found() {
    let database = Postgres::new().await;
    let behind = database.connection().await;
    behind.batch_execute("CREATE SCHEMA feast").await.unwrap();
    let url = database.url();
    let options = store(&format!("{url}?options=-csearch_path%3Dfeast"), "");
    options.apply(definitions("a"), false).await.unwrap();
    let arguments = ", sqlalchemy_config_kwargs: {connect_args: {options: -c search_path=feast}}";
    assert_eq!(views(&store(&url, arguments).registry().await.unwrap()), ["a"]);
    assert_eq!(
        store(&url, "").registry().await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let place: String = behind
        .query_one(
            "SELECT schemaname::text FROM pg_tables WHERE tablename = 'entities'",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(place, "feast");
    // A role's own setting holds as well.
    behind
        .batch_execute(&format!("ALTER DATABASE {} SET search_path = feast", database.name))
        .await
        .unwrap();
    assert_eq!(views(&store(&url, "").registry().await.unwrap()), ["a"]);
    database.drop().await;
}

#[tokio::test]
#[ignore = "needs Postgres: scripts/test feast"]
async fn tls_is_as_the_address_says() {
    let database = Postgres::new().await;
    store(&database.url(), "").apply(definitions("a"), false).await.unwrap();
    let authority = Postgres::certificate("ca.crt");
    let on_localhost = database.url().replace("127.0.0.1", "localhost");
    let full = format!("?sslmode=verify-full&sslrootcert={authority}");
    assert_eq!(
        views(&store(&format!("{on_localhost}{full}"), "").registry().await.unwrap()),
        ["a"]
    );
    let error = store(&format!("{}{full}", database.url()), "")
        .registry()
        .await
        .unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Config,
        "its certificate is for localhost: {error}"
    );
    let foreign = format!(
        "{on_localhost}?sslmode=verify-ca&sslrootcert={}",
        Postgres::certificate("foreign.crt")
    );
    assert_eq!(
        store(&foreign, "").registry().await.unwrap_err().kind(),
        ErrorKind::Config
    );
    // This role is let in with TLS only, and that one without only.
    let encrypted = database.url_of("encrypted", "?sslmode=disable");
    assert_eq!(
        store(&encrypted, "").registry().await.unwrap_err().kind(),
        ErrorKind::Unauthenticated
    );
    let behind = database.connection().await;
    behind
        .batch_execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO encrypted, plain")
        .await
        .unwrap();
    for role in ["encrypted", "plain"] {
        assert_eq!(
            views(&store(&database.url_of(role, ""), "").registry().await.unwrap()),
            ["a"],
            "{role}"
        );
    }
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
