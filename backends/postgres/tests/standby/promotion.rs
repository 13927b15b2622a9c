use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use futures::TryStreamExt;
use hybrid_conformance::partitioned::MAY;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_core::{BatchStream, Call, OfflineStore, WriteRequest};
use hybrid_store_postgres::PostgresStore;

use super::pair::Pair;
use crate::common::request::{history, source};
use crate::common::store;

const CREATE: &str = "CREATE TABLE stats AS SELECT n % 10 AS id, TIMESTAMPTZ '2024-04-01Z' + n * INTERVAL '1 hour' AS ts, \
                      n::float8 AS v FROM generate_series(1::int8, 500) AS n";

fn newer() -> RecordBatch {
    let columns: [(&str, ArrayRef); 3] = [
        ("id", Arc::new(Int64Array::from(vec![7]))),
        (
            "ts",
            Arc::new(TimestampMicrosecondArray::from(vec![MAY]).with_timezone("UTC")),
        ),
        ("v", Arc::new(Float64Array::from(vec![-1.0]))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

async fn retrieved(store: &PostgresStore) -> Vec<RecordBatch> {
    let rows = OfflineStore::get_historical_features(store, history("stats", None), &Call::default()).await;
    rows.unwrap().rows.collect().await.unwrap()
}

/// Where entity rows are.
async fn uploaded(store: &PostgresStore) -> String {
    let session = store.session().await.unwrap();
    let rows = newer();
    let uploaded = session
        .upload(BatchStream::from_batches(rows.schema(), vec![rows]))
        .await;
    session.close().await.unwrap();
    uploaded.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_go_on_and_writes_begin() {
    let pair = Pair::start("30s");
    pair.on_primary(&[CREATE]).await;
    let store = store(pair.standby()).await;
    let before = retrieved(&store).await;
    assert!(uploaded(&store).await.starts_with('('));
    let session = store.session().await.unwrap();
    let mut stream = session.query("SELECT generate_series(1, 2000000)").await.unwrap();
    let first = stream.try_next().await.unwrap().unwrap().num_rows();
    pair.promote();
    let rest = stream.collect().await.unwrap();
    assert_eq!(first + rest.iter().map(RecordBatch::num_rows).sum::<usize>(), 2_000_000);
    session.close().await.unwrap();
    assert!(uploaded(&store).await.starts_with("pg_temp"));
    assert_eq!(retrieved(&store).await, before);
    let rows = newer();
    let request = WriteRequest {
        source: source("stats"),
        required: vec![],
        schema: rows.schema(),
        rows: BatchStream::from_batches(rows.schema(), vec![rows]),
    };
    let written = OfflineStore::offline_write_batch(&store, request, &Call::default()).await;
    assert_eq!(written.unwrap(), 1);
    assert_ne!(retrieved(&store).await, before);
}
