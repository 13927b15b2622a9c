//! The server of tests/engines/postgres.sh, and the store as the conformance suite sees it.

// Each test program uses a part of it.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod request;

use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int32Type, SchemaRef, TimeUnit};
use hybrid_conformance::{ANY_TIE, Fixture, NO_NANOSECONDS, NO_WRITES, NotRun};
use hybrid_core::sql::{Append, Formulation, Mode, SqlSession, SqlStore};
use hybrid_core::store::DynOfflineStore;
use hybrid_core::{
    BatchStream, Capabilities, Context, Error, ErrorKind, HybridOfflineStore, OfflineStore, Result, Source, async_trait,
};
use hybrid_store_postgres::{
    EntitySelectMode, PostgresConfig, PostgresSession, PostgresSource, PostgresStore, SslMode,
};

pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test postgres"))
}

/// The server of the tests, without TLS.
pub fn config() -> PostgresConfig {
    let variable = |name: &str| variable(&format!("HYBRID_POSTGRES_{name}"));
    let mut config = PostgresConfig::new(
        variable("HOST"),
        variable("DATABASE"),
        variable("USER"),
        variable("PASSWORD"),
    );
    config.port = variable("PORT").parse().unwrap();
    config.sslmode = SslMode::Disable;
    config
}

/// The server that tests may break.
pub fn fragile() -> PostgresConfig {
    let mut config = config();
    config.port = variable("HYBRID_POSTGRES_FRAGILE_PORT").parse().unwrap();
    config
}

pub async fn store(config: PostgresConfig) -> PostgresStore {
    SqlStore::connect(config, &Context::default()).await.unwrap()
}

pub async fn session(config: PostgresConfig) -> PostgresSession {
    store(config).await.session().await.unwrap()
}

/// Runs a statement on a connection of its own.
pub async fn admin(statement: &str) {
    let session = session(config()).await;
    session.execute(statement).await.unwrap();
    session.close().await.unwrap();
}

/// The rows of a query on a connection of its own.
pub async fn rows(query: &str) -> Vec<RecordBatch> {
    let session = session(config()).await;
    let rows = session.query(query).await.unwrap().collect().await.unwrap();
    session.close().await.unwrap();
    rows
}

/// The first part of the server's version.
pub async fn version() -> i32 {
    let found = rows("SELECT current_setting('server_version_num')::int4 / 10000").await;
    found[0].column(0).as_primitive::<Int32Type>().value(0)
}

/// Whether a connection has TLS.
pub async fn encrypted(config: PostgresConfig) -> Result<bool> {
    let store = <PostgresStore as SqlStore>::connect(config, &Context::default()).await?;
    let session = store.session().await?;
    let rows = session
        .query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        .await?
        .collect()
        .await?;
    session.close().await?;
    Ok(rows[0].column(0).as_boolean().value(0))
}

/// A name that nothing else has.
pub fn fresh(prefix: &str) -> String {
    format!("{prefix}_{}", uuid::Uuid::new_v4().simple())
}

/// A program, as the user that owns the servers of the tests: they refuse to run as root.
pub fn as_owner(program: &str) -> Command {
    let id = Command::new("id").arg("-u").output().unwrap();
    let mut command = match id.stdout.as_slice() {
        b"0\n" => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", program]);
            command
        }
        _ => Command::new(program),
    };
    // That user may not be let into the folder of the tests.
    command.current_dir("/").stdout(Stdio::null());
    command
}

/// Runs pg_ctl on the cluster in a folder; whether it did what it was told.
#[must_use]
pub fn pg_ctl(cluster: &str, arguments: &[&str]) -> bool {
    let mut command = as_owner(&format!("{}/pg_ctl", variable("HYBRID_POSTGRES_BIN")));
    command.args(["-D", cluster, "-l", &format!("{cluster}.log"), "-w"]);
    command.args(arguments).status().unwrap().success()
}

/// A schema of its own.
pub struct PostgresFixture {
    schema: String,
    typed: Arc<PostgresStore>,
    store: HybridOfflineStore,
    /// Whether the store that is asked can write.
    pub writes: bool,
}

impl PostgresFixture {
    pub async fn new(mode: EntitySelectMode) -> Self {
        let mut config = config();
        config.entity_select_mode = mode;
        Self::between(config.clone(), config).await
    }

    /// Every view is joined by that formulation.
    pub async fn by(formulation: Formulation) -> Self {
        let mut config = config();
        config.formulation = Some(formulation);
        Self::between(config.clone(), config).await
    }

    /// One store makes the tables, the other is asked.
    pub async fn between(mut maker: PostgresConfig, mut asked: PostgresConfig) -> Self {
        let schema = fresh("Suite");
        let session = session(maker.clone()).await;
        session.execute(&format!("CREATE SCHEMA \"{schema}\"")).await.unwrap();
        session.close().await.unwrap();
        (maker.db_schema, asked.db_schema) = (schema.clone(), schema.clone());
        let typed = store(maker).await;
        let store: Arc<dyn DynOfflineStore> = Arc::new(store(asked).await);
        Self {
            schema,
            typed: Arc::new(typed),
            store: HybridOfflineStore::from_stores([("postgres".to_owned(), store)]),
            writes: true,
        }
    }

    fn quoted(&self, table: &str) -> String {
        format!("\"{}\".\"{}\"", self.schema, table.replace('"', "\"\""))
    }
}

#[async_trait]
impl Fixture for PostgresFixture {
    fn store(&self) -> &HybridOfflineStore {
        &self.store
    }

    fn key(&self) -> &str {
        "postgres"
    }

    fn capabilities(&self) -> Capabilities {
        OfflineStore::capabilities(&*self.typed).with_writes(self.writes)
    }

    fn not_run(&self) -> Vec<NotRun> {
        let mut all = [ANY_TIE, NO_NANOSECONDS].concat();
        if !self.writes {
            all.extend(NO_WRITES);
        }
        all
    }

    async fn create(&self, table: &str, schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Source> {
        for field in schema.fields() {
            if let DataType::Timestamp(TimeUnit::Nanosecond, _) = field.data_type() {
                return Err(Error::new(ErrorKind::Unsupported, "Postgres has no nanoseconds"));
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
        Ok(PostgresSource::table(self.quoted(table)).into())
    }

    async fn drop(&self, table: &str) -> Result<()> {
        let session = self.typed.session().await?;
        let dropped = session.execute(&format!("DROP TABLE {}", self.quoted(table))).await;
        session.close().await?;
        dropped
    }
}
