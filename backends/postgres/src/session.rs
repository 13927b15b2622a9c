//! One conversation with the server, on one connection.

mod append;
mod embed;
mod load;
mod query;
mod target;

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use hybrid_core::sql::{Append, SqlSession};
use hybrid_core::{BatchStream, Error, ErrorKind, Result, async_trait};
use tokio::sync::Mutex;
use tokio_postgres::{CancelToken, SimpleQueryMessage};

use crate::client::{Busy, Client, Slot};
use crate::config::EntitySelectMode;
use crate::{error, types};

/// The schema that every database has.
const PUBLIC: &str = "public";

/// How long [`close`](SqlSession::close) waits for what it has cancelled.
const CLOSE: Duration = Duration::from_secs(15);

/// A session of the Postgres store: one connection of the pool, from its first statement until it is closed.
pub struct PostgresSession {
    client: Arc<Client>,
    slot: Arc<Mutex<Slot>>,
    /// How to cancel what runs, for those who do not have the connection.
    token: std::sync::Mutex<Option<CancelToken>>,
    mode: EntitySelectMode,
    /// Where tables are that are named without a schema.
    schema: String,
}

impl PostgresSession {
    pub(crate) fn new(client: Arc<Client>, mode: EntitySelectMode, schema: String) -> Self {
        Self {
            client,
            slot: Arc::default(),
            token: std::sync::Mutex::default(),
            mode,
            schema,
        }
    }

    /// The connection, for one statement; waits while another runs.
    async fn busy(&self) -> Result<Busy> {
        let busy = Busy::new(&self.client, &self.slot).await?;
        let token = busy.connection()?.cancel_token();
        *self.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(token);
        Ok(busy)
    }

    /// Runs a statement without rows on an own turn.
    async fn run(&self, statement: &str) -> Result<()> {
        let busy = self.busy().await?;
        let outcome = busy.connection()?.batch_execute(statement).await;
        busy.done();
        outcome.map_err(|error| error::made(error, Some(statement)))
    }

    /// The rows of a statement as text.
    async fn texts(&self, statement: &str) -> Result<Vec<Vec<Option<String>>>> {
        let busy = self.busy().await?;
        let outcome = busy.connection()?.simple_query(statement).await;
        busy.done();
        let messages = outcome.map_err(|error| error::made(error, Some(statement)))?;
        let row = |message| match message {
            SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect()),
            _ => None,
        };
        Ok(messages.into_iter().filter_map(row).collect())
    }

    /// The first column of the first row.
    pub(crate) async fn text(&self, statement: &str) -> Result<Option<String>> {
        let rows = self.texts(statement).await?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()))
    }
}

#[async_trait]
impl SqlSession for PostgresSession {
    async fn describe(&self, query: &str) -> Result<SchemaRef> {
        let busy = self.busy().await?;
        let outcome = busy.connection()?.prepare(query).await;
        busy.done();
        let statement = outcome.map_err(|error| error::made(error, Some(query)))?;
        Ok(types::described(statement.columns()))
    }

    /// As the `search_path` of queries has it: a table without a schema is in `db_schema`, else in `public`; one that is
    /// to be made, in `db_schema`.
    async fn resolve(&self, table: Vec<String>) -> Result<Vec<String>> {
        if table.len() != 1 {
            return Ok(table);
        }
        let found = match self.schema.as_str() {
            PUBLIC => None,
            own => self.text(&target::schema_of(&table[0], [own, PUBLIC])).await?,
        };
        let schema = found.unwrap_or_else(|| self.schema.clone());
        Ok([vec![schema], table].concat())
    }

    async fn query(&self, query: &str) -> Result<BatchStream> {
        query::run(self.busy().await?, query).await
    }

    async fn execute(&self, statement: &str) -> Result<()> {
        self.run(statement).await
    }

    async fn upload(&self, rows: BatchStream) -> Result<String> {
        match self.mode {
            EntitySelectMode::TempTable => load::upload(self.busy().await?, rows).await,
            EntitySelectMode::EmbedQuery => embed::relation(rows, embed::Why::Configured).await,
        }
    }

    async fn stage(&self, select: &str) -> Result<String> {
        match self.mode {
            EntitySelectMode::TempTable => load::stage(self.busy().await?, select).await,
            // Named twice, a query may give other rows, or number them otherwise, the second time.
            EntitySelectMode::EmbedQuery => Err(Error::new(
                ErrorKind::Unsupported,
                "`entity_select_mode: embed_query` allows no temporary table, and a SELECT as entity frame needs one",
            )
            .with_help("give the entity rows themselves, or use `temp_table`")),
        }
    }

    async fn append(&self, append: Append) -> Result<u64> {
        append::append(self.busy().await?, append).await
    }

    async fn explain(&self, query: &str) -> Result<String> {
        let rows = self.texts(&format!("EXPLAIN {query}")).await?;
        let lines: Vec<String> = rows.into_iter().flatten().flatten().collect();
        Ok(lines.join("\n"))
    }

    async fn row_estimate(&self, table: &[String]) -> Result<Option<u64>> {
        let text = self.text(&target::row_estimate(table)).await?;
        Ok(text.and_then(|text| text.parse().ok()))
    }

    async fn has_index(&self, table: &[String], columns: &[&str]) -> Result<bool> {
        let text = self.text(&target::has_index(table, columns)).await?;
        Ok(text.as_deref() == Some("t"))
    }

    async fn close(&self) -> Result<()> {
        let running = match self.slot.try_lock() {
            Ok(_) => None,
            Err(_) => self
                .token
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .clone(),
        };
        if let Some(token) = &running {
            self.client.cancel(token).await;
        }
        let Ok(mut slot) = tokio::time::timeout(CLOSE, self.slot.lock()).await else {
            // Whoever still has it closes the connection when letting go.
            return Ok(());
        };
        slot.closed = true;
        let temporary = std::mem::take(&mut slot.temporary);
        let tainted = slot.tainted || running.is_some();
        let Some(lease) = slot.take() else { return Ok(()) };
        // A connection that is not given back is closed, and its temporary tables with it.
        if tainted || drop_tables(&temporary, &lease).await.is_err() {
            return Ok(());
        }
        self.client.release(lease);
        Ok(())
    }
}

/// Drops the temporary tables of a connection that others will use.
async fn drop_tables(temporary: &[String], lease: &crate::client::Lease) -> Result<()> {
    if temporary.is_empty() {
        return Ok(());
    }
    let statement = format!("DROP TABLE IF EXISTS {}", temporary.join(", "));
    let outcome = tokio::time::timeout(CLOSE, lease.object()?.batch_execute(&statement)).await;
    match outcome {
        Ok(outcome) => outcome.map_err(|error| error::made(error, Some(&statement))),
        Err(_) => Err(Error::new(
            ErrorKind::Timeout,
            "dropping temporary tables took too long",
        )),
    }
}
