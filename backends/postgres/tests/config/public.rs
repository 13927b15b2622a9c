//! A table without a schema that is not in `db_schema`: whatever is done with it finds the one in `public`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{Float64Type, Int64Type};
use hybrid_conformance::partitioned::MAY;
use hybrid_core::{BatchStream, Call, ErrorKind, Explain, OfflineStore, PersistRequest, Result, WriteRequest};
use hybrid_store_postgres::{PostgresSource, PostgresStore};

use crate::common::request::{history, source};
use crate::common::{admin, config, fresh, rows, store};

/// A store whose `db_schema` is empty, and that schema.
async fn elsewhere() -> (PostgresStore, String) {
    let schema = fresh("Own");
    admin(&format!("CREATE SCHEMA \"{schema}\"")).await;
    let mut config = config();
    config.db_schema = schema.clone();
    (store(config).await, schema)
}

/// Rows of one driver: 7, the begin of May, and the value.
fn one(value: f64) -> BatchStream {
    let columns: [(&str, ArrayRef); 3] = [
        ("id", Arc::new(Int64Array::from(vec![7]))),
        (
            "ts",
            Arc::new(TimestampMicrosecondArray::from(vec![MAY]).with_timezone("UTC")),
        ),
        ("v", Arc::new(Float64Array::from(vec![value]))),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap();
    BatchStream::from_batches(batch.schema(), vec![batch])
}

/// What is known of driver 7 at the begin of May.
async fn known(store: &PostgresStore, table: &str) -> f64 {
    let answer = store
        .get_historical_features(history(table, None), &Call::default())
        .await;
    let rows = answer.unwrap().rows.collect().await.unwrap();
    rows[0].column(1).as_primitive::<Float64Type>().value(0)
}

async fn persist(store: &PostgresStore, table: &str, value: f64, overwrite: bool) -> Result<u64> {
    let request = PersistRequest {
        options: PostgresSource::table(table),
        rows: one(value),
        overwrite,
    };
    OfflineStore::persist(store, request, &Call::default()).await
}

async fn count(table: &str) -> i64 {
    let found = rows(&format!("SELECT count(*) FROM {table}")).await;
    found[0].column(0).as_primitive::<Int64Type>().value(0)
}

#[tokio::test]
async fn is_read_with_its_index_and_its_partitions() {
    let (store, _) = elsewhere().await;
    let table = fresh("shared");
    admin(&format!(
        "CREATE TABLE public.{table} AS SELECT n % 1000 AS id, TIMESTAMPTZ '2024-01-01Z' + n * INTERVAL '1 minute' AS ts, \
         n::float8 AS v FROM generate_series(1, 50000) AS n; CREATE INDEX ON public.{table} (id, ts)"
    ))
    .await;
    admin(&format!("ANALYZE public.{table}")).await;
    let schema = store.source_schema(&PostgresSource::table(&table)).await.unwrap();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["id", "ts", "v"]);
    let asked = || Explain::Historical(history(&table, None));
    let plan = OfflineStore::explain(&store, asked()).await.unwrap();
    assert!(plan.contains("view view: Lateral") && plan.contains("Index"), "{plan}");
    let sql = OfflineStore::to_sql(&store, asked()).await.unwrap();
    assert!(sql.contains(&format!("\"public\".\"{table}\"")), "{sql}");
    assert_eq!(known(&store, &table).await, 49_007.0);
}

#[tokio::test]
async fn is_written_to_and_replaced_where_it_is() {
    let (store, schema) = elsewhere().await;
    let table = fresh("shared");
    admin(&format!(
        "CREATE TABLE public.{table} (id int8, ts timestamptz, v float8)"
    ))
    .await;
    let rows = one(1.0);
    let request = WriteRequest {
        source: source(&table),
        required: vec![],
        schema: rows.schema().clone(),
        rows,
    };
    let written = store.offline_write_batch(request, &Call::default()).await;
    assert_eq!(written.unwrap(), 1);
    assert_eq!(count(&format!("public.{table}")).await, 1);
    let refused = persist(&store, &table, 2.0, false).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{refused}");
    assert_eq!(known(&store, &table).await, 1.0);
    assert_eq!(persist(&store, &table, 3.0, true).await.unwrap(), 1);
    assert_eq!(known(&store, &table).await, 3.0);
    assert_eq!(count(&format!("public.{table}")).await, 1);
    assert_eq!(count(&format!("pg_tables WHERE schemaname = '{schema}'")).await, 0);
}

#[tokio::test]
async fn is_hidden_by_one_in_db_schema_and_a_new_one_is_made_there() {
    let (store, schema) = elsewhere().await;
    let table = fresh("shared");
    assert_eq!(persist(&store, &table, 1.0, false).await.unwrap(), 1);
    assert_eq!(count(&format!("\"{schema}\".{table}")).await, 1);
    admin(&format!("CREATE TABLE public.{table} AS SELECT 1 AS other")).await;
    assert_eq!(known(&store, &table).await, 1.0);
    // An index is no table.
    admin(&format!(
        "ALTER TABLE \"{schema}\".{table} RENAME TO moved; CREATE INDEX {table} ON \"{schema}\".moved (id)"
    ))
    .await;
    let found = store.source_schema(&PostgresSource::table(&table)).await.unwrap();
    assert_eq!(found.field(0).name(), "other");
    let missing = store
        .source_schema(&PostgresSource::table(fresh("no")))
        .await
        .unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");
}

#[tokio::test]
async fn is_found_by_who_may_not_look_into_db_schema() {
    let schema = fresh("closed");
    let (role, table) = (fresh("role"), fresh("shared"));
    admin(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'hybrid-secret'; CREATE SCHEMA {schema}; \
         CREATE TABLE {schema}.{table} AS SELECT 1 AS own; CREATE TABLE public.{table} AS SELECT 2 AS other; \
         GRANT SELECT ON public.{table} TO {role}"
    ))
    .await;
    let mut config = config();
    (config.db_schema, config.user) = (schema, role);
    let found = store(config).await.source_schema(&PostgresSource::table(&table)).await;
    assert_eq!(found.unwrap().field(0).name(), "other");
}
