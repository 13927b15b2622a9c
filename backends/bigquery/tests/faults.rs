//! What goes wrong around a running job: each a clear error of the right kind, nothing twice, and nothing left behind.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use common::proxy::{Act, Pipe, Proxy};
use common::{config, connect, parts, put, rest, rows, storage, tables};
use futures::StreamExt;
use hybrid_core::sql::{Mode, SqlSession, SqlStore};
use hybrid_core::{BatchStream, ErrorKind, Result};
use hybrid_store_bigquery::{BigQueryConfig, BigQueryStore};

async fn behind() -> (Proxy, BigQueryConfig) {
    let proxy = Proxy::start(&rest()).await;
    let mut config = config();
    config.api_endpoint = Some(proxy.url());
    config.retry_timeout = 20;
    (proxy, config)
}

fn refusal(status: u16, reason: &str) -> Act {
    let body = format!(
        r#"{{"error": {{"code": {status}, "message": "said {reason}", "errors": [{{"message": "said {reason}", "domain": "global", "reason": "{reason}"}}], "status": "X"}}}}"#
    );
    Act::Answer(status, body)
}

fn numbers(values: impl IntoIterator<Item = i64>) -> RecordBatch {
    let values = Arc::new(Int64Array::from_iter_values(values)) as ArrayRef;
    RecordBatch::try_from_iter([("n", values)]).unwrap()
}

async fn count(store: &BigQueryStore, table: &str) -> i64 {
    let name = parts(store, table).unwrap().join("`.`");
    let batches = rows(store, &format!("SELECT COUNT(*) FROM `{name}`")).await.unwrap();
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}

async fn drained(rows: Result<BatchStream>) -> Result<usize> {
    let mut rows = rows?;
    let mut count = 0;
    while let Some(batch) = rows.next().await {
        count += batch?.num_rows();
    }
    Ok(count)
}

/// A query that computes for minutes before it gives a row.
const SLOW: &str = "SELECT MAX(SIN(a * b + c)) FROM UNNEST(GENERATE_ARRAY(1, 20000)) AS a, UNNEST(GENERATE_ARRAY(1, 20000)) AS b, \
    UNNEST(GENERATE_ARRAY(1, 1000)) AS c";

async fn until(what: &str, mut ready: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !ready().await {
        assert!(start.elapsed() < Duration::from_secs(30), "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The state and the error of the job of a request that was seen.
async fn job(body: &str) -> (String, String) {
    let sent: serde_json::Value = serde_json::from_str(body).unwrap();
    let id = sent["jobReference"]["jobId"].as_str().unwrap();
    let url = format!(
        "{}/bigquery/v2/projects/{}/jobs/{id}",
        rest(),
        sent["jobReference"]["projectId"].as_str().unwrap()
    );
    let job: serde_json::Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    (
        text(&job["status"]["state"]),
        text(&job["status"]["errorResult"]["reason"]),
    )
}

#[tokio::test]
async fn throttling_and_sick_servers_are_waited_for() {
    let (proxy, config) = behind().await;
    let store = connect(config).await;
    for act in [
        refusal(403, "rateLimitExceeded"),
        Act::Answer(429, "slow down".to_owned()),
        Act::Answer(503, "<html>".to_owned()),
        refusal(500, "backendError"),
        Act::Cut,
    ] {
        proxy.rule("POST /bigquery/v2/projects/hybrid/jobs", 1, act);
        assert_eq!(drained(Ok(stream(&store, "SELECT 1 AS a").await)).await.unwrap(), 1);
    }
    let start = Instant::now();
    proxy.rule("/jobs", usize::MAX, refusal(503, "backendError"));
    let error = rows(&store, "SELECT 1 AS a").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, true),
        "{error}"
    );
    assert!(start.elapsed() < Duration::from_secs(45), "{:?}", start.elapsed());
}

async fn stream(store: &BigQueryStore, query: &str) -> BatchStream {
    let batches = rows(store, query).await.unwrap();
    BatchStream::from_batches(batches[0].schema(), batches)
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again() {
    let (proxy, config) = behind().await;
    let store = connect(config).await;
    for (status, reason, kind) in [
        (403, "quotaExceeded", ErrorKind::ResourceExhausted),
        (403, "accessDenied", ErrorKind::PermissionDenied),
        (400, "invalidQuery", ErrorKind::InvalidInput),
        (400, "bytesBilledLimitExceeded", ErrorKind::ResourceExhausted),
    ] {
        let before = proxy.seen("POST /bigquery/v2/projects/hybrid/jobs").len();
        proxy.rule("POST /bigquery/v2/projects/hybrid/jobs", 1, refusal(status, reason));
        let error = rows(&store, "SELECT 1 AS a").await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (kind, false), "{error}");
        assert_eq!(proxy.seen("POST /bigquery/v2/projects/hybrid/jobs").len(), before + 1);
    }
    assert!(proxy.seen("/cancel").is_empty());
}

#[tokio::test]
async fn a_lost_answer_does_not_run_or_load_anything_twice() {
    let (proxy, config) = behind().await;
    let store = connect(config.clone()).await;
    put(&store, "t", numbers([]).schema(), vec![numbers([1, 2])], Mode::Create)
        .await
        .unwrap();
    let name = parts(&store, "t").unwrap().join("`.`");
    proxy.rule("INSERT INTO", 1, Act::Lose);
    let session = store.session().await.unwrap();
    session
        .execute(&format!("INSERT INTO `{name}` (n) VALUES (3)"))
        .await
        .unwrap();
    assert_eq!(count(&store, "t").await, 3);
    proxy.rule("uploadType=multipart", 1, Act::Lose);
    assert_eq!(
        put(&store, "t", numbers([]).schema(), vec![numbers([4, 5])], Mode::Append)
            .await
            .unwrap(),
        2
    );
    assert_eq!(count(&store, "t").await, 5);
    // Under one id, however often it was sent.
    let sent: Vec<String> = proxy
        .seen("INSERT INTO")
        .iter()
        .map(|seen| serde_json::from_str::<serde_json::Value>(&seen.body).unwrap()["jobReference"]["jobId"].to_string())
        .collect();
    assert_eq!((sent.len(), sent[0] == sent[1]), (2, true));
    session.close().await.unwrap();
}

/// Rows whose Parquet is several parts of an upload: they do not compress.
fn many(rows: usize) -> Vec<RecordBatch> {
    let mut state = 1_u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::from_ne_bytes((state ^ (state >> 29)).to_ne_bytes())
    };
    (0..rows)
        .step_by(500_000)
        .map(|_| numbers((0..500_000).map(|_| random())))
        .collect()
}

