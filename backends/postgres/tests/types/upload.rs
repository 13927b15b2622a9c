use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::concat_batches;
use arrow::datatypes::UInt64Type;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_core::{BatchStream, ErrorKind};
use hybrid_store_postgres::{EntitySelectMode, PostgresConfig};

use crate::common::{admin, config, fresh, session, store};

fn entities() -> RecordBatch {
    let micros = vec![Some(1_700_000_000_000_001), Some(-1), None];
    RecordBatch::try_from_iter_with_nullable([
        (
            "__hybrid_row",
            Arc::new(UInt64Array::from(vec![0, 1, 2])) as ArrayRef,
            true,
        ),
        (
            "__hybrid_time",
            Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC")) as ArrayRef,
            true,
        ),
        (
            "Id \"x\"",
            Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)])) as ArrayRef,
            true,
        ),
        (
            "name",
            Arc::new(StringArray::from(vec![Some("a'b\"c\\d{},NULL"), Some(""), None])) as ArrayRef,
            true,
        ),
        (
            "raw",
            Arc::new(BinaryArray::from_opt_vec(vec![Some(b"\x00\xff\\"), None, Some(b"")])) as ArrayRef,
            true,
        ),
        (
            "yes",
            Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])) as ArrayRef,
            true,
        ),
        (
            "day",
            Arc::new(Date32Array::from(vec![Some(-1), None, Some(20_000)])) as ArrayRef,
            true,
        ),
        (
            "money",
            Arc::new(
                Decimal128Array::from(vec![Some(-1), None, Some(12_345)])
                    .with_precision_and_scale(38, 2)
                    .unwrap(),
            ) as ArrayRef,
            true,
        ),
    ])
    .unwrap()
}

async fn comes_back(config: PostgresConfig) {
    let session = session(config).await;
    let batch = entities();
    let rows = BatchStream::from_batches(batch.schema(), vec![batch.slice(0, 2), batch.slice(2, 1)]);
    let relation = session.upload(rows).await.unwrap();
    let found = session
        .query(&format!("SELECT * FROM {relation} AS e ORDER BY 1"))
        .await
        .unwrap();
    let schema = found.schema().clone();
    let found = concat_batches(&schema, &found.collect().await.unwrap()).unwrap();
    for (index, column) in batch.columns().iter().enumerate().skip(1) {
        let name = schema.field(index).name();
        assert_eq!(name, batch.schema().field(index).name());
        let column = arrow::compute::cast(column, found.column(index).data_type()).unwrap();
        assert_eq!(&column, found.column(index), "{name}");
    }
    let numbers = arrow::compute::cast(found.column(0), &arrow::datatypes::DataType::UInt64).unwrap();
    assert_eq!(numbers.as_primitive::<UInt64Type>().values(), &[0, 1, 2]);
    let empty = BatchStream::from_batches(batch.schema(), vec![]);
    let relation = session.upload(empty).await.unwrap();
    let found = session
        .query(&format!("SELECT * FROM {relation} AS e"))
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert!(found.is_empty());
    session.close().await.unwrap();
}

fn embedding() -> PostgresConfig {
    let mut config = config();
    config.entity_select_mode = EntitySelectMode::EmbedQuery;
    config
}

#[tokio::test]
async fn entity_rows_come_back_from_a_temporary_table() {
    comes_back(config()).await;
}

#[tokio::test]
async fn entity_rows_come_back_from_inside_the_statement() {
    comes_back(embedding()).await;
}

#[tokio::test]
async fn a_role_without_temporary_tables_embeds() {
    let mut config = embedding();
    config.user = "reader".to_owned();
    comes_back(config.clone()).await;
    config.entity_select_mode = EntitySelectMode::TempTable;
    let session = session(config).await;
    let batch = entities();
    let refused = session
        .upload(BatchStream::from_batches(batch.schema(), vec![batch]))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    assert!(refused.to_string().contains("embed_query"), "{refused}");
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_session_that_may_only_read_embeds_by_itself() {
    let mut config = config();
    config.user = fresh("reads");
    admin(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'hybrid-secret'; GRANT TEMPORARY ON DATABASE hybrid TO {role}; \
         ALTER ROLE {role} SET default_transaction_read_only = on",
        role = config.user
    ))
    .await;
    comes_back(config).await;
}

#[tokio::test]
async fn too_many_rows_for_a_statement_are_refused_with_the_limit() {
    let session = session(embedding()).await;
    let numbers: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..10_001));
    let batch = RecordBatch::try_from_iter([("__hybrid_row", numbers)]).unwrap();
    let refused = session
        .upload(BatchStream::from_batches(batch.schema(), vec![batch]))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ResourceExhausted);
    assert!(refused.to_string().contains("10000 entity rows"), "{refused}");
    session.close().await.unwrap();
}

#[tokio::test]
async fn temporary_tables_are_gone_after_close() {
    let mut config = config();
    config.max_conn = 1;
    let store = store(config).await;
    let session = store.session().await.unwrap();
    let batch = entities();
    let uploaded = session
        .upload(BatchStream::from_batches(batch.schema(), vec![batch]))
        .await
        .unwrap();
    let staged = session.stage(&format!("SELECT * FROM {uploaded} AS e")).await.unwrap();
    assert_ne!(uploaded, staged);
    session.close().await.unwrap();
    let next = store.session().await.unwrap();
    let left = "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()";
    assert!(next.query(left).await.unwrap().collect().await.unwrap().is_empty());
    // It is the same connection: there is one.
    let error = next.query(&format!("SELECT * FROM {uploaded}")).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    next.close().await.unwrap();
}
