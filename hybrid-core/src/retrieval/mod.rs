//! One retrieval: the entity frame, the plan, the stores' answers put together in the frame's order.

use std::path::Path;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};

use crate::{BatchStream, FeatureReference, Progress, Result};

/// The entity rows of a retrieval: what features are joined to.
pub enum EntityFrame {
    /// Arrow batches, read once.
    Rows(BatchStream),
    /// A single SELECT that runs in the store of that key.
    Sql {
        /// The store's key.
        store: String,
        /// The SELECT.
        query: String,
    },
    /// No frame: one row per distinct key set seen between the two, both inclusive, as of the end.
    Between(DateTime<Utc>, DateTime<Utc>),
}

impl EntityFrame {
    /// A frame in memory.
    pub fn from_batches(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self::Rows(BatchStream::from_batches(schema, batches))
    }

    /// A Parquet, CSV or Arrow file, by its extension.
    pub fn from_path(_path: impl AsRef<Path>) -> Result<Self> {
        unimplemented!()
    }
}

/// Which features: references, or a service.
#[derive(Debug, Clone)]
pub enum FeatureSelection {
    /// `view:feature`, in output order.
    References(Vec<FeatureReference>),
    /// The name of a feature service.
    Service(String),
}

/// How a retrieval runs.
#[derive(Debug, Clone, Default)]
pub struct RetrievalOptions {
    /// Name the outputs `view__feature`.
    pub full_feature_names: bool,
    /// A feature row also needs `created <= E`.
    pub filter_by_created_timestamp: bool,
    /// Fails with Timeout when it takes longer.
    pub timeout: Option<Duration>,
    /// Told how far it is.
    pub progress: Progress,
}

/// What a finished retrieval tells: rows, share of rows with a value per feature, time per store.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Rows returned.
    pub rows: u64,
    /// Each feature's output name and in how many rows it has a value.
    pub values: Vec<(String, u64)>,
    /// Each store's key and how long it took.
    pub stores: Vec<(String, Duration)>,
    /// From the first poll to the last row.
    pub elapsed: Duration,
}

/// A retrieval that has been checked and not yet run. It runs when it is asked for rows.
pub struct RetrievalJob {}

impl RetrievalJob {
    /// The output's schema: the frame's columns as they came, then the features.
    pub fn schema(&self) -> &SchemaRef {
        unimplemented!()
    }

    /// Which view is served by which store and source, one line per view: the routing, for people.
    pub fn routes(&self) -> Vec<String> {
        unimplemented!()
    }

    /// Runs it; batches come in the frame's order.
    pub async fn stream(self) -> Result<BatchStream> {
        unimplemented!()
    }

    /// Runs it and keeps the result in memory.
    pub async fn to_arrow(self) -> Result<Vec<RecordBatch>> {
        unimplemented!()
    }

    /// Runs it into a Parquet, CSV or Arrow file, by its extension. The file appears when it is whole.
    pub async fn write_to(self, _path: impl AsRef<Path>) -> Result<Summary> {
        unimplemented!()
    }

    /// The plan or the SQL, per store.
    pub async fn explain(self) -> Result<String> {
        unimplemented!()
    }
}
