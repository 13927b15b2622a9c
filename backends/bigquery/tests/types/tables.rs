use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use hybrid_core::sql::{Append, Mode, SqlSession, SqlStore, sql_type_of};
use hybrid_core::{BatchStream, ErrorKind};

use crate::common::{config, connect, described, parts, put, shown, tables};

#[tokio::test]
async fn what_breaks_off_on_its_way_leaves_no_table_beside_the_old_one() {
    let config = config();
    let store = connect(config.clone()).await;
    let batch = |n: i64| RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![n])) as ArrayRef)]).unwrap();
    let schema = batch(1).schema();
    put(&store, "t", schema.clone(), vec![batch(1)], Mode::Create)
        .await
        .unwrap();
    let session = store.session().await.unwrap();
    let broken = hybrid_core::Error::new(ErrorKind::Unavailable, "the rows broke off");
    let append = Append {
        table: parts(&store, "t").unwrap(),
        rows: BatchStream::new(schema.clone(), futures::stream::iter(vec![Ok(batch(3)), Err(broken)])),
        mode: Mode::Replace,
    };
    session.append(append).await.unwrap_err();
    session.close().await.unwrap();
    assert_eq!(tables(&config).await, ["t"]);
}

#[tokio::test]
async fn maps_are_kept_as_json() {
    use arrow::array::builder::{MapBuilder, StringBuilder};
    let store = connect(config()).await;
    let mut builder = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    builder.keys().append_value("a");
    builder.values().append_value("1");
    builder.append(true).unwrap();
    let batch = RecordBatch::try_from_iter([("m", Arc::new(builder.finish()) as ArrayRef)]).unwrap();
    put(&store, "t", batch.schema(), vec![batch], Mode::Create)
        .await
        .unwrap();
    let described = described(&store, "t").await;
    let name = parts(&store, "t").unwrap().join("`.`");
    assert_eq!(sql_type_of(described.field(0)), "JSON");
    assert!(
        shown(&store, &format!("SELECT m FROM `{name}`"))
            .await
            .contains("{\"a\":\"1\"}")
    );
}

#[tokio::test]
async fn row_estimates_come_from_the_catalog() {
    let store = connect(config()).await;
    let batch = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef)]).unwrap();
    put(&store, "t", batch.schema(), vec![batch], Mode::Create)
        .await
        .unwrap();
    let session = store.session().await.unwrap();
    assert_eq!(
        session.row_estimate(&parts(&store, "t").unwrap()).await.unwrap(),
        Some(3)
    );
    assert_eq!(
        session.row_estimate(&parts(&store, "events_*").unwrap()).await.unwrap(),
        None
    );
    session.close().await.unwrap();
}
