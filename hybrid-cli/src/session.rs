//! The repository that a command works in.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use hybrid_offline_store::{FeatureStore, Result};

use crate::report;

/// A repository and the feature store that is opened in it, which lives until the command has ended.
pub struct Session {
    repo: PathBuf,
    store: OnceLock<FeatureStore>,
}

impl Session {
    pub fn new(repo: PathBuf) -> Self {
        Self {
            repo,
            store: OnceLock::new(),
        }
    }

    /// The folder of feature_store.yaml.
    pub fn repo(&self) -> &Path {
        &self.repo
    }

    /// features.yaml.
    pub fn definitions(&self) -> PathBuf {
        self.repo.join("features.yaml")
    }

    /// The feature store, opened on first use.
    pub fn store(&self) -> Result<&FeatureStore> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let store = FeatureStore::open(&self.repo)?;
        Ok(self.store.get_or_init(|| store))
    }

    /// The feature store of a command that reads the registry; warns when that is behind features.yaml.
    pub fn applied_store(&self) -> Result<&FeatureStore> {
        let store = self.store()?;
        self.warn_if_stale(store);
        Ok(store)
    }

    /// Waits for what the stores have to clean up.
    pub async fn close(&self) -> Result<()> {
        match self.store.get() {
            Some(store) => store.offline_store().shutdown().await,
            None => Ok(()),
        }
    }

    /// Warns when features.yaml is newer than the registry.
    pub fn warn_if_stale(&self, store: &FeatureStore) {
        if let Some(state) = self.stale(store) {
            report::warning(format_args!("features.yaml {state}: run `hybrid apply`"));
        }
    }

    /// After an apply: the registry is as new as features.yaml, also when there was nothing to write.
    pub fn mark_applied(&self, store: &FeatureStore) {
        if let Some(path) = store
            .config()
            .registry
            .local_file()
            .filter(|_| self.stale(store).is_some())
        {
            let registry = File::options().append(true).open(path);
            // All that is at stake is a warning.
            let _ = registry.and_then(|file| file.set_modified(SystemTime::now()));
        }
    }

    fn stale(&self, store: &FeatureStore) -> Option<&'static str> {
        // A database tells when something of it changed, not whether that was an apply of this file.
        let registry = store.config().registry.local_file()?;
        match (modified(&self.definitions())?, modified(registry)) {
            (_, None) => Some("has not been applied yet"),
            (defined, Some(applied)) if defined > applied => Some("is newer than the registry"),
            _ => None,
        }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|file| file.modified()).ok()
}
