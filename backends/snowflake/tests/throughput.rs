//! Many rows in and out: how fast, and in how much memory. The emulator gives a result in one answer; parts are
//! measured against a server of this process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::ipc::writer::StreamWriter;
use common::scripted::{Answer, Scripted};
use common::{config, config_at, connect, port, variable};
use futures::StreamExt;
use hybrid_conformance::peak_mib;
use hybrid_core::BatchStream;
use hybrid_core::sql::{Append, Mode, SqlSession, SqlStore};
use serde_json::json;

const MILLION: i64 = 1_000_000;

fn batch(first: i64, count: i64) -> RecordBatch {
    let ids = first..first + count;
    let times: Vec<i64> = ids.clone().map(|id| 1_714_521_600_000_000 + id * 1_000_003).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from_iter_values(ids.clone()))),
        ("ts", Arc::new(TimestampMicrosecondArray::from(times))),
        (
            "a",
            Arc::new(Float64Array::from_iter_values(ids.clone().map(|id| id as f64 * 0.5))),
        ),
        (
            "b",
            Arc::new(Float64Array::from_iter_values(ids.clone().map(|id| id as f64 * 0.25))),
        ),
        (
            "name",
            Arc::new(StringArray::from_iter_values(
                ids.map(|id| format!("driver {}", id % 1_000)),
            )),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

async fn drained(mut rows: BatchStream) -> usize {
    let mut count = 0;
    while let Some(batch) = rows.next().await {
        count += batch.unwrap().num_rows();
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_rows_in_and_out() {
    let store = connect(config()).await;
    let session = store.session().await.unwrap();
    let table = "million_rows";
    let schema = batch(0, 1).schema();
    let rows = futures::stream::iter((0..100).map(|at| Ok(batch(at * MILLION / 100, MILLION / 100))));
    let start = Instant::now();
    let append = Append {
        table: ["TEST", "PUBLIC", table].map(str::to_owned).to_vec(),
        rows: BatchStream::new(schema, rows),
        mode: Mode::Replace,
    };
    let written = session.append(append).await.unwrap();
    println!(
        "{written} rows in: {:.2} s, peak {} MiB",
        start.elapsed().as_secs_f64(),
        peak_mib()
    );
    assert_eq!(written, MILLION.unsigned_abs());
    let start = Instant::now();
    let read = drained(
        session
            .query(&format!("SELECT * FROM \"TEST\".\"PUBLIC\".\"{table}\""))
            .await
            .unwrap(),
    )
    .await;
    println!(
        "{read} rows out: {:.2} s, peak {} MiB",
        start.elapsed().as_secs_f64(),
        peak_mib()
    );
    assert_eq!(read, 1_000_000);
    session.close().await.unwrap();
    beside().await;
}

/// Snowflake's own client reads the same table, and writes as many rows.
async fn beside() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/client.py");
    let told = std::process::Command::new(variable("HYBRID_SNOWFLAKE_PYTHON"))
        .args([script, &port().to_string()])
        .output()
        .unwrap();
    print!("{}", String::from_utf8_lossy(&told.stdout));
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_million_rows_in_parts_take_the_memory_of_a_few() {
    const PARTS: i64 = 100;
    let mut bytes = Vec::new();
    let part = batch(0, MILLION / 10);
    let mut writer = StreamWriter::try_new(&mut bytes, &part.schema()).unwrap();
    writer.write(&part).unwrap();
    writer.finish().unwrap();
    drop(writer);
    let size = bytes.len();
    let server = Scripted::start(move |asked, _| {
        if asked.path().starts_with("/part/") {
            return Some(Answer::bytes(bytes.clone()));
        }
        let host = asked.headers.get("host").cloned().unwrap_or_default();
        let chunks: Vec<_> = (0..PARTS)
            .map(|at| json!({"url": format!("http://{host}/part/{at}"), "rowCount": MILLION / 10, "uncompressedSize": size}))
            .collect();
        let column = |name: &str, kind: &str, scale: i64| json!({"name": name, "type": kind, "precision": 38, "scale": scale});
        asked.sql().starts_with("SELECT").then(|| {
            Answer::data(json!({
                "queryId": "q", "queryResultFormat": "arrow", "total": PARTS * MILLION / 10, "rowsetBase64": "", "chunks": chunks,
                "rowtype": [column("id", "fixed", 0), column("ts", "timestamp_ntz", 6), column("a", "real", 0),
                    column("b", "real", 0), column("name", "text", 0)]
            }))
        })
    })
    .await;
    let store = connect(config_at(server.port)).await;
    let session = store.session().await.unwrap();
    let (start, before) = (Instant::now(), peak_mib());
    let read = drained(session.query("SELECT *").await.unwrap()).await;
    println!(
        "{read} rows in {PARTS} parts of {} MiB: {:.2} s, peak {} MiB, {before} MiB before",
        size >> 20,
        start.elapsed().as_secs_f64(),
        peak_mib()
    );
    assert_eq!(read, 10_000_000);
    session.close().await.unwrap();
}
