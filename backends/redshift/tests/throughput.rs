//! A million rows: how long they take, and that they are never all in memory.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::time::Instant;

use common::{connection, data_api, session};
use futures::StreamExt;
use hybrid_conformance::peak_mib;
use hybrid_core::BatchStream;
use hybrid_core::sql::SqlSession;
use hybrid_store_redshift::RedshiftConfig;

const ROWS: usize = 1_000_000;
/// More than what is under way at once, and less than the rows have.
const MOST_MIB: u64 = 160;

fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn rows() -> usize {
    std::env::var("HYBRID_THROUGHPUT_ROWS").map_or(ROWS, |rows| rows.parse().unwrap())
}

async fn out(name: &str, config: RedshiftConfig) {
    reset_peak();
    let (begun, session) = (Instant::now(), session(config).await);
    let query = format!(
        "SELECT x AS id, '2024-01-01'::timestamptz + x * INTERVAL '1 second' AS ts, RANDOM() AS a, RANDOM() AS b, RANDOM() AS c \
         FROM generate_series(1, {}) AS g(x)",
        rows()
    );
    let (mut stream, mut count) = (session.query(&query).await.unwrap(), 0);
    let first = begun.elapsed();
    while let Some(batch) = stream.next().await {
        count += batch.unwrap().num_rows();
    }
    session.close().await.unwrap();
    assert_eq!(count, rows());
    println!(
        "{name}, out: {count} rows in {:.2?}, the first after {first:.2?}, {} MiB",
        begun.elapsed(),
        peak_mib()
    );
    assert!(peak_mib() < MOST_MIB, "{} MiB", peak_mib());
}

async fn into(name: &str, config: RedshiftConfig) {
    use arrow::array::{Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
    use std::sync::Arc;
    let batch = |first: i64| {
        let ids = first..first + 10_000;
        let times =
            TimestampMicrosecondArray::from_iter_values(ids.clone().map(|id| id * 1_000_000)).with_timezone("UTC");
        let values = Float64Array::from_iter_values(ids.clone().map(|id| id as f64 / 7.0));
        RecordBatch::try_from_iter([
            ("id", Arc::new(Int64Array::from_iter_values(ids)) as _),
            ("ts", Arc::new(times) as _),
            ("v", Arc::new(values) as _),
        ])
        .unwrap()
    };
    reset_peak();
    let (begun, session) = (Instant::now(), session(config).await);
    let batches = futures::stream::iter((0..rows() as i64).step_by(10_000)).map(move |first| Ok(batch(first)));
    let schema = batch(0).schema();
    session.upload(BatchStream::new(schema, batches)).await.unwrap();
    println!(
        "{name}, in: {} rows in {:.2?}, {} MiB",
        rows(),
        begun.elapsed(),
        peak_mib()
    );
    session.close().await.unwrap();
    assert!(peak_mib() < MOST_MIB, "{} MiB", peak_mib());
}

/// One after the other: memory is the process's.
#[tokio::test]
async fn a_million_rows_in_bounded_memory() {
    out("UNLOAD", data_api()).await;
    out("connection", connection()).await;
    into("COPY", data_api()).await;
    into("connection", connection()).await;
}
