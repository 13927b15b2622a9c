//! The point-in-time join as a streaming operator, for stores that read feature rows themselves.
//!
//! One pass over the feature rows, in any order and from several threads; memory grows with the
//! entity rows and never with the features.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};

use crate::Result;

/// The entity rows of one retrieval, sorted by key and time: what feature rows are looked up in.
/// Shared by all workers of one view.
pub struct EntityIndex {}

impl EntityIndex {
    /// Indexes entity rows. `times` (microseconds) and `keys` have one element per entity row, in
    /// the frame's order; a row with a NULL key matches nothing.
    pub fn new(_keys: &[ArrayRef], _times: &Int64Array) -> Result<Self> {
        unimplemented!()
    }
}

/// Feature rows as the join sees them; all arrays have the same length.
pub struct FeatureBatch {
    /// The join keys, in the order of the index and in its canonical types.
    pub keys: Vec<ArrayRef>,
    /// Event time, microseconds UTC; a NULL row is ignored.
    pub times: Int64Array,
    /// Created time, microseconds UTC.
    pub created: Option<Int64Array>,
    /// The features' values, in output order and type.
    pub features: Vec<ArrayRef>,
    /// Where the first row stands among all rows of the source: decides exact ties, the larger wins.
    pub sequence: u64,
}

/// One thread's part of the join: takes feature batches, keeps the best candidate per slot.
pub struct JoinWorker {}

impl JoinWorker {
    /// A worker that joins features of these types on `index`.
    pub fn new(_index: Arc<EntityIndex>, _features: &[DataType], _filter_by_created: bool) -> Self {
        unimplemented!()
    }

    /// Takes a batch.
    pub fn push(&mut self, _batch: &FeatureBatch) -> Result<()> {
        unimplemented!()
    }

    /// Takes over what another worker of the same join found.
    pub fn merge(&mut self, _other: JoinWorker) -> Result<()> {
        unimplemented!()
    }

    /// Decides the winner of each entity row; `ttl` in microseconds.
    pub fn finish(self, _ttl: Option<i64>) -> Result<JoinedFeatures> {
        unimplemented!()
    }
}

/// The winners, ready to be read in the frame's order.
pub struct JoinedFeatures {}

impl JoinedFeatures {
    /// The features of the entity rows `start..start + length`, NULL where nothing matched.
    pub fn columns(&self, _start: usize, _length: usize) -> Result<Vec<ArrayRef>> {
        unimplemented!()
    }
}

/// Keeps the latest row per key: largest time, then created (NULL loses), then sequence.
/// Memory grows with the distinct keys. Rows with a NULL key or a NULL time are ignored.
pub struct LatestPerKey {}

impl LatestPerKey {
    /// An operator for keys of these types; `values` is the schema of the rows that are kept.
    pub fn new(_keys: &[DataType], _values: SchemaRef) -> Result<Self> {
        unimplemented!()
    }

    /// Takes rows: `batch.features` are the columns of `values`.
    pub fn push(&mut self, _batch: &FeatureBatch) -> Result<()> {
        unimplemented!()
    }

    /// Takes over what another worker found.
    pub fn merge(&mut self, _other: LatestPerKey) -> Result<()> {
        unimplemented!()
    }

    /// The winners, in the order of their sequence, in batches of at most `batch_size` rows.
    pub fn finish(self, _batch_size: usize) -> Result<Vec<RecordBatch>> {
        unimplemented!()
    }
}
