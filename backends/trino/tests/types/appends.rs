//! Which appends are taken, by the value and by the table's connector.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use hybrid_core::sql::{Mode, SqlSession, SqlStore};
use hybrid_core::{BatchStream, Call, ErrorKind, Result, Source};
use hybrid_store_trino::{TrinoSource, TrinoStore};

use crate::common::{self, config, connect, count, router, shown, unique};

fn batch(values: Vec<Option<i64>>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([("n", Arc::new(Int64Array::from(values)) as ArrayRef, true)]).unwrap()
}

/// Makes the table `t` of one column; returns its schema.
async fn table_of(store: &TrinoStore, column: &str) -> String {
    let schema = unique("appended");
    let session = store.session().await.unwrap();
    session
        .execute(&format!("CREATE SCHEMA iceberg.{schema}"))
        .await
        .unwrap();
    session
        .execute(&format!("CREATE TABLE iceberg.{schema}.t ({column})"))
        .await
        .unwrap();
    session.close().await.unwrap();
    schema
}

#[tokio::test]
async fn a_value_that_the_column_cannot_hold_fails_the_whole_append() {
    let store = connect(config("iceberg")).await;
    let schema = table_of(&store, "n integer").await;
    let table = ["iceberg", schema.as_str(), "t"];
    let error = common::create(&store, &table, vec![batch(vec![Some(1), Some(1 << 40)])], Mode::Append)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert_eq!(count(&store, &format!("SELECT n FROM iceberg.{schema}.t")).await, 0);
}

#[tokio::test]
async fn texts_are_appended_as_uuids_or_none_of_them() {
    let store = connect(config("iceberg")).await;
    let schema = table_of(&store, "u uuid").await;
    let (table, select) = (
        ["iceberg", schema.as_str(), "t"],
        format!("SELECT u FROM iceberg.{schema}.t"),
    );
    let (id, append) = ("12151fd2-7586-11e9-8f9e-2a86e4085a59", Mode::Append);
    let texts = |texts: [Option<&str>; 2]| {
        let column: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
        vec![RecordBatch::try_from_iter_with_nullable([("u", column, true)]).unwrap()]
    };
    let error = common::create(&store, &table, texts([Some(id), Some("no uuid")]), append)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert_eq!(count(&store, &select).await, 0);
    let written = common::create(&store, &table, texts([Some(id), None]), append).await;
    assert_eq!(written.unwrap(), 2);
    assert_eq!(count(&store, &select).await, 2);
    let found = shown(&store, &select).await;
    assert!(found.contains(id), "{found}");
}

#[tokio::test]
async fn tables_are_made_in_the_configured_format() {
    for connector in ["iceberg", "hive"] {
        let mut config = config(connector);
        config.connector.file_format = Some("orc".to_owned());
        let store = connect(config).await;
        let schema = unique("orc");
        let table = [connector, schema.as_str(), "t"];
        for mode in [Mode::Create, Mode::Replace] {
            common::create(&store, &table, vec![batch(vec![Some(1)])], mode)
                .await
                .unwrap();
            let made = shown(&store, &format!("SHOW CREATE TABLE {}", table.join("."))).await;
            assert!(made.contains("format = 'ORC'"), "{connector}, {mode:?}: {made}");
        }
    }
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
