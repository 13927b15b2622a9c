//! The hybrid store: source type to store key to the configured store, and each operation to it.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};

use crate::config::RepoConfig;
use crate::store::DynOfflineStore;
use crate::{
    BatchStream, Call, Context, EntityFrame, FeatureRegistry, FeatureSelection, FeatureView, Result, RetrievalJob,
    RetrievalOptions, Source, ValueType,
};

/// Routes each operation to the store of its source type. Stores connect on first use, once.
/// Several live side by side in one process and share nothing. Cheap to clone.
#[derive(Clone)]
pub struct HybridOfflineStore {}

/// Which columns of a source a pull returns, under their mapped names.
#[derive(Debug, Clone)]
pub struct Pull {
    /// The source.
    pub source: Source,
    /// Join keys, first in the output.
    pub join_keys: Vec<String>,
    /// Features and their declared types, then; empty: every column of the source.
    pub features: Vec<(String, Option<ValueType>)>,
}

impl Pull {
    /// The keys and features of `view`.
    pub fn of_view(_registry: &FeatureRegistry, _view: &FeatureView) -> Result<Self> {
        unimplemented!()
    }
}

impl HybridOfflineStore {
    /// A router over the stores of `config`. Their configurations are checked now, where the
    /// backend is compiled in; nothing is connected yet.
    pub fn new(_config: &RepoConfig, _context: Context) -> Result<Self> {
        unimplemented!()
    }

    /// A router over stores that are already connected, by key.
    pub fn from_stores(_stores: impl IntoIterator<Item = (String, Arc<dyn DynOfflineStore>)>) -> Self {
        unimplemented!()
    }

    /// Lets one call join views of several source types.
    #[must_use]
    pub fn with_cross_source_joins(self, _allowed: bool) -> Self {
        unimplemented!()
    }

    /// The point-in-time join. Everything that can be checked without the entity rows is checked
    /// now; the job runs when it is asked for rows.
    pub async fn get_historical_features(
        &self,
        _registry: &FeatureRegistry,
        _entities: EntityFrame,
        _features: &FeatureSelection,
        _options: RetrievalOptions,
    ) -> Result<RetrievalJob> {
        unimplemented!()
    }

    /// The latest row per join key with `start <= ts <= end`: keys, features, timestamp, created.
    pub async fn pull_latest_from_table_or_query(
        &self,
        _pull: &Pull,
        _start: DateTime<Utc>,
        _end: DateTime<Utc>,
        _call: &Call,
    ) -> Result<BatchStream> {
        unimplemented!()
    }

    /// Every row with `start <= ts <= end`, either end optional.
    pub async fn pull_all_from_table_or_query(
        &self,
        _pull: &Pull,
        _start: Option<DateTime<Utc>>,
        _end: Option<DateTime<Utc>>,
        _call: &Call,
    ) -> Result<BatchStream> {
        unimplemented!()
    }

    /// Appends rows, under the source's column names, to the source of `view`: all or none. Returns how many.
    pub async fn offline_write_batch(
        &self,
        _registry: &FeatureRegistry,
        _view: &FeatureView,
        _rows: BatchStream,
        _call: &Call,
    ) -> Result<u64> {
        unimplemented!()
    }

    /// The columns and types of a source.
    pub async fn source_schema(&self, _source: &Source) -> Result<SchemaRef> {
        unimplemented!()
    }

    /// The SQL or the plan of a pull, for people.
    pub async fn explain_latest(&self, _pull: &Pull, _start: DateTime<Utc>, _end: DateTime<Utc>) -> Result<String> {
        unimplemented!()
    }

    /// The SQL or the plan of a pull, for people.
    pub async fn explain_all(
        &self,
        _pull: &Pull,
        _start: Option<DateTime<Utc>>,
        _end: Option<DateTime<Utc>>,
    ) -> Result<String> {
        unimplemented!()
    }

    /// The configured stores: key, the crate that serves it if compiled in.
    pub fn stores(&self) -> Vec<String> {
        unimplemented!()
    }

    /// Connects the store of that key, if it is not, and asks whether it can be reached.
    pub async fn ping(&self, _key: &str) -> Result<String> {
        unimplemented!()
    }

    /// Waits for the clean-up of dropped jobs and closes connections.
    pub async fn shutdown(&self) -> Result<()> {
        unimplemented!()
    }
}
