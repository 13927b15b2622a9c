use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use hybrid_core::sql::{Append, SqlSession};
use hybrid_core::{BatchStream, Error, ErrorKind, Result, async_trait};

use crate::client::{Client, Conversation};
use crate::config::{EntitySelect, Settings};
use crate::names;

/// One conversation with Snowflake, for one operation: a session that nobody else has until it is closed.
pub struct SnowflakeSession {
    client: Arc<Client>,
    pub(crate) work: Conversation,
    tables: Mutex<Vec<String>>,
}

impl SnowflakeSession {
    pub(crate) async fn new(client: Arc<Client>) -> Result<Self> {
        Ok(Self {
            work: client.session().await?,
            client,
            tables: Mutex::default(),
        })
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.client.settings
    }

    /// What the server calls itself.
    pub(crate) async fn version(&self) -> Result<String> {
        let rows = self.work.rows("SELECT CURRENT_VERSION()").await?;
        Ok(rows.first().map_or_else(|| Client::version(&self.work), str::to_owned))
    }

    /// A name for a temporary table that is about to be made: it is dropped in the end, whatever happens.
    pub(crate) fn temporary_table(&self) -> String {
        let table = names::temporary();
        locked(&self.tables).push(table.clone());
        table
    }

    async fn drop_tables(&self) -> Result<()> {
        let tables = std::mem::take(&mut *locked(&self.tables));
        // The conversation of the work is over: it ends whatever is said in it.
        let cleaning = self.client.same(&self.work);
        for table in tables {
            cleaning.execute(&format!("DROP TABLE IF EXISTS {table}")).await?;
        }
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl SqlSession for SnowflakeSession {
    async fn describe(&self, query: &str) -> Result<SchemaRef> {
        self.work.describe(query).await
    }

    async fn query(&self, query: &str) -> Result<BatchStream> {
        self.work.query(query).await
    }

    async fn execute(&self, statement: &str) -> Result<()> {
        self.work.execute(statement).await
    }

    async fn upload(&self, rows: BatchStream) -> Result<String> {
        self.incoming(rows).await
    }

    async fn stage(&self, select: &str) -> Result<String> {
        if self.settings().entity_select == EntitySelect::EmbedQuery {
            let message = "`entity_select_mode: embed_query` allows no temporary table, and this operation needs one";
            return Err(Error::new(ErrorKind::Unsupported, message)
                .with_help("a query that is named twice may give other rows the second time; use `auto`"));
        }
        let table = self.temporary_table();
        let statement = format!("CREATE TEMPORARY TABLE {table} AS {select}");
        self.work.execute(&statement).await?;
        Ok(table)
    }

    async fn append(&self, append: Append) -> Result<u64> {
        self.write(append).await
    }

    async fn export(&self, rows: BatchStream, folder: &str) -> Result<u64> {
        self.unload(rows, folder).await
    }

    async fn explain(&self, query: &str) -> Result<String> {
        match self.work.rows(&format!("EXPLAIN USING TEXT {query}")).await {
            Ok(rows) => {
                let lines = rows
                    .rows
                    .into_iter()
                    .map(|row| row.into_iter().flatten().collect::<Vec<_>>().join("  "));
                Ok(lines.collect::<Vec<_>>().join("\n"))
            }
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
                // What is wrong with the query itself is an error.
                self.work.describe(query).await?;
                Ok(format!("the server gives no plan: {}", error.message()))
            }
            Err(error) => Err(error),
        }
    }

    async fn row_estimate(&self, table: &[String]) -> Result<Option<u64>> {
        let [schema @ .., name] = table else { return Ok(None) };
        let show = format!(
            "SHOW TABLES LIKE {} IN SCHEMA {}",
            names::exactly(name),
            names::table(schema)
        );
        // An estimate is worth no error: a view, for instance, has none.
        let Ok(shown) = self.work.rows(&show).await else {
            return Ok(None);
        };
        let (Some(names), Some(counts)) = (shown.column("name"), shown.column("rows")) else {
            return Ok(None);
        };
        let own = shown
            .rows
            .iter()
            .find(|row| row.get(names) == Some(&Some(name.clone())));
        Ok(own.and_then(|row| row.get(counts)?.as_deref()?.parse().ok()))
    }

    async fn close(&self) -> Result<()> {
        self.work.stop().await;
        // Otherwise the session ends, and its temporary tables with it.
        let clean = self.work.is_clean() && self.drop_tables().await.is_ok();
        self.client.give_back(&self.work, clean).await;
        Ok(())
    }
}
