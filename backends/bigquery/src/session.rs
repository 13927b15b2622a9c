use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{Field, SchemaRef};
use hybrid_core::sql::{Append, SqlSession};
use hybrid_core::{BatchStream, ErrorKind, Result, async_trait};
use tokio::sync::{OnceCell, watch};

use crate::client::{Job, Jobs, LiveJobs, Storage, Table, TableReference};
use crate::config::{BigQueryConfig, CreateDisposition};
use crate::error::{protocol, reason_of};
use crate::{explain, names, read, types};

/// What the sessions of a store share.
pub(crate) struct Shared {
    pub(crate) config: BigQueryConfig,
    /// The project of the dataset.
    pub(crate) project: String,
    pub(crate) jobs: Jobs,
    pub(crate) storage: Storage,
    /// The dataset is known to be there.
    pub(crate) ready: OnceCell<()>,
}

/// One conversation with BigQuery, for one operation.
pub struct BigQuerySession {
    shared: Arc<Shared>,
    live: Arc<LiveJobs>,
    tables: Mutex<Vec<TableReference>>,
    stop: watch::Sender<bool>,
}

impl BigQuerySession {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            live: Arc::default(),
            tables: Mutex::default(),
            stop: watch::Sender::new(false),
        }
    }

    pub(crate) fn config(&self) -> &BigQueryConfig {
        &self.shared.config
    }

    pub(crate) fn jobs(&self) -> &Jobs {
        &self.shared.jobs
    }

    pub(crate) fn live(&self) -> &Arc<LiveJobs> {
        &self.live
    }

    /// Runs a statement to its end.
    pub(crate) async fn run(&self, sql: &str) -> Result<Job> {
        self.jobs().query(&self.live, sql).await
    }

    /// The name of a new temporary table, which is dropped in the end, whatever happens.
    pub(crate) async fn new_table(&self) -> Result<TableReference> {
        let (project, dataset) = (&self.shared.project, &self.config().dataset);
        self.shared
            .ready
            .get_or_try_init(|| self.need_dataset(project, dataset))
            .await?;
        let table = TableReference {
            project_id: project.clone(),
            dataset_id: dataset.clone(),
            table_id: names::temporary(),
        };
        self.tables
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(table.clone());
        Ok(table)
    }

    /// Makes a dataset that is missing, where the configuration lets it.
    pub(crate) async fn need_dataset(&self, project: &str, dataset: &str) -> Result<()> {
        let may = self.config().table_create_disposition == CreateDisposition::CreateIfNeeded;
        if !may || self.jobs().has_dataset(project, dataset).await? {
            return Ok(());
        }
        let made = self
            .jobs()
            .make_dataset(project, dataset, self.config().location.as_deref())
            .await;
        match made {
            // Somebody else may have been quicker.
            Err(_) if self.jobs().has_dataset(project, dataset).await? => Ok(()),
            made => made,
        }
    }

    /// The rows of a SELECT in a temporary table.
    async fn staged(&self, select: &str) -> Result<TableReference> {
        let (table, seconds) = (self.new_table().await?, self.config().expire_after);
        let statement = format!(
            "CREATE TABLE {} OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL {seconds} SECOND), \
             labels = [{}]) AS\n{select}",
            names::table(&table),
            names::labels(self.jobs().labels())
        );
        self.run(&statement).await?;
        Ok(table)
    }

    /// What BigQuery knows of a table; nothing where it is none, such as a name with a star.
    async fn known(&self, table: &[String]) -> Result<Option<Table>> {
        let [project, dataset, table] = table else {
            return Ok(None);
        };
        let table = TableReference {
            project_id: project.clone(),
            dataset_id: dataset.clone(),
            table_id: table.clone(),
        };
        match self.jobs().table(&table).await {
            Ok(known) => Ok(Some(known)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn described(&self, query: &str) -> Result<Option<SchemaRef>> {
        let job = self.jobs().dry_run(query).await?;
        let schema = job.statistics.query.and_then(|query| query.schema);
        Ok(schema.map(|schema| types::described(&schema.fields)))
    }
}

#[async_trait]
impl SqlSession for BigQuerySession {
    async fn describe(&self, query: &str) -> Result<SchemaRef> {
        let described = match self.described(query).await {
            // A table that must be filtered can be described, as long as nobody would get its rows.
            Err(error) if error.message().contains("partition elimination") => {
                match explain::whole_table(query, &self.shared.project) {
                    Some(table) => Some(types::described(&self.jobs().table(&table).await?.schema.fields)),
                    None => return Err(error),
                }
            }
            other => other?,
        };
        described.ok_or_else(|| protocol("a query without columns"))
    }

    async fn query(&self, query: &str) -> Result<BatchStream> {
        let table = match self.run(query).await {
            Ok(job) => read::table_of(job)?,
            // A table of our own holds more than the one that BigQuery makes, but keeps no order.
            Err(error) if reason_of(&error) == Some("responseTooLarge") && !read::is_ordered(query) => {
                self.staged(query).await?
            }
            Err(error) => return Err(error),
        };
        read::rows(&self.shared, &table, query, self.stop.subscribe()).await
    }

    async fn execute(&self, statement: &str) -> Result<()> {
        self.run(statement).await.map(drop)
    }

    async fn upload(&self, rows: BatchStream) -> Result<String> {
        self.temporary(rows).await.map(|(from, _)| from)
    }

    async fn stage(&self, select: &str) -> Result<String> {
        Ok(names::table(&self.staged(select).await?))
    }

    async fn append(&self, append: Append) -> Result<u64> {
        self.write(append).await
    }

    async fn export(&self, rows: BatchStream, folder: &str) -> Result<u64> {
        self.export_rows(rows, folder).await
    }

    async fn explain(&self, query: &str) -> Result<String> {
        let job = self.jobs().dry_run(query).await?;
        Ok(explain::told(&job, self.config()))
    }

    async fn row_estimate(&self, table: &[String]) -> Result<Option<u64>> {
        // Views know no number.
        let known = self.known(table).await?.filter(|known| known.kind == "TABLE");
        Ok(known.and_then(|known| known.num_rows))
    }

    async fn hidden_column(&self, table: &[String], name: &str) -> Result<Option<Field>> {
        let partitioning = self.known(table).await?.and_then(|known| known.time_partitioning);
        Ok(partitioning.and_then(|partitioning| types::pseudo_column(name, &partitioning)))
    }

    async fn close(&self) -> Result<()> {
        self.stop.send_replace(true);
        self.live.end(self.jobs()).await;
        let tables = std::mem::take(&mut *self.tables.lock().unwrap_or_else(PoisonError::into_inner));
        let dropped = tables.iter().map(|table| self.jobs().drop_table(table));
        let dropped = futures::future::join_all(dropped).await;
        dropped.into_iter().collect::<Result<Vec<_>>>().map(drop)
    }
}
