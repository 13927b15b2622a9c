//! Which appends are taken, by the value and by the table's connector.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use hybrid_core::sql::{Mode, SqlSession, SqlStore};
use hybrid_core::{BatchStream, Call, ErrorKind, Result, Source};
use hybrid_store_trino::{TrinoSource, TrinoStore};

use crate::common::{self, config, connect, count, router, unique};

fn batch(values: Vec<Option<i64>>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([("n", Arc::new(Int64Array::from(values)) as ArrayRef, true)]).unwrap()
}

#[tokio::test]
async fn a_value_that_the_column_cannot_hold_fails_the_whole_append() {
    let store = connect(config("iceberg")).await;
    let schema = unique("narrow");
    let session = store.session().await.unwrap();
    session
        .execute(&format!("CREATE SCHEMA iceberg.{schema}"))
        .await
        .unwrap();
    session
        .execute(&format!("CREATE TABLE iceberg.{schema}.t (n integer)"))
        .await
        .unwrap();
    session.close().await.unwrap();
    let table = ["iceberg", schema.as_str(), "t"];
    let error = common::create(&store, &table, vec![batch(vec![Some(1), Some(1 << 40)])], Mode::Append)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert_eq!(count(&store, &format!("SELECT n FROM iceberg.{schema}.t")).await, 0);
}

/// Appends a row as a caller does.
async fn append_one(store: &Arc<TrinoStore>, table: &str) -> Result<u64> {
    let source: Source = TrinoSource::new(table).into();
    let row = batch(vec![Some(2)]);
    let rows = BatchStream::from_batches(row.schema(), vec![row]);
    router(store.clone()).append(&source, rows, &Call::default()).await
}

#[tokio::test]
async fn the_connector_of_the_tables_own_catalog_decides_on_appends() {
    let store = Arc::new(connect(config("hive")).await);
    let schema = unique("elsewhere");
    let rows = vec![batch(vec![Some(1)])];
    common::create(&store, &["iceberg", &schema, "t"], rows, Mode::Create)
        .await
        .unwrap();
    let table = format!("iceberg.{schema}.t");
    assert_eq!(append_one(&store, &table).await.unwrap(), 1);
    assert_eq!(count(&store, &format!("SELECT n FROM {table}")).await, 2);
}

#[tokio::test]
async fn connectors_that_do_not_commit_at_once_take_no_appends() {
    for connector in ["memory", "hive"] {
        let mut config = config(connector);
        // As in Feast, it is left out where the connector has none.
        config.connector.file_format = Some("parquet".to_owned());
        let store = Arc::new(connect(config).await);
        let schema = unique("refused");
        let table = [connector, schema.as_str(), "t"];
        common::create(&store, &table, vec![batch(vec![Some(1)])], Mode::Create)
            .await
            .unwrap();
        let error = append_one(&store, &table.join(".")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        let reason = format!("of the connector `{connector}` takes no appends: it");
        assert!(error.message().contains(&reason), "{error}");
        assert_eq!(
            common::create(&store, &table, vec![batch(vec![Some(3)])], Mode::Replace)
                .await
                .unwrap(),
            1
        );
        assert_eq!(count(&store, &format!("SELECT n FROM {connector}.{schema}.t")).await, 1);
    }
}
