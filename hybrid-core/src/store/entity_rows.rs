use std::any::Any;
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
    staged: Option<(String, Staged)>,
}

/// Entity rows that are in a store already, as the store itself refers to them.
#[derive(Clone)]
pub struct Staged(Arc<dyn Any + Send + Sync>);

impl Staged {
    /// What a store keeps of rows that it was told to stage.
    pub fn new<T: Any + Send + Sync>(kept: Arc<T>) -> Self {
        Self(kept)
    }

    /// What was kept, if it is of that type.
    pub fn kept<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(&self.0).downcast().ok()
    }
}

/// What a store gives of a SELECT whose rows it keeps as entity rows.
pub struct StagedFrame {
    /// The SELECT's columns, in the order in which the rows are numbered.
    pub rows: BatchStream,
    /// The rows in the store.
    pub staged: Staged,
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
            staged: None,
        }
    }

    /// Says that the store of that key has these rows already.
    #[must_use]
    pub(crate) fn staged_in(mut self, store: &str, staged: Staged) -> Self {
        self.staged = Some((store.to_owned(), staged));
        self
    }

    /// The same rows for the store of that key: what another store has staged is none of its.
    #[must_use]
    pub(crate) fn for_store(&self, store: &str) -> Self {
        let mut rows = self.clone();
        rows.staged = rows.staged.filter(|(key, _)| key == store);
        rows
    }

    /// The rows as the asked store has staged them itself.
    pub fn staged(&self) -> Option<&Staged> {
        self.staged.as_ref().map(|(_, staged)| staged)
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
