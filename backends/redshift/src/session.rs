//! One conversation with Redshift.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use hybrid_core::sql::{Append, SqlSession};
use hybrid_core::{BatchStream, Error, Result, async_trait};

use crate::client::{Connection, Connector, Conversation, DataApi, quoted_text};
use crate::config::Bulk;
use crate::staging::{Place, Staging};
use crate::{RedshiftConfig, unload};

/// What the sessions of a store share.
pub(crate) struct Shared {
    pub(crate) config: RedshiftConfig,
    pub(crate) reach: Reach,
    pub(crate) staging: Option<Staging>,
}

/// How statements reach Redshift.
pub(crate) enum Reach {
    DataApi(Arc<DataApi>),
    Connection(Arc<Connector>),
}

/// The same, for one session.
pub(crate) enum Way {
    DataApi(Conversation),
    Connection(Connection),
}

/// A session of the Redshift store.
pub struct RedshiftSession {
    pub(crate) shared: Arc<Shared>,
    pub(crate) way: Way,
    /// Temporary tables, quoted.
    temporary: Mutex<Vec<String>>,
    /// What lies in S3.
    places: Mutex<Vec<Place>>,
}

/// What every connection is told once; some of it only Redshift knows.
pub(crate) fn settings(config: &RedshiftConfig, is_redshift: bool) -> Vec<String> {
    let mut settings = vec!["SET timezone TO 'UTC'".to_owned()];
    if is_redshift {
        settings.push(format!("SET query_group TO {}", quoted_text(&config.query_group)));
        // Quoted names mean what they say.
        settings.push("SET enable_case_sensitive_identifier TO true".to_owned());
    }
    if config.host.is_some() {
        // Values are read as text.
        settings.push("SET datestyle TO 'ISO, YMD'".to_owned());
        settings.push("SET extra_float_digits TO 2".to_owned());
    }
    if config.db_schema != "public" {
        settings.push(format!(
            "SET search_path TO \"{}\"",
            config.db_schema.replace('"', "\"\"")
        ));
    }
    if let Some(seconds) = config.statement_timeout {
        settings.push(format!("SET statement_timeout TO {}", seconds.saturating_mul(1000)));
    }
    settings
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RedshiftSession {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let way = match &shared.reach {
            Reach::DataApi(api) => Way::DataApi(Conversation::new(Arc::clone(api))),
            Reach::Connection(connector) => Way::Connection(Connection::new(Arc::clone(connector))),
        };
        Self {
            shared,
            way,
            temporary: Mutex::default(),
            places: Mutex::default(),
        }
    }

    /// Runs statements without rows in one transaction. `keep`: what they make must stay for the session.
    pub(crate) async fn run(&self, statements: Vec<String>, keep: bool) -> Result<()> {
        match &self.way {
            Way::DataApi(conversation) => conversation.run(statements, keep).await.map(drop),
            Way::Connection(connection) => connection.run(&statements).await,
        }
    }

    /// A query of a few rows, without a detour.
    async fn few_rows(&self, query: &str) -> Result<BatchStream> {
        match &self.way {
            Way::DataApi(conversation) => {
                let answer = conversation.run(vec![query.to_owned()], false).await?;
                let (schema, batches) = answer.rows().await?;
                Ok(BatchStream::from_batches(schema, batches))
            }
            Way::Connection(connection) => connection.query(query).await,
        }
    }

    /// The first column of a query as text.
    pub(crate) async fn texts(&self, query: &str) -> Result<Vec<String>> {
        let batches = self.few_rows(query).await?.collect().await?;
        let texts = batches
            .iter()
            .filter_map(|batch: &RecordBatch| batch.columns().first())
            .map(|column| {
                let column = arrow::compute::cast(column, &DataType::Utf8)?;
                let column = column.as_string::<i32>();
                let text = |row| {
                    if column.is_null(row) {
                        String::new()
                    } else {
                        column.value(row).to_owned()
                    }
                };
                Ok((0..column.len()).map(text).collect::<Vec<_>>())
            });
        Ok(texts.collect::<Result<Vec<_>>>()?.concat())
    }

    /// A name that no other table has, dropped when the session is closed.
    pub(crate) fn temporary_table(&self) -> String {
        let table = format!("\"hybrid_{}\"", uuid::Uuid::new_v4().simple());
        locked(&self.temporary).push(table.clone());
        table
    }

    /// A folder in S3, deleted when the session is closed.
    pub(crate) fn place(&self, staging: &Staging) -> Place {
        let place = staging.fresh();
        locked(&self.places).push(place.clone());
        place
    }

    /// Where rows travel, if through S3.
    pub(crate) fn staging(&self) -> Option<&Staging> {
        self.shared
            .staging
            .as_ref()
            .filter(|_| self.shared.config.bulk() == Bulk::S3)
    }
}

#[async_trait]
impl SqlSession for RedshiftSession {
    async fn describe(&self, query: &str) -> Result<SchemaRef> {
        match &self.way {
            Way::Connection(connection) => connection.describe(query).await,
            Way::DataApi(conversation) => {
                // No part of the query is run: the condition is known to be false.
                let nothing = format!("SELECT * FROM ({query}\n) AS d WHERE FALSE LIMIT 0");
                let answer = conversation.run(vec![nothing], false).await?;
                answer.rows().await.map(|(schema, _)| schema)
            }
        }
    }

    async fn query(&self, query: &str) -> Result<BatchStream> {
        match self.staging() {
            Some(staging) if !unload::is_one_row(query) => self.unload(staging, query).await,
            _ => self.few_rows(query).await,
        }
    }

    async fn execute(&self, statement: &str) -> Result<()> {
        self.run(vec![statement.to_owned()], false).await
    }

    async fn upload(&self, rows: BatchStream) -> Result<String> {
        self.uploaded(rows, true).await.map(|(table, _)| table)
    }

    async fn stage(&self, select: &str) -> Result<String> {
        let table = self.temporary_table();
        self.run(vec![format!("CREATE TEMPORARY TABLE {table} AS {select}")], true)
            .await?;
        Ok(table)
    }

    async fn append(&self, append: Append) -> Result<u64> {
        self.write(append).await
    }

    async fn export(&self, rows: BatchStream, folder: &str) -> Result<u64> {
        self.unload_rows(rows, folder).await
    }

    async fn explain(&self, query: &str) -> Result<String> {
        Ok(self.texts(&format!("EXPLAIN {query}")).await?.join("\n"))
    }

    async fn close(&self) -> Result<()> {
        let temporary = std::mem::take(&mut *locked(&self.temporary));
        let closed = match &self.way {
            Way::DataApi(conversation) => conversation.close(&temporary).await,
            Way::Connection(connection) => {
                connection.close().await;
                Ok(())
            }
        };
        let places = std::mem::take(&mut *locked(&self.places));
        let mut problems: Vec<Error> = closed.err().into_iter().collect();
        if let Some(staging) = &self.shared.staging {
            for place in &places {
                problems.extend(staging.remove(place).await.err());
            }
        }
        Error::from_problems(problems).map_or(Ok(()), Err)
    }
}
