use std::time::{Duration, Instant};

use arrow::array::Array;
use futures::StreamExt;
use hybrid_conformance::until;
use hybrid_core::ErrorKind;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_store_bigquery::BigQueryConfig;

use crate::common::proxy::Pipe;
use crate::common::{config, connect, drained, integers, rows, storage, thousands};

/// A configuration whose results come through a pipe.
fn through(pipe: &Pipe) -> BigQueryConfig {
    let mut config = config();
    config.storage_endpoint = Some(pipe.url());
    config.retry_timeout = 20;
    config
}

#[tokio::test]
async fn a_result_that_breaks_off_goes_on_behind_the_last_row() {
    let pipe = Pipe::start(&storage()).await;
    let store = connect(through(&pipe)).await;
    let query = thousands(2_500);
    for query in [query.clone(), format!("{query} ORDER BY n")] {
        let session = store.session().await.unwrap();
        pipe.cut_after(11_000_000);
        let batches = session.query(&query).await.unwrap().collect().await.unwrap();
        session.close().await.unwrap();
        let mut found = integers(&batches);
        if !query.contains("ORDER BY") {
            found.sort_unstable();
        }
        assert!(found == (0..2_500_000).collect::<Vec<_>>(), "{} rows", found.len());
        assert!(pipe.was_cut());
    }
    assert!(pipe.connections() >= 3, "{}", pipe.connections());
}

#[tokio::test]
async fn a_storage_api_that_goes_away_is_an_error_in_time() {
    let pipe = Pipe::start(&storage()).await;
    let mut config = through(&pipe);
    config.retry_timeout = 2;
    let store = connect(config).await;
    assert_eq!(rows(&store, "SELECT 1 AS a").await.unwrap()[0].num_rows(), 1);
    pipe.go_away();
    let start = Instant::now();
    let error = rows(&store, "SELECT 1 AS a").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, true),
        "{error}"
    );
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_asked_for_again() {
    let pipe = Pipe::start(&storage()).await;
    let mut config = through(&pipe);
    config.request_timeout = 2;
    let store = connect(config).await;
    let session = store.session().await.unwrap();
    let rows = session.query("SELECT 7 AS a").await;
    pipe.set_silent(true);
    let speaks_again = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        pipe.set_silent(false);
    };
    let (found, ()) = tokio::join!(drained(rows), speaks_again);
    assert_eq!(found.unwrap(), 1);
    assert!(pipe.asked() > 1, "{}", pipe.asked());
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_stream_that_stays_silent_is_an_error_in_time() {
    let pipe = Pipe::start(&storage()).await;
    let mut config = through(&pipe);
    (config.request_timeout, config.retry_timeout) = (2, 4);
    let store = connect(config).await;
    let session = store.session().await.unwrap();
    let rows = session.query("SELECT 7 AS a").await;
    pipe.set_silent(true);
    let start = Instant::now();
    let error = drained(rows).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Timeout, true),
        "{error}"
    );
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_result_that_nobody_reads_does_not_stop_another() {
    let store = connect(config()).await;
    let (one, other) = (store.session().await.unwrap(), store.session().await.unwrap());
    // Of every stream more is on its way than the window of HTTP/2's connections has room for by default.
    let mut unread = one.query(&thousands(12_000)).await.unwrap();
    unread.next().await.unwrap().unwrap();
    let read = async { drained(other.query(&thousands(1_000)).await).await };
    let found = tokio::time::timeout(Duration::from_secs(60), read).await;
    assert_eq!(found.unwrap().unwrap(), 1_000_000);
    drop(unread);
    one.close().await.unwrap();
    other.close().await.unwrap();
}

#[tokio::test]
async fn dropping_the_stream_stops_reading() {
    let pipe = Pipe::start(&storage()).await;
    let mut config = through(&pipe);
    config.read_streams = 1;
    let store = connect(config).await;
    let session = store.session().await.unwrap();
    let mut rows = session.query(&thousands(8_000)).await.unwrap();
    assert!(!rows.next().await.unwrap().unwrap().column(0).is_null(0));
    drop(rows);
    let (mut passed, mut looks) = (0, 0);
    until("an end of the answers", async || {
        looks = if pipe.passed() == passed { looks + 1 } else { 0 };
        passed = pipe.passed();
        looks == 10
    })
    .await;
    // Of 64 million bytes some small messages and the window of a stream were ahead of the reader.
    assert!(pipe.passed() < 16_000_000, "{}", pipe.passed());
    session.close().await.unwrap();
}
