//! The registry file: created, cached, shared by writers, and whatever bytes it may hold.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../../tests/fuzzing/mod.rs"]
mod fuzzing;
mod support;

use std::time::Duration;

use fuzzing::try_for_a_while;
use hybrid_core::config::{RegistryConfig, RepoConfig};
use hybrid_core::{ErrorKind, FeatureProjection, HybridOfflineStore};
use hybrid_feast::{FeatureStore, read_registry};
use proptest::prelude::*;
use support::definitions::definitions;
use support::{REGISTRY, Repo};

#[tokio::test]
async fn a_missing_registry_is_empty_and_the_first_apply_makes_it() {
    let repo = Repo::new("p");
    assert!(repo.store.registry().await.unwrap().feature_views.is_empty());
    let applied = repo.store.apply(definitions("a"), false).await.unwrap();
    assert_eq!(
        applied.added,
        [
            "entity driver",
            "source a_source",
            "feature view a",
            "feature service a_service"
        ]
    );
    let read = repo.store.registry().await.unwrap();
    assert_eq!(read.feature_view("a").unwrap(), &definitions("a").feature_views[0]);
    let all = FeatureProjection::new("a").with_features(["x", "tags"]);
    assert_eq!(read.feature_service("a_service").unwrap().features, [all]);
    let bytes = repo.bytes();
    let applied = repo.store.apply(definitions("a"), false).await.unwrap();
    assert_eq!(
        (applied.unchanged, repo.bytes()),
        (4, bytes),
        "nothing changed, so nothing is written"
    );
}

#[tokio::test]
async fn what_another_process_applied_is_seen_at_once() {
    let repo = Repo::new("p");
    repo.store.apply(definitions("a"), false).await.unwrap();
    let first = repo.store.registry().await.unwrap();
    let other = Repo::open(repo.path.parent().unwrap().to_owned(), "p");
    other.apply(definitions("b"), false).await.unwrap();
    assert!(repo.store.registry().await.unwrap().feature_view("b").is_ok());
    assert!(first.feature_view("b").is_err(), "who holds the old one keeps it");
    tokio::time::sleep(Duration::from_millis(150)).await;
    let (one, two) = (
        repo.store.registry().await.unwrap(),
        repo.store.registry().await.unwrap(),
    );
    assert!(
        std::sync::Arc::ptr_eq(&one, &two),
        "an unchanged file is not read again"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_at_the_same_time_lose_nothing() {
    let repo = Repo::new("p");
    let folder = repo.path.parent().unwrap().to_owned();
    let apply = |n: usize| {
        let store = Repo::open(folder.clone(), "p");
        tokio::spawn(async move {
            for round in 0..5 {
                store
                    .apply(definitions(&format!("view_{n}_{round}")), false)
                    .await
                    .unwrap();
            }
        })
    };
    let writers: Vec<_> = (0..4).map(apply).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let read = repo.store.registry().await.unwrap();
    assert_eq!(
        (
            read.feature_views.len(),
            read.feature_services.len(),
            read.entities.len()
        ),
        (20, 20, 1)
    );
    let names = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    assert_eq!(names, ["registry.db", "registry.db.lock"], "no temporary file stays");
}

#[tokio::test]
async fn problems_are_reported_together_and_nothing_is_written() {
    let repo = Repo::new("p");
    let mut wrong = definitions("a");
    wrong.feature_views[0].schema.clear();
    wrong.feature_views[0].entities = vec!["drver".to_owned()];
    let error = repo.store.apply(wrong, false).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("No offline store configuration found for source type 'file'"),
        "{text}"
    );
    assert!(text.contains("entity `drver` does not exist"), "{text}");
    assert!(!repo.path.exists());
}

#[tokio::test]
async fn prune_of_an_own_registry_deletes_the_rest() {
    let repo = Repo::new("p");
    repo.store.apply(definitions("a"), false).await.unwrap();
    let applied = repo.store.apply(definitions("b"), true).await.unwrap();
    assert_eq!(
        applied.deleted,
        ["feature service a_service", "feature view a", "source a_source"]
    );
    assert_eq!(applied.unchanged, 1);
}

#[tokio::test]
async fn damaged_and_far_registries_are_clear_errors() {
    let repo = Repo::new("p");
    std::fs::write(&repo.path, &REGISTRY[..REGISTRY.len() - 7]).unwrap();
    let error = repo.store.registry().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("is damaged"), "{error}");
    assert_eq!(
        repo.store.apply(definitions("a"), false).await.unwrap_err().kind(),
        ErrorKind::Corrupt
    );
    for registry in ["s3://bucket/registry.db", "gs://bucket/registry.db"] {
        let config = RepoConfig {
            registry: RegistryConfig::File(registry.to_owned()),
            ..repo.store.config().clone()
        };
        let far = FeatureStore::with_stores(config, HybridOfflineStore::from_stores([]));
        assert_eq!(far.registry().await.unwrap_err().kind(), ErrorKind::Unsupported);
    }
}

#[test]
fn huge_lengths_are_errors_and_no_memory() {
    for bytes in [
        &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f][..],
        &[0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    ] {
        assert_eq!(read_registry(bytes, "p").unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn fuzz_registry_bytes() {
    let spoilt = prop::collection::vec((0..REGISTRY.len(), any::<u8>()), 0..20).prop_map(|changes| {
        let mut bytes = REGISTRY.to_vec();
        changes.into_iter().for_each(|(at, byte)| bytes[at] = byte);
        bytes
    });
    let cut = (0..REGISTRY.len()).prop_map(|length| REGISTRY[..length].to_vec());
    let bytes = prop_oneof![prop::collection::vec(any::<u8>(), 0..200), spoilt, cut];
    try_for_a_while(&bytes, |bytes| {
        match read_registry(&bytes, "demo") {
            Ok(read) => drop(read),
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Corrupt),
        }
        Ok(())
    });
}
