//! Many rows in and out: how fast, and in how much memory.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray, UInt64Array};
use common::{config, connect};
use futures::StreamExt;
use hybrid_conformance::peak_mib;
use hybrid_core::BatchStream;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_store_bigquery::BigQueryStore;

const MILLION: u64 = 1_000_000;

/// Rows of 32 bytes that do not compress to nothing.
fn rows(total: u64) -> BatchStream {
    let batch = |from: u64| {
        let numbers = from..from + 50_000;
        let times = numbers.clone().map(|n| 1_704_067_200_000_000 + n as i64 * 31_000_017);
        let keys = numbers.clone().map(|n| (n * 7_919 % 100_000) as i64);
        let values = numbers.clone().map(|n| (n as f64).sin());
        RecordBatch::try_from_iter([
            (
                "__hybrid_row",
                Arc::new(UInt64Array::from_iter_values(numbers)) as ArrayRef,
            ),
            (
                "__hybrid_time",
                Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
            ),
            ("driver_id", Arc::new(Int64Array::from_iter_values(keys))),
            ("value", Arc::new(Float64Array::from_iter_values(values))),
        ])
        .unwrap()
    };
    let batches = (0..total / 50_000).map(move |nth| Ok(batch(nth * 50_000)));
    BatchStream::new(batch(0).schema(), futures::stream::iter(batches))
}

async fn in_and_out(store: &BigQueryStore, total: u64) {
    let session = store.session().await.unwrap();
    let start = Instant::now();
    let relation = session.upload(rows(total)).await.unwrap();
    println!("{total} rows in: {:.2?}, peak {} MiB", start.elapsed(), peak_mib());
    let start = Instant::now();
    let mut rows = session.query(&format!("SELECT * FROM {relation}")).await.unwrap();
    let (ready, mut found) = (start.elapsed(), 0);
    while let Some(batch) = rows.next().await {
        found += batch.unwrap().num_rows() as u64;
    }
    println!(
        "{total} rows out: {:.2?} (the job {ready:.2?}), peak {} MiB",
        start.elapsed(),
        peak_mib()
    );
    assert_eq!(found, total);
    session.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_rows_in_bounded_memory() {
    let store = connect(config()).await;
    in_and_out(&store, MILLION).await;
    in_and_out(&store, 10 * MILLION).await;
    // All rows are more.
    assert!(peak_mib() < 300, "{} MiB", peak_mib());
}

/// Measures the query in HYBRID_BIGQUERY_QUERY, to be compared with another client's time for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_of_choice() {
    let Ok(query) = std::env::var("HYBRID_BIGQUERY_QUERY") else {
        return;
    };
    let store = connect(config()).await;
    let session = store.session().await.unwrap();
    let (start, before) = (Instant::now(), peak_mib());
    let mut rows = session.query(&query).await.unwrap();
    let (ready, mut found) = (start.elapsed(), 0);
    while let Some(batch) = rows.next().await {
        found += batch.unwrap().num_rows();
    }
    println!(
        "{found} rows: {:.2?} (the job {ready:.2?}), peak {} MiB, before {before}",
        start.elapsed(),
        peak_mib()
    );
    session.close().await.unwrap();
}
