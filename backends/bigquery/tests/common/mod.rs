//! The emulator of scripts/test bigquery, as tests see it.

// Each test program uses a part of it.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod gate;
pub mod proxy;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use futures::StreamExt;
use hybrid_conformance::{ANY_TIE, Fixture, NotRun};
use hybrid_core::sql::{Append, Formulation, Mode, SqlSession, SqlStore};
use hybrid_core::store::DynOfflineStore;
use hybrid_core::{
    BatchStream, Capabilities, Context, Error, ErrorKind, HybridOfflineStore, Result, Source, async_trait,
};
use hybrid_store_bigquery::{BigQueryConfig, BigQuerySource, BigQueryStore};

pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test bigquery"))
}

pub fn rest() -> String {
    variable("HYBRID_BIGQUERY_REST")
}

pub fn storage() -> String {
    variable("HYBRID_BIGQUERY_STORAGE")
}

/// A name that no other test uses.
pub fn unique(name: &str) -> String {
    format!("{name}_{}", uuid::Uuid::new_v4().simple())
}

/// A configuration with a dataset of its own.
pub fn config() -> BigQueryConfig {
    BigQueryConfig::new(variable("HYBRID_BIGQUERY_PROJECT"))
        .with_emulator(rest(), storage())
        .with_dataset(unique("test"))
}

pub async fn connect(config: BigQueryConfig) -> BigQueryStore {
    <BigQueryStore as SqlStore>::connect(config, &Context::default())
        .await
        .unwrap()
}

/// All rows of a query.
pub async fn rows(store: &BigQueryStore, query: &str) -> Result<Vec<RecordBatch>> {
    let session = store.session().await?;
    let rows = match session.query(query).await {
        Ok(rows) => rows.collect().await,
        Err(error) => Err(error),
    };
    session.close().await?;
    rows
}

/// Runs a statement.
pub async fn run(store: &BigQueryStore, statement: &str) {
    let session = store.session().await.unwrap();
    session.execute(statement).await.unwrap();
    session.close().await.unwrap();
}

/// How many rows come.
pub async fn drained(rows: Result<BatchStream>) -> Result<usize> {
    let mut rows = rows?;
    let mut count = 0;
    while let Some(batch) = rows.next().await {
        count += batch?.num_rows();
    }
    Ok(count)
}

/// How many rows there are.
pub fn counted(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

/// What the first column holds, in its order.
pub fn integers(batches: &[RecordBatch]) -> Vec<i64> {
    batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
        .collect()
}

/// Rows of one column `n`.
pub fn numbers(values: impl IntoIterator<Item = i64>) -> RecordBatch {
    let values = Arc::new(Int64Array::from_iter_values(values)) as ArrayRef;
    RecordBatch::try_from_iter([("n", values)]).unwrap()
}

/// The query of the numbers from 0 on, so many thousands.
pub fn thousands(count: usize) -> String {
    format!(
        "SELECT a * 1000 + b AS n FROM UNNEST(GENERATE_ARRAY(0, {})) AS a, UNNEST(GENERATE_ARRAY(0, 999)) AS b",
        count - 1
    )
}

/// What a query shows, as a table.
pub async fn shown(store: &BigQueryStore, query: &str) -> String {
    let batches = rows(store, query).await.unwrap();
    arrow::util::pretty::pretty_format_batches(&batches)
        .unwrap()
        .to_string()
}

/// The tables of a dataset.
pub async fn tables(config: &BigQueryConfig) -> Vec<String> {
    let project = config.project_id.clone().unwrap();
    let url = format!(
        "{}/bigquery/v2/projects/{project}/datasets/{}/tables?maxResults=10000",
        rest(),
        config.dataset
    );
    let body: serde_json::Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    let tables = body["tables"].as_array().cloned().unwrap_or_default();
    tables
        .iter()
        .map(|table| table["tableReference"]["tableId"].as_str().unwrap().to_owned())
        .collect()
}

/// Makes a table of rows, or adds them to one.
pub async fn put(
    store: &BigQueryStore,
    table: &str,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    mode: Mode,
) -> Result<u64> {
    let session = store.session().await?;
    let append = Append {
        table: parts(store, table)?,
        rows: BatchStream::from_batches(schema, batches),
        mode,
    };
    let done = session.append(append).await;
    session.close().await?;
    done
}

/// The whole name of a table.
pub fn parts(store: &BigQueryStore, table: &str) -> Result<Vec<String>> {
    match store.relation(&BigQuerySource::new(table))? {
        hybrid_core::sql::Relation::Table(parts) => Ok(parts),
        other => panic!("{other:?} is no table"),
    }
}

/// The store as the conformance suite sees it.
pub struct BigQueryFixture {
    own: Arc<BigQueryStore>,
    store: HybridOfflineStore,
}

impl BigQueryFixture {
    pub async fn new(formulation: Option<Formulation>) -> Self {
        // One dataset for all: the suite's tables have names of their own.
        static DATASET: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| unique("suite"));
        let mut asked = config().with_dataset(DATASET.as_str());
        asked.formulation = formulation;
        let own = Arc::new(connect(asked.clone()).await);
        let store: Arc<dyn DynOfflineStore> = Arc::new(connect(asked).await);
        Self {
            own,
            store: HybridOfflineStore::from_stores([("bigquery".to_owned(), store)]),
        }
    }
}

