use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, SchemaRef};
use futures::FutureExt;
use hybrid_core::sql::{Append, SqlSession, Swap};
use hybrid_core::{BatchStream, Error, ErrorKind, Result, async_trait};
use tokio::sync::OnceCell;

use crate::catalogs::micros_of;
use crate::client::{Client, Conversation, Properties};
use crate::config::{EntitySelect, TrinoConfig};
use crate::names;
use crate::upload::{Staged, Storage};

/// What the sessions of a store share.
pub(crate) struct Shared {
    pub(crate) config: TrinoConfig,
    pub(crate) client: Arc<Client>,
    /// Where rows are staged.
    pub(crate) storage: Option<Storage>,
    /// The catalogs of the Hive connector, from when they were asked for.
    pub(crate) hives: OnceCell<Vec<String>>,
}

impl Shared {
    pub(crate) fn new(config: TrinoConfig, client: Arc<Client>) -> Result<Self> {
        Ok(Self {
            storage: config.staging.as_ref().map(Storage::of).transpose()?,
            config,
            client,
            hives: OnceCell::new(),
        })
    }

    /// A conversation with the configured session properties.
    pub(crate) fn conversation(&self) -> Conversation {
        Conversation::new(
            Arc::clone(&self.client),
            Arc::new(Properties::new(properties(&self.config))),
        )
    }
}

/// The configured properties, and timestamps to the microsecond where the Hive connector would cut them.
fn properties(config: &TrinoConfig) -> std::collections::BTreeMap<String, String> {
    let mut properties = config.session_properties.clone();
    let staging = config.staging.iter().map(|staging| &staging.catalog);
    let own = Some(&config.catalog).filter(|_| config.connector.kind == "hive");
    for catalog in staging.chain(own) {
        let (name, value) = micros_of(catalog);
        properties.entry(name).or_insert_with(|| value.to_owned());
    }
    properties
}

/// One conversation with Trino, for one operation.
pub struct TrinoSession {
    shared: Arc<Shared>,
    work: Conversation,
    tables: Mutex<Vec<String>>,
    staged: Mutex<Vec<Staged>>,
    swaps: Swap,
    /// From when a statement writes to what the caller named.
    writes: AtomicBool,
}

