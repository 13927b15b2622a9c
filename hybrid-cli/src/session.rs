//! The repository that a command works in.

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
        let registry = self.repo.join(&store.config().registry);
        match (modified(&self.definitions()), modified(&registry)) {
            (Some(_), None) if !store.config().registry.contains("://") => {
                report::warning("features.yaml has not been applied yet: run `hybrid apply`");
            }
            (Some(defined), Some(applied)) if defined > applied => {
                report::warning("features.yaml is newer than the registry: run `hybrid apply`");
            }
            _ => {}
        }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|file| file.modified()).ok()
}
