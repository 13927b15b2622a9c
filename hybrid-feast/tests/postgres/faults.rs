use std::time::Duration;

use hybrid_core::ErrorKind;

use crate::store;
use crate::support::definitions::{definitions, views};
use crate::support::postgres::Postgres;

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

    let closed = crate::store("postgresql://u:hunter2@127.0.0.1:1/d", "");
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
