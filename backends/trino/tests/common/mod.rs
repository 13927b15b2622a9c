//! The server of scripts/test trino, as tests see it.

// Each test program uses a part of it.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod relay;

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, SchemaRef};
use hybrid_conformance::{ANY_TIE, Fixture, NotRun};
use hybrid_core::sql::{Append, Formulation, Mode, SqlSession, SqlStore};
use hybrid_core::store::DynOfflineStore;
use hybrid_core::{BatchStream, Capabilities, Context, HybridOfflineStore, Result, Source, async_trait};
use hybrid_store_trino::{EntitySelect, Staging, TrinoConfig, TrinoSource, TrinoStore};

pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test trino"))
}

pub fn host() -> String {
    variable("HYBRID_TRINO_HOST")
}

pub fn port() -> u16 {
    variable("HYBRID_TRINO_PORT").parse().unwrap()
}

pub fn https_port() -> u16 {
    variable("HYBRID_TRINO_HTTPS_PORT").parse().unwrap()
}

pub fn secrets() -> PathBuf {
    variable("HYBRID_TRINO_SECRETS").into()
}

/// A name that no other test uses.
pub fn unique(name: &str) -> String {
    format!("{name}_{}", uuid::Uuid::new_v4().simple())
}

/// A configuration with a schema of its own in a catalog that is called after its connector.
pub fn config(connector: &str) -> TrinoConfig {
    TrinoConfig::new(host(), port(), connector, connector)
        .with_user("tester")
        .with_dataset(unique("test"))
}

/// The folder that the server reaches as `local:///`.
pub fn warehouse() -> PathBuf {
    variable("HYBRID_TRINO_WAREHOUSE").into()
}

/// A folder of object storage that no other test uses, as the server names it.
pub fn bucket_folder(name: &str) -> String {
    format!("s3://{}/{}", variable("HYBRID_S3_BUCKET"), unique(name))
}

/// Storage that the server reaches as `local:///staging`.
pub fn staging() -> Staging {
    staging_below("staging")
}

/// The same in another folder.
pub fn staging_below(folder: &str) -> Staging {
    Staging {
        path: Some(warehouse().join(folder)),
        location: format!("local:///{folder}"),
        catalog: "hive".to_owned(),
        schema: Some("staging".to_owned()),
        s3_endpoint_override: None,
    }
}

/// The same on S3, in a folder of the bucket.
pub fn staging_in(location: String) -> Staging {
    Staging {
        path: None,
        location,
        s3_endpoint_override: Some(variable("HYBRID_S3_ENDPOINT")),
        ..staging()
    }
}

pub async fn connect(config: TrinoConfig) -> TrinoStore {
    <TrinoStore as SqlStore>::connect(config, &Context::default())
        .await
        .unwrap()
}

/// What asks that store alone.
pub fn router(store: Arc<TrinoStore>) -> HybridOfflineStore {
    let store: Arc<dyn DynOfflineStore> = store;
    HybridOfflineStore::from_stores([("trino".to_owned(), store)])
}

pub async fn memory() -> TrinoStore {
    connect(config("memory")).await
}

/// All rows of a query.
pub async fn rows(store: &TrinoStore, query: &str) -> Result<Vec<RecordBatch>> {
    let session = store.session().await?;
    let rows = session.query(query).await;
    let rows = match rows {
        Ok(rows) => rows.collect().await,
        Err(error) => Err(error),
    };
    session.close().await?;
    rows
}

/// How many rows a query gives.
pub async fn count(store: &TrinoStore, query: &str) -> usize {
    rows(store, query)
        .await
        .unwrap()
        .iter()
        .map(RecordBatch::num_rows)
        .sum()
}

/// The one number that a query gives.
pub async fn number(store: &TrinoStore, query: &str) -> i64 {
    let batches = rows(store, query).await.unwrap();
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}

/// What a query shows, as a table.
pub async fn shown(store: &TrinoStore, query: &str) -> String {
    let batches = rows(store, query).await.unwrap();
    arrow::util::pretty::pretty_format_batches(&batches)
        .unwrap()
        .to_string()
}

/// A query that gives rows for a long time; `name` finds it in the engine's list.
pub fn long(name: &str) -> String {
    format!(
        "SELECT '{name}' AS name, a.x, b.y, c.z FROM UNNEST(sequence(1, 10000)) AS a(x), UNNEST(sequence(1, 10000)) AS b(y), \
         UNNEST(sequence(1, 1000)) AS c(z)"
    )
}

