//! A server that is slow, or stands still for a while.

use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;
use futures::TryStreamExt;
use hybrid_conformance::signal;
use hybrid_core::BatchStream;
use hybrid_core::sql::SqlSession;

use super::cancel::{becomes, process};
use crate::common::{config, session};

/// With their text, more than is on its way at once.
const ROWS: i32 = 1_000_000;

/// The last number of a stream whose numbers go on from this one.
async fn counts_from(mut last: i32, mut rows: BatchStream) -> i32 {
    while let Some(batch) = rows.try_next().await.unwrap() {
        for number in batch.column(0).as_primitive::<Int32Type>().values() {
            last += 1;
            assert_eq!(*number, last);
        }
    }
    last
}

#[tokio::test]
async fn a_server_that_stands_still_in_the_middle_of_a_result_is_waited_for() {
    let session = session(config()).await;
    let pid = process(&session).await;
    let query = format!("SELECT generate_series(1, {ROWS}) AS n, repeat('x', 100) AS text");
    let mut rows = session.query(&query).await.unwrap();
    let first = rows.try_next().await.unwrap().unwrap().num_rows();
    // It holds nothing now that others wait for.
    let sends = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND wait_event = 'ClientWrite'");
    becomes(&sends, 1).await;
    assert!(signal("-STOP", pid));
    let mut rest = Box::pin(counts_from(first as i32, rows));
    let soon = tokio::time::timeout(Duration::from_millis(1500), &mut rest).await;
    assert!(signal("-CONT", pid));
    assert!(soon.is_err(), "it did not stand still");
    assert_eq!(rest.await, ROWS);
    session.close().await.unwrap();
}
