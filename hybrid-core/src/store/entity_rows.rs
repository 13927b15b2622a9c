use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::BatchStream;
use crate::Result;

/// The column of an entity row's number: UInt64, from 0, in the frame's order.
pub const ROW_NUMBER: &str = "__hybrid_row";

/// The column of an entity row's time: Timestamp(us, UTC), never NULL.
pub const ENTITY_TIME: &str = "__hybrid_time";

/// The entity rows of one retrieval as a store sees them: [`ROW_NUMBER`], [`ENTITY_TIME`] and the
/// key columns, under the frame's names and in their canonical types (Int64 for every integer,
/// Utf8 for every string, Binary, Boolean, Date32, Timestamp(us, UTC), Decimal128). Keys may be NULL.
///
/// It can be read as often as a store likes; what does not fit in memory is on disk.
#[derive(Clone)]
pub struct EntityRows {
    schema: SchemaRef,
    rows: u64,
    times: Option<(i64, i64)>,
    open: Arc<dyn Fn() -> Result<BatchStream> + Send + Sync>,
}

impl EntityRows {
    /// `rows` rows of `schema`, between `times` (microseconds, both inclusive; `None` when there
    /// are no rows), which `open` reads from the start each time it is called.
    pub fn new(
        schema: SchemaRef,
        rows: u64,
        times: Option<(i64, i64)>,
        open: impl Fn() -> Result<BatchStream> + Send + Sync + 'static,
    ) -> Self {
        Self {
            schema,
            rows,
            times,
            open: Arc::new(open),
        }
    }

    /// [`ROW_NUMBER`], [`ENTITY_TIME`], then the key columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How many rows there are.
    pub fn num_rows(&self) -> u64 {
        self.rows
    }

    /// Earliest and latest entity time in microseconds; `None` when there are no rows.
    pub fn time_range(&self) -> Option<(i64, i64)> {
        self.times
    }

    /// The rows in order, from the start.
    ///
    /// # Errors
    /// What reading the spool gives.
    pub fn stream(&self) -> Result<BatchStream> {
        (self.open)()
    }
}

impl fmt::Debug for EntityRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntityRows")
            .field("schema", &self.schema)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}