#[tokio::test]
async fn a_large_upload_goes_on_where_it_broke_off() {
    let (proxy, config) = behind().await;
    let store = connect(config).await;
    proxy.rule("uploadType=resumable", 1, Act::Answer(503, String::new()));
    proxy.rule("bytes 0-", 1, Act::Cut);
    proxy.rule("PUT", 1, Act::Cut);
    let batches = many(3_000_000);
    let sum = |batches: &[RecordBatch]| -> i64 {
        batches
            .iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
            .fold(0, i64::wrapping_add)
    };
    let session = store.session().await.unwrap();
    let relation = session
        .upload(BatchStream::from_batches(numbers([]).schema(), batches.clone()))
        .await
        .unwrap();
    let puts = proxy.seen("PUT ");
    assert!(puts.len() >= 4, "{}", puts.len());
    assert!(puts.iter().any(|put| put.headers.contains("bytes */*")));
    let found = session
        .query(&format!("SELECT n FROM {relation}"))
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), 3_000_000);
    assert_eq!(sum(&found), sum(&batches));
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_job_that_fails_for_a_passing_reason_runs_again_under_another_id() {
    let (proxy, config) = behind().await;
    let store = connect(config).await;
    let fail = |job: &mut serde_json::Value| {
        job["status"] = serde_json::json!({"state": "DONE", "errorResult": {"reason": "backendError", "message": "Error encountered during execution. Retrying may solve the problem."}});
    };
    proxy.rule("POST /bigquery/v2/projects/hybrid/jobs", 2, Act::Change(fail));
    assert_eq!(drained(Ok(stream(&store, "SELECT 7 AS a").await)).await.unwrap(), 1);
    let seen = proxy.seen("SELECT 7 AS a");
    let ids: std::collections::HashSet<String> = seen
        .iter()
        .map(|seen| serde_json::from_str::<serde_json::Value>(&seen.body).unwrap()["jobReference"]["jobId"].to_string())
        .collect();
    assert_eq!((seen.len(), ids.len()), (3, 3));
}

#[tokio::test]
async fn a_job_that_fails_says_why_once() {
    let (proxy, config) = behind().await;
    let store = connect(config).await;
    for (query, kind, says) in [
        ("SELECT * FROM nowhere.t", ErrorKind::NotFound, "nowhere"),
        ("SELEC 1", ErrorKind::InvalidInput, "yntax"),
        ("SELECT CAST('x' AS INT64) AS a", ErrorKind::InvalidInput, "x"),
    ] {
        let error = rows(&store, query).await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (kind, false), "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(proxy.seen(query).len(), 1, "{query}");
    }
}

#[tokio::test]
async fn dropping_the_future_ends_the_job_in_the_engine() {
    let (proxy, config) = behind().await;
    let store = connect(config).await;
    let session = store.session().await.unwrap();
    {
        let asked = async { drained(session.query(SLOW).await).await };
        assert!(tokio::time::timeout(Duration::from_secs(4), asked).await.is_err());
    }
    let body = proxy.seen("GENERATE_ARRAY(1, 20000)")[0].body.clone();
    until("the end of the job", async || {
        job(&body).await == ("DONE".to_owned(), "stopped".to_owned())
    })
    .await;
    session.close().await.unwrap();
    assert_eq!(proxy.seen("/cancel").len(), 1);
}

