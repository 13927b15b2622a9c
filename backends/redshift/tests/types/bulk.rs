//! Many rows, in and out.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use futures::StreamExt;
use hybrid_core::BatchStream;
use hybrid_core::sql::SqlSession;
use hybrid_store_redshift::RedshiftConfig;

use crate::common::{connection, connection_and_s3, data_api, session};

const ROWS: i64 = 50_000;

async fn there_and_back(config: RedshiftConfig) {
    let batch = |first: i64| {
        let numbers = Int64Array::from_iter_values(first..first + 1000);
        let texts =
            StringArray::from_iter((first..first + 1000).map(|n| (n % 7 != 0).then(|| format!("{n} \"',\\\n"))));
        RecordBatch::try_from_iter_with_nullable([
            ("n", Arc::new(numbers) as _, true),
            ("t", Arc::new(texts) as _, true),
        ])
        .unwrap()
    };
    let batches: Vec<RecordBatch> = (0..ROWS).step_by(1000).map(batch).collect();
    let session = session(config).await;
    let table = session
        .upload(BatchStream::from_batches(batches[0].schema(), batches))
        .await
        .unwrap();
    let mut rows = session.query(&format!("SELECT * FROM {table}")).await.unwrap();
    let mut seen = vec![false; usize::try_from(ROWS).unwrap()];
    while let Some(batch) = rows.next().await {
        let batch = batch.unwrap();
        let (numbers, texts) = (
            batch.column(0).as_primitive::<Int64Type>(),
            batch.column(1).as_string::<i32>(),
        );
        for row in 0..batch.num_rows() {
            let n = numbers.value(row);
            let wanted = (n % 7 != 0).then(|| format!("{n} \"',\\\n"));
            assert_eq!(texts.is_valid(row).then(|| texts.value(row).to_owned()), wanted);
            assert!(
                !std::mem::replace(&mut seen[usize::try_from(n).unwrap()], true),
                "{n} came twice"
            );
        }
    }
    assert!(seen.iter().all(|seen| *seen));
    session.close().await.unwrap();
}

#[tokio::test]
async fn rows_travel_through_s3() {
    there_and_back(data_api()).await;
}

#[tokio::test]
async fn rows_travel_over_a_connection() {
    there_and_back(connection()).await;
}

#[tokio::test]
async fn rows_travel_through_s3_beside_a_connection() {
    there_and_back(connection_and_s3()).await;
}
