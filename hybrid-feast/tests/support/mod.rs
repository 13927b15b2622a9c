//! A repository in a folder of its own, whose stores cannot be asked.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

pub mod definitions;
pub mod everything;
pub mod feast;
#[cfg(feature = "registry-sql-postgres")]
pub mod postgres;
pub mod registry_server;

use std::path::PathBuf;

use hybrid_core::config::{RegistryConfig, RepoConfig};
use hybrid_core::{FeatureRegistry, HybridOfflineStore};
use hybrid_feast::FeatureStore;

/// What fixtures/make_registry.py wrote with Feast 0.67.
pub const REGISTRY: &[u8] = include_bytes!("../fixtures/registry.db");

pub struct Repo {
    pub store: FeatureStore,
    pub path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Repo {
    /// Without a registry file.
    pub fn new(project: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Self::open(folder.path().to_owned(), project);
        Self {
            store,
            path: folder.path().join("registry.db"),
            _folder: folder,
        }
    }

    /// With the one of Feast.
    pub fn with_registry(project: &str) -> Self {
        let repo = Self::new(project);
        std::fs::write(&repo.path, REGISTRY).unwrap();
        repo
    }

    /// A feature store as another process would open it.
    pub fn open(repo: PathBuf, project: &str) -> FeatureStore {
        let registry = RegistryConfig::File(repo.join("registry.db").to_string_lossy().into_owned());
        Self::open_at(registry, repo, project)
    }

    /// A feature store over any registry.
    pub fn open_at(registry: RegistryConfig, repo: PathBuf, project: &str) -> FeatureStore {
        let config = RepoConfig {
            project: project.to_owned(),
            registry,
            repo,
            stores: Vec::new(),
            cross_source_joins: false,
            auth: None,
        };
        FeatureStore::with_stores(config, HybridOfflineStore::from_stores([]))
    }

    pub fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.path).unwrap()
    }

    /// Some views of the registry, and their entities.
    pub async fn definitions<const N: usize>(&self, views: [&str; N]) -> FeatureRegistry {
        let all = self.store.registry().await.unwrap();
        let mut some = FeatureRegistry::new(&all.project);
        some.feature_views = views.map(|view| all.feature_view(view).unwrap().clone()).into();
        some.entities = all.entities.clone();
        some.entities.retain(|entity| {
            some.feature_views
                .iter()
                .any(|view| view.entities.contains(&entity.name))
        });
        some
    }
}
