//! Feast's own client reads what we wrote and writes what we read, whatever kind the registry is of: `scripts/test
//! feast`, which sets HYBRID_FEAST_PYTHON to a Python that has Feast.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::time::Duration;

use hybrid_core::FeatureView;
use hybrid_feast::FeatureStore;
use serde_json::json;
use support::Repo;
use support::everything::{check, definitions};
use support::feast::{FeastRepo, run};
use support::postgres::{self, Postgres};

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn feast_reads_and_changes_a_file_of_ours() {
    let repo = Repo::new("p");
    both_ways(&repo.store, repo.path.to_str().unwrap()).await;
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn feast_reads_and_changes_tables_of_ours_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:///{}", folder.path().join("registry.sqlite").display());
    let repo = FeastRepo::new(&json!({"registry_type": "sql", "path": url}));
    both_ways(&repo.store(), &url).await;
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn feast_reads_and_changes_tables_of_ours_in_postgres() {
    if postgres::is_there() {
        let database = Postgres::new().await;
        let repo = FeastRepo::new(&json!({"registry_type": "sql", "path": database.url()}));
        both_ways(&repo.store(), &database.url()).await;
        database.drop().await;
    }
}

/// We apply to `store`, Feast reads and changes the same registry at `target`, we read and apply again.
async fn both_ways(store: &FeatureStore, target: &str) {
    store.apply(definitions(), false).await.unwrap();
    let ours = store.registry().await.unwrap();
    check(&serde_json::from_slice(&run("use_registry.py", target)).unwrap());

    let theirs = store.registry().await.unwrap();
    assert!(theirs.entity("added").is_ok());
    for view in &ours.feature_views {
        let changed = theirs.feature_view(&view.name).unwrap();
        let ttl = view.ttl.unwrap_or_default() + Duration::from_secs(3600);
        assert_eq!(
            *changed,
            FeatureView {
                ttl: Some(ttl),
                ..view.clone()
            },
            "nothing but the ttl"
        );
    }
    assert!(
        theirs
            .sources
            .iter()
            .all(|source| source.description == "changed by Feast")
    );
    let service = theirs.feature_service("training").unwrap();
    assert_eq!(
        (service.owner.as_str(), &service.features),
        ("Feast", &ours.feature_services[0].features)
    );

    let applied = store.apply(definitions(), false).await.unwrap();
    assert_eq!(
        (applied.added.len(), applied.updated.len()),
        (0, 15),
        "everything that Feast changed: {applied:?}"
    );
}
