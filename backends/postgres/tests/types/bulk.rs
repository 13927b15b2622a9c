use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray, UInt64Array};
use futures::TryStreamExt;
use hybrid_conformance::peak_mib;
use hybrid_core::BatchStream;
use hybrid_core::sql::SqlSession;

use crate::common::{config, session, variable};

#[tokio::test(flavor = "multi_thread")]
async fn ten_million_rows_need_less_than_300_mib() {
    let session = session(config()).await;
    let query = "SELECT i::int8 AS a, to_timestamp(i) AS t, i * 0.5::float8 AS f, 'text of row ' || i AS s FROM generate_series(1, 10000000) i";
    let mut stream = session.query(query).await.unwrap();
    let mut count = 0;
    while let Some(batch) = stream.try_next().await.unwrap() {
        count += batch.num_rows();
    }
    assert_eq!(count, 10_000_000);
    session.close().await.unwrap();
    println!("peak {} MiB", peak_mib());
    assert!(peak_mib() < 300, "{} MiB", peak_mib());
}

fn million() -> Vec<RecordBatch> {
    let part = |start: i64| {
        let range = start..start + 50_000;
        RecordBatch::try_from_iter([
            (
                "__hybrid_row",
                Arc::new(UInt64Array::from_iter_values(range.clone().map(|i| i as u64))) as ArrayRef,
            ),
            (
                "__hybrid_time",
                Arc::new(
                    TimestampMicrosecondArray::from_iter_values(range.clone().map(|i| i * 1_000_003))
                        .with_timezone("UTC"),
                ) as ArrayRef,
            ),
            (
                "id",
                Arc::new(Int64Array::from_iter_values(range.clone().map(|i| i % 1000))) as ArrayRef,
            ),
            (
                "x",
                Arc::new(Float64Array::from_iter_values(range.map(|i| i as f64 / 7.0))) as ArrayRef,
            ),
        ])
        .unwrap()
    };
    (0..20).map(|index| part(index * 50_000)).collect()
}

/// psql's own COPY, binary, from and to a file.
fn psql(statement: &str) -> f64 {
    let begun = Instant::now();
    let status = Command::new(format!("{}/psql", variable("HYBRID_POSTGRES_BIN")))
        .args([
            "-q",
            "-h",
            "127.0.0.1",
            "-p",
            &variable("HYBRID_POSTGRES_PORT"),
            "-U",
            "hybrid",
            "-d",
            "hybrid",
            "-v",
            "ON_ERROR_STOP=1",
        ])
        .args(["-c", statement])
        .env("PGPASSWORD", "hybrid-secret")
        .status();
    assert!(status.unwrap().success());
    begun.elapsed().as_secs_f64()
}

/// Prints figures: nobody else must use the machine.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn a_million_rows_each_way_against_psql() {
    let session = session(config()).await;
    let batches = million();
    let file = std::env::temp_dir().join("hybrid-million.bin");
    for _ in 0..3 {
        let rows = BatchStream::from_batches(batches[0].schema(), batches.clone());
        let begun = Instant::now();
        let table = session.upload(rows).await.unwrap();
        let up = begun.elapsed().as_secs_f64();
        session
            .execute(&format!(
                "DROP TABLE IF EXISTS million; CREATE TABLE million AS SELECT * FROM {table}"
            ))
            .await
            .unwrap();
        let begun = Instant::now();
        let mut stream = session.query("SELECT * FROM million").await.unwrap();
        let mut count = 0;
        while let Some(batch) = stream.try_next().await.unwrap() {
            count += batch.num_rows();
        }
        let down = begun.elapsed().as_secs_f64();
        assert_eq!(count, 1_000_000);
        let out = psql(&format!("\\copy million TO '{}' (FORMAT BINARY)", file.display()));
        psql("DROP TABLE IF EXISTS copied; CREATE TABLE copied (LIKE million)");
        let back = psql(&format!("\\copy copied FROM '{}' (FORMAT BINARY)", file.display()));
        println!("up {up:.2} s (with ANALYZE), psql {back:.2} s; down {down:.2} s, psql {out:.2} s");
    }
    session.close().await.unwrap();
}
