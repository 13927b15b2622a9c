//! A repository that is opened by a relative path. The one test here changes the current folder.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::Path;

use hybrid_core::{Entity, FeatureRegistry, ValueType};
use hybrid_feast::FeatureStore;

async fn apply(repo: &str, entity: &str) {
    let store = FeatureStore::open(repo).unwrap();
    let mut definitions = FeatureRegistry::new("p");
    definitions.entities = vec![Entity::new(entity).with_value_type(ValueType::Int64)];
    store.apply(definitions, false).await.unwrap();
    assert!(store.registry().await.unwrap().entity(entity).is_ok());
}

#[tokio::test]
async fn the_registry_is_in_the_repository_once() {
    let folder = tempfile::tempdir().unwrap();
    std::env::set_current_dir(folder.path()).unwrap();
    std::fs::create_dir("p").unwrap();
    std::fs::write(
        "p/feature_store.yaml",
        "project: p\nregistry: registry.db\noffline_store: {type: my.MemoryOfflineStore}\n",
    )
    .unwrap();
    apply("p", "driver").await;
    assert!(Path::new("p/registry.db").exists() && !Path::new("p/p").exists());
    apply("./p/", "rider").await;

    std::env::set_current_dir("p").unwrap();
    apply(".", "city").await;
    let store = FeatureStore::open(".").unwrap();
    assert_eq!(store.registry().await.unwrap().entities.len(), 3);
    assert_eq!(store.config().repo, Path::new("."));
}