impl TrinoSession {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            work: shared.conversation(),
            shared,
            tables: Mutex::default(),
            staged: Mutex::default(),
            swaps: Swap::default(),
            writes: AtomicBool::new(false),
        }
    }

    pub(crate) fn config(&self) -> &TrinoConfig {
        &self.shared.config
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Sets a session property for the statements that follow.
    pub(crate) fn set(&self, name: &str, value: &str) {
        self.work.set(name, value);
    }

    /// Has a catalog of Hive know timestamps to the microsecond, unless the configuration says otherwise.
    pub(crate) fn to_micros(&self, catalog: &str) {
        let (name, value) = micros_of(catalog);
        self.work.offer(name, value);
    }

    /// Runs a statement and says how many rows it wrote, where it wrote any.
    pub(crate) async fn run(&self, statement: &str) -> Result<Option<u64>> {
        self.work.execute(statement).await
    }

    /// The rows of a query that has few.
    pub(crate) async fn rows(&self, query: &str) -> Result<Vec<RecordBatch>> {
        self.work.rows(query).await
    }

    /// Puts the table `new` in the place of `name`, whose old rows are called `aside` until they are dropped.
    pub(crate) async fn swap(&self, name: String, new: String, aside: String) -> Result<()> {
        // The conversation of the work may be over before that is done.
        let conversation = Arc::new(self.shared.conversation());
        let run = move |statement: String| {
            let conversation = Arc::clone(&conversation);
            async move { conversation.execute(&statement).await.map(drop) }.boxed()
        };
        self.swaps.swap(Box::new(run), name, new, aside).await
    }

    /// Notes that the next statement writes to what the caller named: until then nothing of it was touched.
    pub(crate) fn writes(&self) {
        self.writes.store(true, Ordering::Relaxed);
    }

    /// Notes a table that is about to be made: it is dropped in the end, whatever happens.
    pub(crate) fn made_table(&self, table: &str) {
        locked(&self.tables).push(table.to_owned());
    }

    /// Notes what is about to be staged: it is removed in the end, whatever happens.
    pub(crate) fn stages(&self, staged: Staged) {
        locked(&self.staged).push(staged);
    }

    /// Where rows are staged, for people.
    fn places(&self) -> String {
        let staged = locked(&self.staged);
        staged.iter().map(|staged| format!("staged in {staged}\n")).collect()
    }

    /// What stands behind the name of a table that is made in the configured catalog. As in Feast, other connectors are
    /// given no format: they have no such property.
    pub(crate) fn table_options(&self) -> String {
        let connector = &self.config().connector;
        let has_formats = matches!(connector.kind.as_str(), "hive" | "iceberg");
        let format = connector.file_format.as_ref().filter(|_| has_formats);
        format.map_or_else(String::new, |format| {
            format!(" WITH (format = {})", names::text(&format.to_uppercase()))
        })
    }

    async fn drop_tables(&self) -> Result<()> {
        let tables = std::mem::take(&mut *locked(&self.tables));
        // The conversation of the work is over: it ends whatever is said in it.
        let cleaning = self.shared.conversation();
        let drops = tables.iter().map(|table| format!("DROP TABLE IF EXISTS {table}"));
        let drops = drops.map(|statement| async { cleaning.execute(&{ statement }).await });
        let dropped = futures::future::join_all(drops).await;
        dropped.into_iter().collect::<Result<Vec<_>>>().map(drop)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl SqlSession for TrinoSession {
    async fn describe(&self, query: &str) -> Result<SchemaRef> {
        self.keep_micros(query).await?;
        // The planner makes an empty table of it.
        let query = format!("SELECT * FROM (\n{query}\n) AS described LIMIT 0");
        Ok(Arc::clone(self.work.query(&query).await?.schema()))
    }

    async fn query(&self, query: &str) -> Result<BatchStream> {
        self.work.query(query).await
    }

    async fn execute(&self, statement: &str) -> Result<()> {
        self.run(statement).await.map(drop)
    }

    async fn upload(&self, rows: BatchStream) -> Result<String> {
        self.incoming(rows).await
    }

    async fn stageable(&self, query: &str, columns: Option<SchemaRef>) -> Result<String> {
        self.without_chars(query, columns).await
    }

    async fn stage(&self, select: &str) -> Result<String> {
        if self.config().entity_select_mode == EntitySelect::EmbedQuery {
            let message = "`entity_select_mode: embed_query` allows no temporary table, and this operation needs one";
            return Err(Error::new(ErrorKind::Unsupported, message)
                .with_help("a query that is named twice may give other rows the second time; use `auto`"));
        }
        self.keep_micros(select).await?;
        self.create_temporary(select).await
    }

    async fn append(&self, append: Append) -> Result<u64> {
        self.write(append).await
    }

    async fn export(&self, rows: BatchStream, folder: &str) -> Result<u64> {
        self.write_folder(rows, folder).await
    }

    fn may_have_written(&self) -> bool {
        self.writes.load(Ordering::Relaxed)
    }

    async fn explain(&self, query: &str) -> Result<String> {
        let batches = self.rows(&format!("EXPLAIN {query}")).await?;
        let lines = batches
            .iter()
            .filter(|batch| batch.num_columns() > 0)
            .flat_map(|batch| {
                let column = batch.column(0).as_string::<i32>();
                column.iter().flatten().map(str::to_owned).collect::<Vec<_>>()
            });
        Ok(self.places() + &lines.collect::<Vec<_>>().join("\n"))
    }

    async fn row_estimate(&self, table: &[String]) -> Result<Option<u64>> {
        let batches = self.rows(&format!("SHOW STATS FOR {}", names::table(table))).await?;
        Ok(batches.last().and_then(row_count))
    }

    async fn close(&self) -> Result<()> {
        self.work.stop().await;
        self.swaps.end().await;
        let dropped = self.drop_tables().await;
        let staged = std::mem::take(&mut *locked(&self.staged));
        let removed = futures::future::join_all(staged.into_iter().map(Staged::remove)).await;
        dropped.and(removed.into_iter().collect())
    }
}

/// The number in the last row of SHOW STATS, which is about the table.
fn row_count(batch: &RecordBatch) -> Option<u64> {
    let counts = batch.column_by_name("row_count")?.as_primitive_opt::<Float64Type>()?;
    let last = counts.len().checked_sub(1).filter(|last| counts.is_valid(*last))?;
    let count = counts.value(last);
    // Statistics are estimates: a fraction does not matter.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (count.is_finite() && count >= 0.0).then_some(count as u64)
}