/// The queries of that name that are running, or wait for it.
fn still_running(name: &str) -> String {
    format!(
        "SELECT query_id FROM system.runtime.queries WHERE query LIKE '%{name}%' AND query NOT LIKE '%runtime.queries%' \
         AND state NOT IN ('FINISHED', 'FAILED')"
    )
}

/// How many these are.
pub async fn running(store: &TrinoStore, name: &str) -> usize {
    count(store, &still_running(name)).await
}

/// Ends the one query of that name as an administrator does, where it has not ended.
pub async fn kill_query(store: &TrinoStore, name: &str) {
    let batches = rows(store, &still_running(name)).await.unwrap();
    let Some(batch) = batches.first() else { return };
    let id = arrow::util::display::array_value_to_string(batch.column(0), 0).unwrap();
    let call = format!("CALL system.runtime.kill_query(query_id => '{id}', message => 'enough')");
    let session = store.session().await.unwrap();
    session.execute(&call).await.unwrap();
    session.close().await.unwrap();
}

/// Makes a table of rows.
pub async fn create(store: &TrinoStore, table: &[&str], batches: Vec<RecordBatch>, mode: Mode) -> Result<u64> {
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

/// How entity rows travel.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    Embedded,
    Inserted,
    Staged,
    /// On S3.
    InBucket,
}

/// The store as the conformance suite sees it: tables of a connector, else Iceberg, in a schema of their own.
pub struct TrinoFixture {
    config: TrinoConfig,
    own: Arc<TrinoStore>,
    store: HybridOfflineStore,
}

impl TrinoFixture {
    pub async fn new(way: Way) -> Self {
        Self::by(way, None).await
    }

    pub async fn by(way: Way, formulation: Option<Formulation>) -> Self {
        let mut asked = config("iceberg");
        asked.formulation = formulation;
        Self::with(asked, way).await
    }

    /// Tables of another connector.
    pub async fn of(connector: &str) -> Self {
        Self::with(config(connector), Way::Embedded).await
    }

    async fn with(mut asked: TrinoConfig, way: Way) -> Self {
        match way {
            Way::Embedded => {}
            Way::Inserted => asked.entity_select_mode = EntitySelect::TempTable,
            Way::Staged => {
                asked.entity_select_mode = EntitySelect::TempTable;
                asked.staging = Some(staging());
            }
            Way::InBucket => {
                asked.entity_select_mode = EntitySelect::TempTable;
                asked.staging = Some(staging_in(bucket_folder("stage")));
            }
        }
        // Tables are made by the quickest way, whatever is tested.
        let mut quick = asked.clone();
        (quick.entity_select_mode, quick.staging) = (EntitySelect::Auto, Some(staging()));
        let store = router(Arc::new(connect(asked.clone()).await));
        Self {
            config: asked,
            own: Arc::new(connect(quick).await),
            store,
        }
    }
}

#[async_trait]
impl Fixture for TrinoFixture {
    fn store(&self) -> &HybridOfflineStore {
        &self.store
    }

    fn key(&self) -> &str {
        "trino"
    }

    fn capabilities(&self) -> Capabilities {
        SqlStore::capabilities(&*self.own)
    }

    fn not_run(&self) -> Vec<NotRun> {
        ANY_TIE.to_vec()
    }

    async fn create(&self, table: &str, schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Source> {
        let session = self.own.session().await?;
        let append = Append {
            table: vec![
                self.config.catalog.clone(),
                self.config.dataset.clone(),
                table.to_owned(),
            ],
            rows: BatchStream::from_batches(schema, batches),
            mode: Mode::Create,
        };
        let made = session.append(append).await;
        session.close().await?;
        made?;
        self.destination(table)
    }

    fn destination(&self, table: &str) -> Result<Source> {
        Ok(TrinoSource::new(format!("\"{table}\"")).into())
    }

    async fn drop(&self, table: &str) -> Result<()> {
        let session = self.own.session().await?;
        let (catalog, schema) = (&self.config.catalog, &self.config.dataset);
        session
            .execute(&format!("DROP TABLE {catalog}.{schema}.\"{table}\""))
            .await?;
        session.close().await
    }
}
