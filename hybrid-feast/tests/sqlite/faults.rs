use hybrid_core::config::{SchemaMode, SqlAddress};
use hybrid_core::{Error, ErrorKind};
use hybrid_feast::FeatureStore;

use crate::database::Database;
use crate::support::definitions::{definitions, views};

/// What reading says; an apply says the same kind.
async fn refused(store: &FeatureStore) -> Error {
    let error = store.registry().await.unwrap_err();
    let applied = store.apply(definitions("a"), false).await.unwrap_err();
    assert_eq!(error.kind(), applied.kind(), "{error}\n{applied}");
    error
}

#[tokio::test]
async fn a_file_of_something_else_is_told() {
    let database = Database::absent();
    std::fs::create_dir(database.path.parent().unwrap()).unwrap();
    std::fs::write(
        &database.path,
        "neither a database nor empty, and longer than a header".repeat(100),
    )
    .unwrap();
    let error = refused(&database.store("p")).await;
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("it is no database of SQLite"), "{error}");
}

#[tokio::test]
async fn a_database_without_the_tables_is_no_registry() {
    let database = Database::of_feast();
    database
        .connection()
        .execute_batch("DROP TABLE feature_views; DROP TABLE entities")
        .unwrap();
    let store = database.store("demo");
    let error = store.registry().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let expected = format!(
        "{} holds no registry of Feast: it has no tables entities, feature_views",
        database.path.display()
    );
    assert_eq!(error.message(), expected);

    let mut config = database.config();
    config.schema_mode = SchemaMode::Skip;
    let mut some = definitions("a");
    some.project = "demo".to_owned();
    let error = database
        .store_with(config, "demo")
        .apply(some.clone(), false)
        .await
        .unwrap_err();
    assert_eq!(error.message(), expected, "nobody may make tables");
    store.apply(some, false).await.unwrap();
    assert_eq!(views(&store.registry().await.unwrap()), ["a", "stream"]);
}

#[tokio::test]
async fn tables_that_an_older_feast_did_not_make_may_be_missing() {
    let database = Database::of_feast();
    let older = "DROP TABLE label_views; DROP TABLE permissions; DROP TABLE feature_view_version_history";
    database.connection().execute_batch(older).unwrap();
    assert_eq!(database.store("demo").registry().await.unwrap().feature_views.len(), 9);
    let mut config = database.config();
    config.schema_mode = SchemaMode::Verify;
    let error = database.store_with(config, "demo").registry().await.unwrap_err();
    assert!(
        error.message().ends_with("it has no tables label_views, permissions"),
        "{error}"
    );
}

#[tokio::test]
async fn a_spoilt_row_is_named() {
    for garbage in ["x'0affffffff'", "'a text'", "7"] {
        let database = Database::of_feast();
        let update = format!("UPDATE data_sources SET data_source_proto = {garbage} WHERE data_source_name = 'bq'");
        database.connection().execute_batch(&update).unwrap();
        let error = database.store("demo").registry().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{garbage}");
        let place = format!(
            "column data_source_proto of row `bq` of table data_sources in {}",
            database.path.display()
        );
        assert!(error.message().starts_with(&place), "{garbage}: {error}");
    }
}

#[tokio::test]
async fn a_database_that_may_only_be_read_is_read() {
    let database = Database::of_feast();
    let mut config = database.config();
    config.address = SqlAddress::Sqlite {
        path: database.path.clone(),
        read_only: true,
    };
    let store = database.store_with(config, "demo");
    let read = store.registry().await.unwrap();
    assert_eq!(read.feature_views.len(), 9);
    let mut new = definitions("a");
    new.project = "demo".to_owned();
    let error = store.apply(new, false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("lets nobody write"), "{error}");
}

#[tokio::test]
async fn a_locked_database_is_waited_for_and_told() {
    let database = Database::of_feast();
    let store = database.store("demo");
    let mut new = definitions("a");
    new.project = "demo".to_owned();
    let other = database.connection();
    // A writer that has not come to its commit lets others read.
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(store.registry().await.unwrap().feature_views.len(), 9);
    let error = store.apply(new.clone(), false).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, true),
        "{error}"
    );
    other.execute_batch("COMMIT; BEGIN EXCLUSIVE").unwrap();
    let error = store.registry().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, true),
        "{error}"
    );
    assert!(error.to_string().contains("another process has locked it"), "{error}");

    let patient = database.patient_store("demo");
    let waiting = tokio::spawn(async move { patient.apply(new, false).await });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().added.len(), 3);
    assert!(
        store.registry().await.unwrap().feature_view("a").is_ok(),
        "after an error it goes on"
    );
}

/// As when a writer is killed: its changes are in the file, and what was there before in the journal beside it.
#[tokio::test]
async fn what_a_killed_writer_left_behind_is_undone() {
    let database = Database::of_feast();
    let writer = database.connection();
    writer
        .execute_batch(
            "PRAGMA cache_size = 2; BEGIN IMMEDIATE; UPDATE feature_views SET feature_view_proto = zeroblob(4000)",
        )
        .unwrap();
    let copy = Database::absent();
    std::fs::create_dir(copy.path.parent().unwrap()).unwrap();
    let journal = |database: &Database| database.path.with_file_name("registry.sqlite-journal");
    std::fs::copy(&database.path, &copy.path).unwrap();
    std::fs::copy(journal(&database), journal(&copy)).unwrap();
    drop(writer);
    assert_ne!(
        std::fs::read(&copy.path).unwrap(),
        std::fs::read(&database.path).unwrap(),
        "it had begun to write"
    );
    assert_eq!(copy.store("demo").registry().await.unwrap().feature_views.len(), 9);
}

#[tokio::test]
async fn write_ahead_logs_are_followed() {
    let database = Database::of_feast();
    let store = database.store("demo");
    let other = database.connection();
    let mode: String = other
        .query_one("PRAGMA journal_mode = wal", [], |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
    assert_eq!(store.registry().await.unwrap().feature_views.len(), 9);
    other
        .execute_batch("PRAGMA wal_autocheckpoint = 0; DELETE FROM feature_views WHERE feature_view_name = 'types'")
        .unwrap();
    assert_eq!(store.registry().await.unwrap().feature_views.len(), 8);
    let mut new = definitions("a");
    new.project = "demo".to_owned();
    store.apply(new, false).await.unwrap();
    assert_eq!(store.registry().await.unwrap().feature_views.len(), 9);
}
