use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use hybrid_core::{Capabilities, HybridOfflineStore, Result, Source, async_trait};

use crate::NotRun;

/// A store under test: what the suite needs beside the store itself.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// A router in which the store is configured.
    fn store(&self) -> &HybridOfflineStore;

    /// The store's key.
    fn key(&self) -> &str;

    /// What the store declares; decides which behaviours run.
    fn capabilities(&self) -> Capabilities;

    /// What does not run, for want of a capability or of a type, and why: all of it, and nothing else.
    fn not_run(&self) -> Vec<NotRun> {
        Vec::new()
    }

    /// Makes the table `table` of these rows and returns a source of it with its options set; the
    /// suite adds the timestamp columns and the mapping. Batches are in the table's order.
    ///
    /// # Errors
    /// Unsupported, when the engine has no such type: the behaviour then counts as not run, as
    /// [`not_run`](Self::not_run) has to say.
    async fn create(&self, table: &str, schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Source>;

    /// A source with its options set whose table `table` is not there yet: where a result is persisted to. It is read
    /// as one that [`create`](Self::create) made.
    ///
    /// # Errors
    /// Unsupported, when the store makes no such tables of results: the behaviour then counts as not run.
    fn destination(&self, table: &str) -> Result<Source>;

    /// Drops a table that [`create`](Self::create) made, or that a result was persisted to.
    ///
    /// # Errors
    /// Whatever the engine says.
    async fn drop(&self, table: &str) -> Result<()>;
}

/// A fixture that remembers what it made, so that a behaviour that fails leaves nothing behind.
pub(crate) struct Tracked<'a> {
    inner: &'a dyn Fixture,
    made: Mutex<Vec<String>>,
}

impl<'a> Tracked<'a> {
    pub(crate) fn new(inner: &'a dyn Fixture) -> Self {
        Self {
            inner,
            made: Mutex::default(),
        }
    }

    fn remember(&self, table: &str) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.push(table.to_owned());
    }

    fn forget(&self, table: &str) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.retain(|name| name != table);
    }

    fn made(&self) -> Vec<String> {
        std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Drops every table that is still there.
    pub(crate) async fn clean_up(&self) -> Result<()> {
        let mut outcome = Ok(());
        for table in self.made() {
            outcome = outcome.and(self.inner.drop(&table).await);
        }
        outcome
    }
}

#[async_trait]
impl Fixture for Tracked<'_> {
    fn store(&self) -> &HybridOfflineStore {
        self.inner.store()
    }

    fn key(&self) -> &str {
        self.inner.key()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn not_run(&self) -> Vec<NotRun> {
        self.inner.not_run()
    }

    async fn create(&self, table: &str, schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Source> {
        let source = self.inner.create(table, schema, batches).await?;
        self.remember(table);
        Ok(source)
    }

    /// A behaviour that passes has something there in the end.
    fn destination(&self, table: &str) -> Result<Source> {
        let destination = self.inner.destination(table)?;
        self.remember(table);
        Ok(destination)
    }

    async fn drop(&self, table: &str) -> Result<()> {
        self.forget(table);
        self.inner.drop(table).await
    }
}
