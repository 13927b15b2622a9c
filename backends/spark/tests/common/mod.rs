//! The Spark store as the tests see it, on the server that HYBRID_SPARK_REMOTE names.

// Each test program uses a part of it.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use hybrid_conformance::Fixture;
use hybrid_core::sql::{Append, Mode, SqlSession, SqlStore};
use hybrid_core::store::DynOfflineStore;
use hybrid_core::{BatchStream, Capabilities, Context, DataSource, HybridOfflineStore, Result, Source, async_trait};
use hybrid_store_spark::{SparkConfig, SparkSession, SparkSource, SparkStore};

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

/// All rows of a query, in one batch.
pub async fn rows(session: &SparkSession, query: &str) -> Result<RecordBatch> {
    let stream = session.query(query).await?;
    let schema = stream.schema().clone();
    Ok(arrow::compute::concat_batches(&schema, &stream.collect().await?)?)
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

    async fn create(&self, table: &str, schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Source> {
        let append = Append {
            table: vec![table.to_owned()],
            rows: BatchStream::from_batches(schema, batches),
            mode: Mode::Create,
        };
        self.session.append(append).await?;
        SparkSource::table(format!("`{table}`")).into_source()
    }

    async fn drop(&self, table: &str) -> Result<()> {
        self.session.execute(&format!("DROP TABLE IF EXISTS `{table}`")).await
    }
}
