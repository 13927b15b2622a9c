//! The server of tests/engines/snowflake.sh, and the store as the conformance suite sees it.

// Each test program uses a part of it.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod proxy;
pub mod scripted;

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use hybrid_conformance::{ANY_TIE, Fixture, NO_NANOSECONDS, NotRun};
use hybrid_core::sql::{Append, Formulation, Mode, SqlSession, SqlStore};
use hybrid_core::store::DynOfflineStore;
use hybrid_core::{
    BatchStream, Capabilities, Context, Error, ErrorKind, HybridOfflineStore, Result, Source, async_trait,
};
use hybrid_store_snowflake::{EntitySelect, SnowflakeConfig, SnowflakeSource, SnowflakeStore};

pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test snowflake"))
}

pub fn port() -> u16 {
    variable("HYBRID_SNOWFLAKE_PORT").parse().unwrap()
}

/// A name that no other test uses; in capitals, as the emulator has databases and schemas.
pub fn unique(name: &str) -> String {
    format!("{name}_{}", uuid::Uuid::new_v4().simple()).to_uppercase()
}

/// A configuration of a server at a port of this machine, in a schema of its own. ASOF JOIN is what the emulator
/// has not got.
pub fn config_at(port: u16) -> SnowflakeConfig {
    let mut config = SnowflakeConfig::new("tests", "tester", "TEST")
        .with_password("secret")
        .with_schema(unique("S"))
        .at("127.0.0.1", port);
    config.formulation = Some(Formulation::RunningTime);
    // Not that of whoever runs the tests.
    config.config_path = Some(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/empty.ini").into());
    config
}

pub fn config() -> SnowflakeConfig {
    config_at(port())
}

pub async fn connect(config: SnowflakeConfig) -> SnowflakeStore {
    <SnowflakeStore as SqlStore>::connect(config, &Context::default())
        .await
        .unwrap()
}

/// All rows of a query, in a session of its own.
pub async fn rows(store: &SnowflakeStore, query: &str) -> Result<Vec<RecordBatch>> {
    let session = store.session().await?;
    let rows = match session.query(query).await {
        Ok(rows) => rows.collect().await,
        Err(error) => Err(error),
    };
    session.close().await?;
    rows
}

/// What a query shows, as a table.
pub async fn shown(store: &SnowflakeStore, query: &str) -> String {
    let batches = rows(store, query).await.unwrap();
    arrow::util::pretty::pretty_format_batches(&batches)
        .unwrap()
        .to_string()
}

/// Runs a statement in a session of its own.
pub async fn execute(store: &SnowflakeStore, statement: &str) {
    let session = store.session().await.unwrap();
    session.execute(statement).await.unwrap();
    session.close().await.unwrap();
}

/// Writes rows to a table.
pub async fn write(store: &SnowflakeStore, table: &[&str], batches: Vec<RecordBatch>, mode: Mode) -> Result<u64> {
    let session = store.session().await?;
    let append = Append {
        table: table.iter().map(|part| (*part).to_owned()).collect(),
        rows: BatchStream::from_batches(batches[0].schema(), batches),
        mode,
    };
    let done = session.append(append).await;
    session.close().await?;
    done
}

/// Files that were staged and are still there.
pub fn staged() -> usize {
    fn count(folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| match entry.file_type() {
                Ok(kind) if kind.is_dir() => count(&entry.path()),
                _ => usize::from(entry.path().extension().is_some_and(|extension| extension == "parquet")),
            })
            .sum()
    }
    count(Path::new(&variable("HYBRID_SNOWFLAKE_STAGED")))
}

/// The store as the conformance suite sees it: tables in a schema of their own.
pub struct SnowflakeFixture {
    config: SnowflakeConfig,
    own: Arc<SnowflakeStore>,
    store: HybridOfflineStore,
}

impl SnowflakeFixture {
    pub async fn new(mode: EntitySelect, formulation: Formulation) -> Self {
        let mut config = config();
        if formulation == Formulation::AsOf {
            config = config_at(proxy::Proxy::start(port()).await.port);
        }
        config.entity_select_mode = mode;
        config.formulation = Some(formulation);
        let own = Arc::new(connect(config.clone()).await);
        let store: Arc<dyn DynOfflineStore> = Arc::new(connect(config.clone()).await);
        Self {
            config,
            own,
            store: HybridOfflineStore::from_stores([("snowflake".to_owned(), store)]),
        }
    }

    fn parts(&self, table: &str) -> Vec<String> {
        let (database, schema) = (self.config.database.clone(), self.config.schema.clone());
        vec![database.unwrap(), schema.unwrap(), table.to_owned()]
    }
}

#[async_trait]
impl Fixture for SnowflakeFixture {
    fn store(&self) -> &HybridOfflineStore {
        &self.store
    }

    fn key(&self) -> &str {
        "snowflake"
    }

    fn capabilities(&self) -> Capabilities {
        SqlStore::capabilities(&*self.own)
    }

    fn not_run(&self) -> Vec<NotRun> {
        [ANY_TIE, NO_NANOSECONDS].concat()
    }

    async fn create(&self, table: &str, schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Source> {
        for field in schema.fields() {
            if let DataType::Timestamp(TimeUnit::Nanosecond, _) = field.data_type() {
                let message = "the emulator has no nanoseconds, and rows are written to the microsecond";
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        }
        let session = self.own.session().await?;
        let append = Append {
            table: self.parts(table),
            rows: BatchStream::from_batches(schema, batches),
            mode: Mode::Create,
        };
        let made = session.append(append).await;
        session.close().await?;
        made?;
        self.destination(table)
    }

    fn destination(&self, table: &str) -> Result<Source> {
        Ok(SnowflakeSource::new(format!("\"{}\"", table.replace('"', "\"\""))).into())
    }

    async fn drop(&self, table: &str) -> Result<()> {
        let session = self.own.session().await?;
        let parts: Vec<String> = self
            .parts(table)
            .iter()
            .map(|part| format!("\"{}\"", part.replace('"', "\"\"")))
            .collect();
        let dropped = session.execute(&format!("DROP TABLE {}", parts.join("."))).await;
        session.close().await?;
        dropped
    }
}
