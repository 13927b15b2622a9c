use arrow::datatypes::{Field, SchemaRef};
use async_trait::async_trait;
use serde::de::DeserializeOwned;

use super::{Cleanup, Dialect, Formulation, Relation};
use crate::{BatchStream, Capabilities, Context, DataSource, Error, ErrorKind, Result};

/// A store that speaks SQL: what a backend implements instead of [`OfflineStore`](crate::OfflineStore),
/// which follows from it.
#[async_trait]
pub trait SqlStore: Send + Sync + Sized + 'static {
    /// The type of its sources; its name decides the store's key.
    type Source: DataSource;
    /// Its part of feature_store.yaml.
    type Config: DeserializeOwned + Send + Sync + 'static;
    /// What runs statements.
    type Session: SqlSession;

    /// Makes a store ready for use. Called once per configuration, on first use.
    async fn connect(config: Self::Config, context: &Context) -> Result<Self>;

    /// What it can do beyond what every store must.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    /// Whether it can be reached, and what it is: one line for people.
    async fn ping(&self) -> Result<String>;

    /// How its engine writes things.
    fn dialect(&self) -> &dyn Dialect;

    /// What ends the sessions of calls that were dropped: a field of the store, `Cleanup::default()`.
    fn cleanup(&self) -> &Cleanup;

    /// How a date partition column of text or whole numbers writes a date where its source does not say, in strftime's
    /// terms; `None`: nothing is pruned by such a column then.
    fn default_partition_format(&self) -> Option<&'static str> {
        None
    }

    /// What a source reads from, completed by what the configuration says (schema, catalog). A table that only the
    /// engine can complete is left to [`resolve`](SqlSession::resolve).
    ///
    /// # Errors
    /// Definition, when it names neither a table nor a query nor a folder to export to, or several.
    fn relation(&self, source: &Self::Source) -> Result<Relation>;

    /// The formulation that every view is joined by, where the configuration says so; `None` leaves
    /// the choice to what is known of the data. One that the dialect does not have is refused when the store connects.
    fn formulation(&self) -> Option<Formulation> {
        None
    }

    /// A session of its own for one operation.
    ///
    /// # Errors
    /// Unavailable, Unauthenticated and the like.
    async fn session(&self) -> Result<Self::Session>;

    /// Closes connections; every session has been closed before.
    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }
}

/// One conversation with an engine, for one operation. Calls may overlap; what an engine's connection
/// cannot do at once waits.
#[async_trait]
pub trait SqlSession: Send + Sync + 'static {
    /// The columns of a query, in the Arrow types in which [`query`](Self::query) returns them, with
    /// [`SQL_TYPE`](super::SQL_TYPE) where that is not all. Runs nothing.
    async fn describe(&self, query: &str) -> Result<SchemaRef>;

    /// The whole name of the table that a source names in part, by where the engine has it; as it is where nothing is
    /// left out.
    async fn resolve(&self, table: Vec<String>) -> Result<Vec<String>> {
        Ok(table)
    }

    /// Runs a query; batches come as the engine gives them, in bounded memory, of the schema that the
    /// stream declares. Dropping the stream, or this future, ends the query in the engine.
    async fn query(&self, query: &str) -> Result<BatchStream>;

    /// Runs a statement that gives no rows.
    async fn execute(&self, statement: &str) -> Result<()>;

    /// Loads rows into a new temporary relation by the engine's bulk path and returns it as it stands
    /// in FROM. The columns keep their names; types are those of entity rows (UInt64 is loaded as the
    /// engine's 64-bit integer). Gone after [`close`](Self::close), and by the engine's own means or a
    /// later sweep after a crash.
    async fn upload(&self, rows: BatchStream) -> Result<String>;

    /// What to stage in the place of a query, where the relation that is made of it would tell less of its columns than
    /// the query does. `columns` are the query's, where they have been asked for already. Runs nothing.
    async fn stageable(&self, query: &str, columns: Option<SchemaRef>) -> Result<String> {
        let _ = columns;
        Ok(query.to_owned())
    }

    /// Makes such a temporary relation of a SELECT, inside the engine.
    async fn stage(&self, select: &str) -> Result<String>;

    /// Appends rows to a table, or makes one of them: all or none. Returns how many.
    async fn append(&self, append: Append) -> Result<u64>;

    /// Has the engine write rows as Parquet files into a folder of object storage, one that is new: `folder` is of plain
    /// names with slashes between, below the place that the configuration names. Returns how many.
    async fn export(&self, rows: BatchStream, folder: &str) -> Result<u64> {
        let _ = (rows, folder);
        Err(Error::new(ErrorKind::Unsupported, "the store exports nothing"))
    }

    /// Whether an [`append`](Self::append) or [`export`](Self::export) that failed may have written rows: `false` as long as
    /// these were only prepared, and the caller may simply try again.
    fn may_have_written(&self) -> bool {
        true
    }

    /// The engine's own plan of a query, for people. Runs nothing that costs.
    async fn explain(&self, query: &str) -> Result<String>;

    /// How many rows a table has, if the engine knows without counting.
    async fn row_estimate(&self, table: &[String]) -> Result<Option<u64>> {
        let _ = table;
        Ok(None)
    }

    /// Prepares for a point-in-time join whose steps pass on about so many bytes: engines that do not see it themselves
    /// cut the work by that. Returns what was set, for people.
    async fn expect(&self, bytes: u64) -> Result<Option<String>> {
        let _ = bytes;
        Ok(None)
    }

    /// A column of the table that a `SELECT *` leaves out, as [`describe`](Self::describe) would have it: some tables
    /// are partitioned by one. It is NULL where a row is in no partition yet.
    async fn hidden_column(&self, table: &[String], name: &str) -> Result<Option<Field>> {
        let _ = (table, name);
        Ok(None)
    }

    /// Whether the table has an index that begins with these columns, in this order.
    async fn has_index(&self, table: &[String], columns: &[&str]) -> Result<bool> {
        let _ = (table, columns);
        Ok(false)
    }

    /// Ends what still runs in the engine and drops what was uploaded and staged. Called once, also
    /// after errors and when a call is cancelled.
    async fn close(&self) -> Result<()>;
}

/// Rows for a table.
pub struct Append {
    /// The parts of the table's name, unquoted.
    pub table: Vec<String>,
    /// The rows; their columns are the table's, by name, in any order, and may be fewer.
    pub rows: BatchStream,
    /// Into which table.
    pub mode: Mode,
}

/// Into which table rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One that is there.
    Append,
    /// One made for them; an error when it is there.
    Create,
    /// One made for them, in the place of what is there.
    Replace,
}
