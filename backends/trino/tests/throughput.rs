//! Many rows in and out: how fast, and in how much memory.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray, UInt64Array};
use common::{config, connect, staging};
use futures::StreamExt;
use hybrid_conformance::peak_mib;
use hybrid_core::BatchStream;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_store_trino::{EntitySelect, TrinoConfig};

const MILLION: u64 = 1_000_000;

fn entity_rows() -> BatchStream {
    let batch = |from: u64| {
        let numbers = from..from + 50_000;
        let times: Vec<i64> = numbers
            .clone()
            .map(|n| 1_704_067_200_000_000 + n as i64 * 31_000_017)
            .collect();
        let keys: Vec<i64> = numbers.clone().map(|n| (n * 7_919 % 100_000) as i64).collect();
        RecordBatch::try_from_iter([
            (
                "__hybrid_row",
                Arc::new(UInt64Array::from_iter_values(numbers)) as ArrayRef,
            ),
            (
                "__hybrid_time",
                Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")),
            ),
            ("driver_id", Arc::new(Int64Array::from(keys))),
        ])
        .unwrap()
    };
    let batches = (0..MILLION / 50_000).map(move |nth| Ok(batch(nth * 50_000)));
    BatchStream::new(batch(0).schema(), futures::stream::iter(batches))
}

async fn upload(what: &str, config: TrinoConfig) {
    let store = connect(config).await;
    let session = store.session().await.unwrap();
    let start = Instant::now();
    let relation = session.upload(entity_rows()).await.unwrap();
    println!("1M entity rows in, {what}: {:.2?}", start.elapsed());
    let start = Instant::now();
    let query = format!("SELECT * FROM {relation}");
    let mut rows = session.query(&query).await.unwrap();
    let mut total = 0;
    while let Some(batch) = rows.next().await {
        total += batch.unwrap().num_rows() as u64;
    }
    println!("1M rows out of it: {:.2?}", start.elapsed());
    assert_eq!(total, MILLION);
    session.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_rows_in_bounded_memory() {
    let store = connect(config("memory")).await;
    let session = store.session().await.unwrap();
    for (rows, spooling) in [
        (MILLION, true),
        (MILLION, false),
        (10 * MILLION, true),
        (10 * MILLION, false),
    ] {
        let mut config = config("memory");
        config.spooling = spooling;
        let store = connect(config).await;
        let session = store.session().await.unwrap();
        let query = format!(
            "SELECT x * 10000 + y AS n, TIMESTAMP '2024-01-01 00:00:00.123456' + x * INTERVAL '1' SECOND AS t, x / 7e0 AS d, y % 100 AS k \
             FROM UNNEST(sequence(1, {})) AS a(x), UNNEST(sequence(1, 10000)) AS b(y)",
            rows / 10_000
        );
        let start = Instant::now();
        let mut stream = session.query(&query).await.unwrap();
        let mut total = 0;
        while let Some(batch) = stream.next().await {
            total += batch.unwrap().num_rows() as u64;
        }
        println!(
            "{rows} rows out, spooling {spooling}: {:.2?}, peak {} MiB",
            start.elapsed(),
            peak_mib()
        );
        assert_eq!(total, rows);
        session.close().await.unwrap();
    }
    assert!(peak_mib() < 300, "{} MiB", peak_mib());
    session.close().await.unwrap();
    let mut shared = config("iceberg");
    shared.staging = Some(staging());
    upload("Parquet on shared storage", shared).await;
    for connector in ["memory", "iceberg"] {
        let mut inserted = config(connector);
        inserted.entity_select_mode = EntitySelect::TempTable;
        upload(&format!("INSERTs into {connector}"), inserted).await;
    }
}