#[tokio::test]
async fn closing_the_session_ends_what_runs_and_drops_what_was_made() {
    let (proxy, config) = behind().await;
    let store = connect(config.clone()).await;
    let session = Arc::new(store.session().await.unwrap());
    session.stage("SELECT 1 AS x").await.unwrap();
    session
        .upload(BatchStream::from_batches(numbers([]).schema(), vec![numbers([1])]))
        .await
        .unwrap();
    assert_eq!(tables(&config).await.len(), 2);
    let running = tokio::spawn({
        let session = session.clone();
        async move { drained(session.query(SLOW).await).await }
    });
    until("the job", async || proxy.seen("GENERATE_ARRAY(1, 20000)").len() == 1).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    session.close().await.unwrap();
    let body = proxy.seen("GENERATE_ARRAY(1, 20000)")[0].body.clone();
    assert_eq!(job(&body).await, ("DONE".to_owned(), "stopped".to_owned()));
    assert_eq!(running.await.unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(tables(&config).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_job_without_an_end_is_ended_when_its_caller_gives_up() {
    let (proxy, config) = behind().await;
    let store = connect(config).await;
    let running = |job: &mut serde_json::Value| job["status"] = serde_json::json!({"state": "RUNNING"});
    let unfinished = |results: &mut serde_json::Value| *results = serde_json::json!({"jobComplete": false});
    proxy.rule("/queries/", usize::MAX, Act::Change(unfinished));
    proxy.rule("/cancel", 0, Act::Cut);
    proxy.rule("GET /bigquery/v2/projects/hybrid/jobs/", 20, Act::Change(running));
    proxy.rule(
        "POST /bigquery/v2/projects/hybrid/jobs HTTP",
        usize::MAX,
        Act::Change(running),
    );
    let session = store.session().await.unwrap();
    let asked = tokio::time::timeout(Duration::from_secs(2), session.query("SELECT 1 AS a")).await;
    assert!(asked.is_err());
    session.close().await.unwrap();
    assert_eq!(proxy.seen("/cancel").len(), 1);
}

#[tokio::test]
async fn a_result_that_breaks_off_goes_on_behind_the_last_row() {
    let pipe = Pipe::start(&storage()).await;
    let mut config = config();
    config.storage_endpoint = Some(pipe.url());
    config.retry_timeout = 20;
    let store = connect(config).await;
    let query =
        "SELECT a * 1000 + b AS n FROM UNNEST(GENERATE_ARRAY(0, 2499)) AS a, UNNEST(GENERATE_ARRAY(0, 999)) AS b";
    for query in [query.to_owned(), format!("{query} ORDER BY n")] {
        let session = store.session().await.unwrap();
        let before = *pipe.connections.lock().unwrap();
        pipe.cut_after(11_000_000);
        let batches = session.query(&query).await.unwrap().collect().await.unwrap();
        session.close().await.unwrap();
        let mut found: Vec<i64> = batches
            .iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
            .collect();
        if !query.contains("ORDER BY") {
            found.sort_unstable();
        }
        assert!(found == (0..2_500_000).collect::<Vec<_>>(), "{} rows", found.len());
        assert!(
            *pipe.connections.lock().unwrap() > before,
            "no connection was made again"
        );
    }
}

#[tokio::test]
async fn a_storage_api_that_goes_away_is_an_error_in_time() {
    let pipe = Pipe::start(&storage()).await;
    let mut config = config();
    config.storage_endpoint = Some("http://127.0.0.1:9".to_owned());
    config.retry_timeout = 2;
    drop(pipe);
    let store = connect(config).await;
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
async fn dropping_the_stream_stops_reading() {
    let store = connect(config()).await;
    let session = store.session().await.unwrap();
    let query =
        "SELECT a * 1000 + b AS n FROM UNNEST(GENERATE_ARRAY(0, 999)) AS a, UNNEST(GENERATE_ARRAY(0, 999)) AS b";
    let mut rows = session.query(query).await.unwrap();
    assert!(!rows.next().await.unwrap().unwrap().column(0).is_null(0));
    drop(rows);
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_session_that_is_closed_ends_its_streams() {
    let store = connect(config()).await;
    let session = store.session().await.unwrap();
    let query =
        "SELECT a * 1000 + b AS n FROM UNNEST(GENERATE_ARRAY(0, 2999)) AS a, UNNEST(GENERATE_ARRAY(0, 999)) AS b";
    let rows = session.query(query).await.unwrap();
    session.close().await.unwrap();
    let error = drained(Ok(rows)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
}

#[tokio::test]
async fn an_upload_whose_rows_break_off_loads_nothing() {
    let config = config();
    let store = connect(config.clone()).await;
    let session = store.session().await.unwrap();
    let broken = hybrid_core::Error::new(ErrorKind::Unavailable, "the rows broke off");
    let rows = BatchStream::new(
        numbers([]).schema(),
        futures::stream::iter(vec![Ok(numbers([1])), Err(broken)]),
    );
    assert!(
        session
            .upload(rows)
            .await
            .unwrap_err()
            .to_string()
            .contains("broke off")
    );
    session.close().await.unwrap();
    assert_eq!(tables(&config).await, Vec::<String>::new());
}
