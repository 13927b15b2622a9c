//! The servers of tests/engines/redshift.sh, and the store as the conformance suite sees it.

// Each test program uses a part of it.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use futures::TryStreamExt;
use hybrid_conformance::{ANY_TIE, Fixture, NO_NANOSECONDS, NotRun};
use hybrid_core::sql::{Append, Formulation, Mode, SqlSession, SqlStore};
use hybrid_core::store::DynOfflineStore;
use hybrid_core::{
    BatchStream, Capabilities, Context, Error, ErrorKind, HybridOfflineStore, OfflineStore, Result, Source, async_trait,
};
use hybrid_store_postgres::SslMode;
use hybrid_store_redshift::{RedshiftConfig, RedshiftSession, RedshiftSource, RedshiftStore};
use object_store::ObjectStore;
use object_store::aws::{AmazonS3, AmazonS3Builder};

pub fn variable(name: &str) -> String {
    let name = format!("HYBRID_REDSHIFT_{name}");
    std::env::var(&name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test redshift"))
}

/// A name that nothing else has.
pub fn fresh(prefix: &str) -> String {
    format!("{prefix}_{}", uuid::Uuid::new_v4().simple())
}

/// A folder in S3 that nobody else uses.
fn staging() -> String {
    format!("{}/{}", variable("STAGING"), fresh("test"))
}

/// Over the Data API, with UNLOAD and COPY through a folder of its own.
pub fn data_api() -> RedshiftConfig {
    let mut config = RedshiftConfig::cluster("us-east-1", "cluster", "hybrid", variable("DATABASE"), staging());
    config.endpoint = Some(variable("ENDPOINT"));
    config.s3_endpoint = Some(variable("S3"));
    config
}

/// Over a connection, which everything travels by.
pub fn connection() -> RedshiftConfig {
    let mut config = RedshiftConfig::host(
        "us-east-1",
        variable("HOST"),
        variable("USER"),
        variable("PASSWORD"),
        variable("DATABASE"),
    );
    config.port = variable("PORT").parse().unwrap();
    config.sslmode = SslMode::Disable;
    config
}

/// Over a connection, with UNLOAD and COPY through a folder of its own.
pub fn connection_and_s3() -> RedshiftConfig {
    let mut config = connection();
    config.port = variable("RELAY").parse().unwrap();
    config.s3_staging_location = Some(staging());
    config.s3_endpoint = Some(variable("S3"));
    config
}

pub fn every_way() -> [RedshiftConfig; 3] {
    [data_api(), connection(), connection_and_s3()]
}

pub async fn store(config: RedshiftConfig) -> RedshiftStore {
    SqlStore::connect(config, &Context::default()).await.unwrap()
}

pub async fn session(config: RedshiftConfig) -> RedshiftSession {
    store(config).await.session().await.unwrap()
}

/// Runs a statement on a connection of its own.
pub async fn admin(statement: &str) {
    let session = session(connection()).await;
    session.execute(statement).await.unwrap();
    session.close().await.unwrap();
}

/// So many rows to upload or append: `n`, from 0.
pub fn numbers(count: i64) -> BatchStream {
    let numbers = Int64Array::from_iter_values(0..count);
    let batch = RecordBatch::try_from_iter([("n", Arc::new(numbers) as _)]).unwrap();
    BatchStream::from_batches(batch.schema(), vec![batch])
}

/// The rows of a query on a session of its own.
pub async fn rows(config: RedshiftConfig, query: &str) -> Result<Vec<RecordBatch>> {
    let session = session(config).await;
    let rows = async { session.query(query).await?.collect().await }.await;
    session.close().await.unwrap();
    rows
}

/// The single value of a query, as text.
pub async fn value(query: &str) -> String {
    let batches = rows(connection(), query).await.unwrap();
    arrow::util::display::array_value_to_string(batches[0].column(0), 0).unwrap()
}

/// How many statements with this text run in the engine.
pub async fn running(text: &str) -> String {
    value(&format!(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%{text}%' AND query NOT LIKE '%pg_stat_activity%'"
    ))
    .await
}

/// The bucket of the tests.
pub fn s3() -> AmazonS3 {
    let staging = variable("STAGING");
    let bucket = staging.strip_prefix("s3://").unwrap().split_once('/').unwrap().0;
    let builder = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_endpoint(variable("S3"));
    builder.with_allow_http(true).build().unwrap()
}

/// The names of what lies in S3 below the staging location of a configuration.
pub async fn staged(config: &RedshiftConfig) -> Vec<String> {
    let location = config.s3_staging_location.clone().unwrap();
    let (_, folder) = location.strip_prefix("s3://").unwrap().split_once('/').unwrap();
    let s3 = s3();
    let found = s3
        .list(Some(&folder.into()))
        .map_ok(|object| object.location.to_string());
    found.try_collect().await.unwrap()
}

/// A schema of its own in the server of the tests.
pub struct RedshiftFixture {
    schema: String,
    typed: Arc<RedshiftStore>,
    store: HybridOfflineStore,
}

impl RedshiftFixture {
    /// Every view is joined by that formulation, over a connection.
    pub async fn by(formulation: Formulation) -> Self {
        let mut config = connection();
        config.formulation = Some(formulation);
        Self::new(config).await
    }

    pub async fn new(mut config: RedshiftConfig) -> Self {
        let schema = fresh("Suite");
        admin(&format!("CREATE SCHEMA \"{schema}\"")).await;
        config.db_schema = schema.clone();
        let typed = store(config.clone()).await;
        let store: Arc<dyn DynOfflineStore> = Arc::new(store(config).await);
        Self {
            schema,
            typed: Arc::new(typed),
            store: HybridOfflineStore::from_stores([("redshift".to_owned(), store)]),
        }
    }

    fn quoted(&self, table: &str) -> String {
        format!("\"{}\".\"{}\"", self.schema, table.replace('"', "\"\""))
    }
}

#[async_trait]
impl Fixture for RedshiftFixture {
    fn store(&self) -> &HybridOfflineStore {
        &self.store
    }

    fn key(&self) -> &str {
        "redshift"
    }

    fn capabilities(&self) -> Capabilities {
        OfflineStore::capabilities(&*self.typed)
    }

    fn not_run(&self) -> Vec<NotRun> {
        [ANY_TIE, NO_NANOSECONDS].concat()
    }

    async fn create(&self, table: &str, schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Source> {
        for field in schema.fields() {
            if let DataType::Timestamp(TimeUnit::Nanosecond, _) = field.data_type() {
                return Err(Error::new(ErrorKind::Unsupported, "Redshift has no nanoseconds"));
            }
        }
        let session = self.typed.session().await?;
        let append = Append {
            table: vec![self.schema.clone(), table.to_owned()],
            rows: BatchStream::from_batches(schema, batches),
            mode: Mode::Create,
        };
        let made = session.append(append).await;
        session.close().await?;
        made?;
        self.destination(table)
    }

    fn destination(&self, table: &str) -> Result<Source> {
        Ok(RedshiftSource::table(self.quoted(table)).into())
    }

    async fn drop(&self, table: &str) -> Result<()> {
        let session = self.typed.session().await?;
        let dropped = session.execute(&format!("DROP TABLE {}", self.quoted(table))).await;
        session.close().await?;
        dropped
    }
}
