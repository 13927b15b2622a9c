use std::sync::Arc;

use hybrid_core::ErrorKind;
use hybrid_feast::{read_permissions, read_registry};

use crate::database::Database;
use crate::support::REGISTRY;
use crate::support::definitions::{definitions, in_order, views};

#[tokio::test]
async fn tables_hold_what_the_file_holds() {
    let database = Database::of_feast();
    for project in ["demo", "other"] {
        let read = database.store(project).registry().await.unwrap();
        assert_eq!(in_order(&read), in_order(&read_registry(REGISTRY, project).unwrap()));
    }
    let permissions = database.store("demo").permissions().await.unwrap();
    assert_eq!(permissions.len(), read_permissions(REGISTRY, "demo").unwrap().len());
}

#[tokio::test]
async fn a_project_that_is_not_there_is_told_with_those_that_are() {
    let database = Database::of_feast();
    let error = database
        .store("dmeo")
        .pull_all("driver_stats", None, None, &Default::default())
        .await;
    let error = error.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error
            .to_string()
            .contains("the registry holds the projects demo, other"),
        "{error}"
    );
}

#[tokio::test]
async fn no_file_is_an_empty_registry() {
    let database = Database::absent();
    assert!(database.store("p").registry().await.unwrap().feature_views.is_empty());
    assert!(!database.path.exists(), "who reads makes nothing");
}

#[tokio::test]
async fn every_change_of_another_is_seen_at_once() {
    let database = Database::absent();
    let (store, other) = (database.store("p"), database.store("p"));
    for round in 0..20 {
        other.apply(definitions(&format!("view{round}")), false).await.unwrap();
        assert_eq!(store.registry().await.unwrap().feature_views.len(), round + 1);
    }
    // Nothing but the bytes of one row differs then: no count, and no time, which is in seconds.
    let connection = database.connection();
    let messages: Vec<Vec<u8>> = ["view0", "view1"]
        .map(|view| {
            let query = "SELECT feature_view_proto FROM feature_views WHERE feature_view_name = ?1";
            connection.query_one(query, [view], |row| row.get(0)).unwrap()
        })
        .into();
    for round in 0..20 {
        let update = "UPDATE feature_views SET feature_view_proto = ?1 WHERE feature_view_name = 'view0'";
        connection.execute(update, [&messages[(round + 1) % 2]]).unwrap();
        let read = store.registry().await.unwrap();
        let sources = read
            .feature_views
            .iter()
            .filter(|view| view.source.name == "view1_source");
        assert_eq!(sources.count(), 1 + (round + 1) % 2);
    }
    connection
        .execute("DELETE FROM feature_views WHERE feature_view_name = 'view3'", [])
        .unwrap();
    assert!(store.registry().await.unwrap().feature_view("view3").is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_did_not_change_is_read_once() {
    let database = Database::of_feast();
    let store = database.store("demo");
    let first = store.registry().await.unwrap();
    let requests = (0..64).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.registry().await.unwrap() })
    });
    for request in requests.collect::<Vec<_>>() {
        assert!(Arc::ptr_eq(&first, &request.await.unwrap()));
    }
}

#[tokio::test]
async fn a_file_that_was_replaced_is_read_anew() {
    let database = Database::of_feast();
    let store = database.store("demo");
    assert_eq!(store.registry().await.unwrap().feature_views.len(), 9);
    let other = Database::absent();
    let mut small = definitions("a");
    small.project = "demo".to_owned();
    other.store("demo").apply(small, false).await.unwrap();
    std::fs::rename(&other.path, &database.path).unwrap();
    assert_eq!(views(&store.registry().await.unwrap()), ["a"]);
    std::fs::remove_file(&database.path).unwrap();
    assert!(store.registry().await.unwrap().feature_views.is_empty());
}
