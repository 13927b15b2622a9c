use std::path::Path;
use std::sync::Arc;

use hybrid_core::chrono::{DateTime, Utc};
use hybrid_core::config::RepoConfig;
use hybrid_core::{
    BatchStream, Call, EntityFrame, FeatureRegistry, FeatureSelection, HybridOfflineStore, Result, RetrievalJob,
    RetrievalOptions,
};

/// What an apply changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Kind and name of what is new, for example `feature view driver_stats`.
    pub added: Vec<String>,
    /// Kind and name of what changed.
    pub updated: Vec<String>,
    /// Kind and name of what was deleted.
    pub deleted: Vec<String>,
    /// How many definitions stayed as they were.
    pub unchanged: usize,
}

/// A configuration, its registry of definitions, and the stores behind it. Cheap to clone.
#[derive(Clone)]
pub struct FeatureStore {}

impl FeatureStore {
    /// Opens the repository in `repo`: reads its feature_store.yaml. The registry is read on each request.
    pub fn open(_repo: impl AsRef<Path>) -> Result<Self> {
        unimplemented!()
    }

    /// A feature store over a configuration made by hand.
    pub fn new(_config: RepoConfig) -> Result<Self> {
        unimplemented!()
    }

    /// The configuration.
    pub fn config(&self) -> &RepoConfig {
        unimplemented!()
    }

    /// The router over the configured stores.
    pub fn offline_store(&self) -> &HybridOfflineStore {
        unimplemented!()
    }

    /// The definitions as they are in the registry now.
    pub async fn registry(&self) -> Result<Arc<FeatureRegistry>> {
        unimplemented!()
    }

    /// Adds and updates `definitions` in the registry, after inferring absent schemas, types and
    /// timestamp columns from the sources; with `prune`, deletes what is not among them.
    pub async fn apply(&self, _definitions: FeatureRegistry, _prune: bool) -> Result<Applied> {
        unimplemented!()
    }

    /// The point-in-time join; see [`HybridOfflineStore::get_historical_features`].
    pub async fn get_historical_features(
        &self,
        _entities: EntityFrame,
        _features: &FeatureSelection,
        _options: RetrievalOptions,
    ) -> Result<RetrievalJob> {
        unimplemented!()
    }

    /// The latest row per join key of a view in a window, both ends inclusive.
    pub async fn pull_latest(
        &self,
        _view: &str,
        _start: DateTime<Utc>,
        _end: DateTime<Utc>,
        _call: &Call,
    ) -> Result<BatchStream> {
        unimplemented!()
    }

    /// Every row of a view in a window, either end optional.
    pub async fn pull_all(
        &self,
        _view: &str,
        _start: Option<DateTime<Utc>>,
        _end: Option<DateTime<Utc>>,
        _call: &Call,
    ) -> Result<BatchStream> {
        unimplemented!()
    }

    /// Appends rows to the source of a view, all or none; returns how many.
    pub async fn write(&self, _view: &str, _rows: BatchStream, _call: &Call) -> Result<u64> {
        unimplemented!()
    }
}
