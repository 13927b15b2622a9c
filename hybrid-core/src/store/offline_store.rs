use std::path::PathBuf;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use serde::de::DeserializeOwned;

use super::{
    BatchStream, Call, Capabilities, DataSource, Explain, HistoricalRequest, PersistRequest, PullAllRequest,
    PullLatestRequest, SelectFrame, StagedFrame, WriteRequest,
};
use crate::{Error, ErrorKind, Result};

/// The key of a column's metadata in [`source_schema`](OfflineStore::source_schema) which says that
/// its values are text without a type, as in CSV: the column's type is a guess, and a key of any
/// type can be read from it.
pub const FROM_TEXT: &str = "hybrid.from_text";

/// What a store answers to a point-in-time join: [`ROW_NUMBER`](super::ROW_NUMBER), then every
/// feature asked for, under its output name and in its declared type; one row per entity row.
pub struct FeatureRows {
    /// The rows.
    pub rows: BatchStream,
    /// Whether the row numbers come in order; core restores the order otherwise.
    pub in_order: bool,
}

/// What a store learns of its surroundings when it connects.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The folder of feature_store.yaml: relative paths of sources start there.
    pub repo: PathBuf,
    /// The project's name.
    pub project: String,
}

/// A system that holds features. What each operation must return is the row contract that the
/// conformance suite checks.
#[async_trait]
pub trait OfflineStore: Send + Sync + Sized + 'static {
    /// The type of its sources; its name decides the store's key.
    type Source: DataSource;
    /// Its part of feature_store.yaml. Use `#[serde(deny_unknown_fields)]`.
    type Config: DeserializeOwned + Send + Sync + 'static;

    /// Makes a store ready for use. Called once per configuration, on first use.
    async fn connect(config: Self::Config, context: &Context) -> Result<Self>;

    /// What it can do beyond what every store must.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    /// Whether it can be reached, and what it is: one line for people.
    async fn ping(&self) -> Result<String>;

    /// The columns and types of a source; [`FROM_TEXT`] marks those whose type is a guess.
    async fn source_schema(&self, source: &Self::Source) -> Result<SchemaRef>;

    /// The point-in-time join.
    async fn get_historical_features(
        &self,
        request: HistoricalRequest<Self::Source>,
        call: &Call,
    ) -> Result<FeatureRows>;

    /// The latest row per join key in a window.
    async fn pull_latest_from_table_or_query(
        &self,
        request: PullLatestRequest<Self::Source>,
        call: &Call,
    ) -> Result<BatchStream>;

    /// Every row in a window.
    async fn pull_all_from_table_or_query(
        &self,
        request: PullAllRequest<Self::Source>,
        call: &Call,
    ) -> Result<BatchStream>;

    /// Appends rows, all or none; returns how many. Check their columns first, with
    /// [`check_write_columns`](super::check_write_columns).
    async fn offline_write_batch(&self, request: WriteRequest<Self::Source>, call: &Call) -> Result<u64>;

    /// The SQL or the plan of an operation, for people; runs nothing that costs.
    async fn explain(&self, operation: Explain<Self::Source>) -> Result<String>;

    /// An operation as one SQL statement that runs as it stands: a few entity rows are part of it.
    async fn to_sql(&self, operation: Explain<Self::Source>) -> Result<String> {
        drop(operation);
        Err(no_sql())
    }

    /// What is wrong with a destination of [`persist`](Self::persist) whatever is there: asked before the rows are made.
    ///
    /// # Errors
    /// What [`persist`](Self::persist) would say.
    fn check_destination(&self, destination: &Self::Source, overwrite: bool) -> Result<()> {
        let _ = (destination, overwrite);
        Ok(())
    }

    /// Makes a table or a file of rows, all or none; returns how many.
    async fn persist(&self, request: PersistRequest<Self::Source>, call: &Call) -> Result<u64> {
        let _ = (request, call);
        Err(no_tables())
    }

    /// The columns of a SELECT that gives entity rows; runs nothing.
    async fn select_schema(&self, query: &str) -> Result<SchemaRef> {
        let _ = query;
        Err(no_select())
    }

    /// Runs such a SELECT and keeps its rows where a point-in-time join of this store finds them.
    async fn stage_select(&self, frame: SelectFrame) -> Result<StagedFrame> {
        let _ = frame;
        Err(no_select())
    }

    /// Finishes the clean-up of dropped calls and closes connections.
    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }
}

pub(super) fn no_sql() -> Error {
    Error::new(ErrorKind::Unsupported, "the store does not speak SQL")
}

pub(super) fn no_tables() -> Error {
    Error::new(ErrorKind::Unsupported, "the store does not make tables of results")
}

pub(super) fn no_select() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "the store does not run a SELECT as entity frame",
    )
    .with_help("give the entity rows as a Parquet, CSV or Arrow file, or start and end")
}