#[async_trait]
impl Fixture for BigQueryFixture {
    fn store(&self) -> &HybridOfflineStore {
        &self.store
    }

    fn key(&self) -> &str {
        "bigquery"
    }

    fn capabilities(&self) -> Capabilities {
        SqlStore::capabilities(&*self.own)
    }

    fn not_run(&self) -> Vec<NotRun> {
        [&ANY_TIE[..], &NO_NULL_IN_ARRAYS].concat()
    }

    async fn create(&self, table: &str, schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Source> {
        if batches
            .iter()
            .flat_map(|batch| batch.columns())
            .any(|column| has_no_place(column.as_ref()))
        {
            let message = "BigQuery holds no NULL in an array, and an empty array in the place of a NULL";
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        put(&self.own, table, schema, batches, Mode::Create).await?;
        self.destination(table)
    }

    fn destination(&self, table: &str) -> Result<Source> {
        Ok(BigQuerySource::new(table).into())
    }

    async fn drop(&self, table: &str) -> Result<()> {
        let session = self.own.session().await?;
        let name = parts(&self.own, table)?.join("`.`");
        let dropped = session.execute(&format!("DROP TABLE `{name}`")).await;
        session.close().await?;
        dropped
    }
}

/// What of the suite has nothing else in it than arrays that BigQuery would change.
const WITH_ARRAYS: &[&str] = &[
    "Struct({a: Int64, b: Array(String)})",
    "Array(Struct({a: Int64, b: Array(String)}))",
    "Array(Map)",
];
const NO_NULL_IN_ARRAYS: [NotRun; 4] = [
    ("types::arrays_round_trip", &[], "no NULL in an array"),
    ("types::maps_and_structs_round_trip", WITH_ARRAYS, "no NULL in an array"),
    ("persist::arrays_are_kept", &[], "no NULL in an array"),
    ("persist::maps_and_structs_are_kept", WITH_ARRAYS, "no NULL in an array"),
];

/// Arrays that BigQuery would change.
fn has_no_place(column: &dyn Array) -> bool {
    match column.data_type() {
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            list.null_count() > 0 || list.values().null_count() > 0 || has_no_place(list.values())
        }
        DataType::Struct(_) => column
            .as_struct()
            .columns()
            .iter()
            .any(|column| has_no_place(column.as_ref())),
        _ => false,
    }
}

/// The columns of a table of the emulator's dataset, as a session describes them.
pub async fn described(store: &BigQueryStore, table: &str) -> SchemaRef {
    let session = store.session().await.unwrap();
    let name = parts(store, table).unwrap().join("`.`");
    let described = session.describe(&format!("SELECT * FROM `{name}` AS `s`")).await;
    session.close().await.unwrap();
    described.unwrap()
}
