//! The Spark store as the tests see it, on the server that HYBRID_SPARK_REMOTE names.

// Each test program uses a part of it.
#![allow(dead_code, clippy::unwrap_used)]

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use hybrid_conformance::{ANY_TIE, Fixture, NotRun, signal};
use hybrid_core::sql::{Append, Formulation, Mode, SqlSession, SqlStore};
use hybrid_core::store::DynOfflineStore;
use hybrid_core::{
    BatchStream, Call, Capabilities, Context, DataSource, HistoricalRequest, HybridOfflineStore, OfflineStore, Result,
    Source, async_trait,
};
use hybrid_store_spark::{SparkConfig, SparkSession, SparkSource, SparkStore};
use tokio::net::{TcpListener, TcpStream};

pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `scripts/test spark`"))
}

pub fn config() -> SparkConfig {
    SparkConfig::new(variable("HYBRID_SPARK_REMOTE"))
}

pub async fn store(config: SparkConfig) -> SparkStore {
    <SparkStore as SqlStore>::connect(config, &Context::default())
        .await
        .unwrap()
}

pub async fn session() -> SparkSession {
    store(config()).await.session().await.unwrap()
}

/// The address of a server of the tests by its port.
pub fn remote(port: u16) -> String {
    format!("sc://127.0.0.1:{port}/;token={}", variable("HYBRID_SPARK_TOKEN"))
}

pub async fn through(port: u16) -> SparkStore {
    store(SparkConfig::new(remote(port))).await
}

pub async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

/// A server of its own, killed when dropped.
pub struct Server {
    process: Child,
    pub port: u16,
    _folder: tempfile::TempDir,
}

impl Server {
    /// With more options of spark-submit.
    pub async fn start(port: u16, options: &[&str]) -> Self {
        Self::run(Command::new(variable("HYBRID_SPARK_SERVE")), port, options).await
    }

    /// One whose files may have so many KiB.
    pub async fn start_with_files_of(limit: u32, port: u16, options: &[&str]) -> Self {
        let mut limited = Command::new("bash");
        let limits = format!("ulimit -f {limit}; exec \"$0\" \"$@\"");
        limited.args(["-c", &limits, &variable("HYBRID_SPARK_SERVE")]);
        Self::run(limited, port, options).await
    }

    async fn run(mut serve: Command, port: u16, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let process = serve
            .args([
                &variable("HYBRID_SPARK_HOME"),
                &port.to_string(),
                folder.path().to_str().unwrap(),
                &variable("HYBRID_SPARK_TOKEN"),
            ])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            process,
            port,
            _folder: folder,
        };
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("the second server did not start");
    }

    /// Sends its process a signal such as `-STOP`.
    pub fn signal(&self, name: &str) {
        assert!(signal(name, self.process.id()), "the second server has ended");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// All rows of a stream, in one batch.
pub async fn whole(stream: BatchStream) -> Result<RecordBatch> {
    let schema = stream.schema().clone();
    Ok(arrow::compute::concat_batches(&schema, &stream.collect().await?)?)
}

/// All rows of a query, in one batch.
pub async fn rows(session: &SparkSession, query: &str) -> Result<RecordBatch> {
    whole(session.query(query).await?).await
}

/// All rows that a retrieval gives, in one batch: the number of the entity row, then the features.
pub async fn retrieved(store: &SparkStore, asked: HistoricalRequest<SparkSource>) -> Result<RecordBatch> {
    let answer = OfflineStore::get_historical_features(store, asked, &Call::default()).await?;
    whole(answer.rows).await
}

/// Rows as a table of text lines, for comparing.
pub fn shown(batch: &RecordBatch) -> Vec<String> {
    let options = arrow::util::display::FormatOptions::default().with_null("NULL");
    let columns: Vec<_> = batch
        .columns()
        .iter()
        .map(|column| arrow::util::display::ArrayFormatter::try_new(column, &options).unwrap())
        .collect();
    (0..batch.num_rows())
        .map(|row| {
            columns
                .iter()
                .map(|column| column.value(row).to_string())
                .collect::<Vec<_>>()
                .join(" | ")
        })
        .collect()
}

/// The server's clock, in milliseconds.
const NOW: &str = "java_method('java.lang.System', 'currentTimeMillis')";

/// A SELECT that gives `k`, `ts` and `v` for five minutes. It has no engine's list of queries to be found in: all the
/// while it says in a property of the server's process when that was.
pub fn slow(name: &str) -> String {
    format!(
        "SELECT id AS k, TIMESTAMP_MICROS(0) AS ts, CAST(id AS DOUBLE) AS v FROM RANGE(0, 1500, 1, 1) \
         WHERE CONCAT(java_method('java.lang.System', 'setProperty', '{name}', {NOW}), \
         java_method('java.lang.Thread', 'sleep', CAST(200 AS BIGINT))) <> ''"
    )
}

/// Whether that SELECT runs.
pub async fn runs(store: &SparkStore, name: &str) -> bool {
    let session = store.session().await.unwrap();
    let said = format!("java_method('java.lang.System', 'getProperty', '{name}', '0')");
    let query = format!("SELECT CAST({NOW} AS BIGINT) - CAST({said} AS BIGINT)");
    let age = shown(&rows(&session, &query).await.unwrap())[0].clone();
    session.close().await.unwrap();
    // Longer than the server stops for its garbage.
    age.parse::<i64>().unwrap() < 3_000
}

pub fn append(table: &[&str], batch: RecordBatch, mode: Mode) -> Append {
    Append {
        table: table.iter().map(|part| (*part).to_owned()).collect(),
        rows: BatchStream::from_batches(batch.schema(), vec![batch]),
        mode,
    }
}

pub struct SparkFixture {
    store: HybridOfflineStore,
    session: SparkSession,
}

impl SparkFixture {
    /// Every view is joined by that formulation.
    pub async fn by(formulation: Formulation) -> Self {
        let mut config = config();
        config.formulation = Some(formulation);
        Self::new(config).await
    }

    pub async fn new(config: SparkConfig) -> Self {
        let spark = store(config).await;
        let session = spark.session().await.unwrap();
        let spark: Arc<dyn DynOfflineStore> = Arc::new(spark);
        Self {
            store: HybridOfflineStore::from_stores([("spark".to_owned(), spark)]),
            session,
        }
    }
}

#[async_trait]
impl Fixture for SparkFixture {
    fn store(&self) -> &HybridOfflineStore {
        &self.store
    }

    fn key(&self) -> &str {
        "spark"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn not_run(&self) -> Vec<NotRun> {
        ANY_TIE.to_vec()
    }

    async fn create(&self, table: &str, schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Source> {
        let append = Append {
            table: vec![table.to_owned()],
            rows: BatchStream::from_batches(schema, batches),
            mode: Mode::Create,
        };
        self.session.append(append).await?;
        self.destination(table)
    }

    fn destination(&self, table: &str) -> Result<Source> {
        SparkSource::table(format!("`{table}`")).into_source()
    }

    async fn drop(&self, table: &str) -> Result<()> {
        self.session.execute(&format!("DROP TABLE IF EXISTS `{table}`")).await
    }
}
