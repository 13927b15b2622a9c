//! Many rows in and out: how fast, and in how much memory. In a process of its own, whose memory is nothing else's.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema};
use common::{config, rows, session, shown, store};
use futures::StreamExt;
use hybrid_conformance::peak_mib;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_core::{BatchStream, timestamp_type};

fn entities(rows: usize) -> Vec<RecordBatch> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("__hybrid_row", DataType::Int64, true),
        Field::new("__hybrid_time", timestamp_type(), true),
        Field::new("k", DataType::Int64, true),
    ]));
    let one = |start: usize| {
        let range = start as i64..(start + 8192).min(rows) as i64;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(range.clone())),
            Arc::new(
                TimestampMicrosecondArray::from_iter_values(range.clone().map(|n| n * 1_000_000)).with_timezone("UTC"),
            ),
            Arc::new(Int64Array::from_iter_values(range.map(|n| n * 7919 % 100_000))),
        ];
        RecordBatch::try_new(schema.clone(), columns).unwrap()
    };
    (0..rows).step_by(8192).map(one).collect()
}

#[tokio::test]
async fn many_rows_in_bounded_memory() {
    let staged = tempfile::tempdir().unwrap();
    let mut with_staging = config();
    with_staging.staging_location = Some(staged.path().to_str().unwrap().to_owned());
    for (name, config) in [
        ("connection", config()),
        ("connection", config()),
        ("staging", with_staging),
    ] {
        let session = store(config).await.session().await.unwrap();
        let batches = entities(1_000_000);
        let begun = Instant::now();
        let view = session
            .upload(BatchStream::from_batches(batches[0].schema(), batches))
            .await
            .unwrap();
        let loaded = begun.elapsed();
        let counted = shown(
            &rows(&session, &format!("SELECT COUNT(*), MAX(k) FROM {view}"))
                .await
                .unwrap(),
        );
        assert_eq!(counted[0], "1000000 | 99999");
        println!(
            "upload of 1M rows by {name}: {loaded:?}, with a first use {:?}",
            begun.elapsed()
        );
        session.close().await.unwrap();
    }
    assert_eq!(
        fs::read_dir(staged.path()).unwrap().count(),
        0,
        "what was staged is gone"
    );
    let session = session().await;
    for rows in [1_000_000_u64, 1_000_000, 10_000_000] {
        let begun = Instant::now();
        let query = format!("SELECT id, TIMESTAMP_MICROS(id) AS t, CAST(id AS DOUBLE) AS d FROM RANGE({rows})");
        let mut stream = session.query(&query).await.unwrap();
        let mut count = 0;
        while let Some(batch) = stream.next().await {
            count += batch.unwrap().num_rows() as u64;
        }
        assert_eq!(count, rows);
        println!(
            "download of {rows} rows: {:?}, peak {} MiB",
            begun.elapsed(),
            peak_mib()
        );
    }
    session.close().await.unwrap();
    assert!(peak_mib() < 300, "a result is streamed");
}
