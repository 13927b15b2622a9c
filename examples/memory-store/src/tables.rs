use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use hybrid_core::arrow::array::RecordBatch;
use hybrid_core::arrow::compute::concat_batches;
use hybrid_core::arrow::datatypes::SchemaRef;
use hybrid_core::{Error, ErrorKind, Result};

/// The databases that stores of this process share by name.
static DATABASES: LazyLock<Mutex<BTreeMap<String, Tables>>> = LazyLock::new(Mutex::default);

/// Tables by name. Clones share what they hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tables(Arc<Mutex<BTreeMap<String, Table>>>);

#[derive(Debug, Clone)]
struct Table {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

/// A panic while a lock is held leaves the map whole: every change is one call.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tables {
    /// The tables of that database, or new ones that nobody shares.
    pub(crate) fn of(database: Option<&str>) -> Self {
        match database {
            Some(name) => lock(&DATABASES).entry(name.to_owned()).or_default().clone(),
            None => Self::default(),
        }
    }

    pub(crate) fn create(&self, name: &str, schema: SchemaRef, batches: Vec<RecordBatch>) {
        lock(&self.0).insert(name.to_owned(), Table { schema, batches });
    }

    /// Makes a table at once, in the place of one of that name only where that may be overwritten.
    pub(crate) fn make(&self, name: &str, rows: RecordBatch, overwrite: bool) -> Result<()> {
        let mut tables = lock(&self.0);
        if !overwrite && tables.contains_key(name) {
            let error = Error::new(ErrorKind::InvalidInput, format!("table `{name}` exists"));
            return Err(error.with_help("allow it to be overwritten, or name another"));
        }
        let (schema, batches) = (rows.schema(), vec![rows]);
        tables.insert(name.to_owned(), Table { schema, batches });
        Ok(())
    }

    pub(crate) fn drop(&self, name: &str) -> Result<()> {
        lock(&self.0).remove(name).map(drop).ok_or_else(|| missing(name))
    }

    pub(crate) fn names(&self) -> Vec<String> {
        lock(&self.0).keys().cloned().collect()
    }

    pub(crate) fn schema(&self, name: &str) -> Result<SchemaRef> {
        self.get(name).map(|table| table.schema)
    }

    /// All rows as they are now, in the order they were written.
    pub(crate) fn rows(&self, name: &str) -> Result<RecordBatch> {
        let table = self.get(name)?;
        Ok(concat_batches(&table.schema, &table.batches)?)
    }

    /// Adds a batch at once: readers see all of it or nothing.
    pub(crate) fn append(&self, name: &str, batch: RecordBatch) -> Result<()> {
        let mut tables = lock(&self.0);
        let table = tables.get_mut(name).ok_or_else(|| missing(name))?;
        table.batches.push(batch);
        Ok(())
    }

    fn get(&self, name: &str) -> Result<Table> {
        lock(&self.0).get(name).cloned().ok_or_else(|| missing(name))
    }
}

fn missing(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("table `{name}` does not exist"))
}
