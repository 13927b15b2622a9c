//! What goes wrong around a running job: each a clear error of the right kind, nothing twice, and nothing left behind.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use common::proxy::{Act, Pipe, Proxy, Seen, header};
use common::{config, connect, parts, put, rest, rows, storage, tables};
use futures::StreamExt;
use hybrid_conformance::until;
use hybrid_core::sql::{Mode, SqlSession, SqlStore};
use hybrid_core::{BatchStream, ErrorKind, Result};
use hybrid_store_bigquery::{BigQueryConfig, BigQueryStore};
use serde_json::{Value, json};

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

/// The end of a job that failed, as an answer.
fn failed(reason: &str) -> Act {
    let job =
        json!({"status": {"state": "DONE", "errorResult": {"reason": reason, "message": format!("said {reason}")}}});
    Act::Answer(200, job.to_string())
}

/// The ids of the jobs that were handed in.
fn ids(seen: &[Seen]) -> HashSet<String> {
    seen.iter().map(Seen::job).collect()
}

/// The numbers from 0 on, so many thousands.
fn thousands(count: usize) -> String {
    format!(
        "SELECT a * 1000 + b AS n FROM UNNEST(GENERATE_ARRAY(0, {})) AS a, UNNEST(GENERATE_ARRAY(0, 999)) AS b",
        count - 1
    )
}

/// A configuration whose results come through a pipe.
fn through(pipe: &Pipe) -> BigQueryConfig {
    let mut config = config();
    config.storage_endpoint = Some(pipe.url());
    config.retry_timeout = 20;
    config
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

/// The state and the error of the job of a request that was seen.
async fn job(body: &str) -> (String, String) {
    let sent: Value = serde_json::from_str(body).unwrap();
    let id = sent["jobReference"]["jobId"].as_str().unwrap();
    let url = format!(
        "{}/bigquery/v2/projects/{}/jobs/{id}",
        rest(),
        sent["jobReference"]["projectId"].as_str().unwrap()
    );
    let job: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
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
        let before = proxy.seen("SELECT 1 AS a").len();
        proxy.rule("POST /bigquery/v2/projects/hybrid/jobs", 1, act);
        assert_eq!(drained(Ok(stream(&store, "SELECT 1 AS a").await)).await.unwrap(), 1);
        assert_eq!(proxy.seen("SELECT 1 AS a").len(), before + 2);
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
    // Under one id, however often it was sent: the table was made by a load, too.
    let inserts = proxy.seen("INSERT INTO");
    assert_eq!((inserts.len(), ids(&inserts).len()), (2, 1));
    let loads = proxy.seen("uploadType=multipart");
    assert_eq!((loads.len(), ids(&loads).len()), (3, 2));
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_load_whose_answer_was_lost_is_found_behind_refusals_that_pass() {
    let (proxy, mut config) = behind().await;
    config.retry_timeout = 3;
    let store = connect(config).await;
    proxy.rule("uploadType=multipart", 1, Act::Lose);
    proxy.rule("uploadType=multipart", usize::MAX, refusal(403, "rateLimitExceeded"));
    let batch = numbers([1, 2]);
    let written = put(&store, "t", batch.schema(), vec![batch], Mode::Create).await;
    assert_eq!(written.unwrap(), 2);
    assert!(proxy.seen("uploadType=multipart").len() > 1);
    assert_eq!(count(&store, "t").await, 2);
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
    // The first part, the question how much of it has come, and the second.
    proxy.rule("bytes 0-", 1, Act::Cut);
    proxy.rule("bytes */", 1, Act::Cut);
    proxy.rule("bytes 8388608-", 1, Act::Cut);
    let batches = many(2_500_000);
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
    let ranges: Vec<&str> = puts
        .iter()
        .map(|put| {
            header(&put.headers, "content-range")
                .unwrap()
                .split(['-', '/'])
                .next()
                .unwrap()
        })
        .collect();
    let (first, second, third, asked) = ("bytes 0", "bytes 8388608", "bytes 16777216", "bytes *");
    assert_eq!(ranges, [first, asked, asked, first, second, asked, second, third]);
    let found = session
        .query(&format!("SELECT n FROM {relation}"))
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), 2_500_000);
    assert_eq!(sum(&found), sum(&batches));
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_job_that_fails_for_a_passing_reason_runs_again_under_another_id() {
    let (proxy, config) = behind().await;
    let store = connect(config).await;
    proxy.rule("SELECT 7 AS a", 2, failed("backendError"));
    assert_eq!(drained(Ok(stream(&store, "SELECT 7 AS a").await)).await.unwrap(), 1);
    let seen = proxy.seen("SELECT 7 AS a");
    assert_eq!((seen.len(), ids(&seen).len()), (3, 3));
    // So does a load whose rows are still at hand.
    proxy.rule("uploadType=multipart", 2, failed("internalError"));
    let batch = numbers([1, 2]);
    put(&store, "t", batch.schema(), vec![batch], Mode::Create)
        .await
        .unwrap();
    assert_eq!(count(&store, "t").await, 2);
    let loads = proxy.seen("uploadType=multipart");
    assert_eq!((loads.len(), ids(&loads).len()), (3, 3));
}

#[tokio::test]
async fn a_result_that_is_too_large_for_a_query_goes_into_a_table() {
    let (proxy, config) = behind().await;
    let store = connect(config.clone()).await;
    proxy.rule("SELECT 7 AS a", 1, failed("responseTooLarge"));
    let batches = rows(&store, "SELECT 7 AS a UNION ALL SELECT 8").await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
    assert_eq!(proxy.seen("CREATE TABLE").len(), 1);
    assert_eq!(tables(&config).await, Vec::<String>::new());
    proxy.rule("ORDER BY", 1, failed("responseTooLarge"));
    let error = rows(&store, "SELECT 7 AS a ORDER BY a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
    assert!(error.to_string().contains("ORDER BY"), "{error}");
}

#[tokio::test]
async fn a_question_for_the_end_that_fails_says_nothing_of_the_job() {
    let (proxy, config) = behind().await;
    let store = connect(config).await;
    let running = |job: &mut Value| job["status"] = json!({"state": "RUNNING"});
    for act in [
        Act::Cut,
        Act::Answer(503, "<html>".to_owned()),
        refusal(404, "notFound"),
        refusal(400, "invalidQuery"),
    ] {
        let before = proxy.seen("/queries/").len();
        proxy.rule("POST /bigquery/v2/projects/hybrid/jobs HTTP", 1, Act::Change(running));
        proxy.rule("/queries/", 1, act);
        assert_eq!(drained(Ok(stream(&store, "SELECT 1 AS a").await)).await.unwrap(), 1);
        assert_eq!(proxy.seen("/queries/").len(), before + 1);
    }
}

#[tokio::test]
async fn a_job_that_fails_says_why_once() {
    let (proxy, config) = behind().await;
    let store = connect(config).await;
    for (query, kind, says) in [
        ("SELECT * FROM nowhere.t", ErrorKind::NotFound, "nowhere"),
        ("SELEC 1", ErrorKind::InvalidInput, "yntax"),
        ("SELECT CAST('x' AS INT64) AS a", ErrorKind::InvalidInput, "'x'"),
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
    // Where the engine said that it runs: elsewhere it is not known.
    let cancelled = proxy.seen("/cancel");
    assert_eq!(cancelled.len(), 1);
    assert!(cancelled[0].line.contains("location=US"), "{}", cancelled[0].line);
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
    let running = |job: &mut Value| job["status"] = json!({"state": "RUNNING"});
    let unfinished = |results: &mut Value| *results = json!({"jobComplete": false});
    proxy.rule("/queries/", usize::MAX, Act::Change(unfinished));
    proxy.rule("GET /bigquery/v2/projects/hybrid/jobs/", 20, Act::Change(running));
    proxy.rule(
        "POST /bigquery/v2/projects/hybrid/jobs HTTP",
        usize::MAX,
        Act::Change(running),
    );
    let session = store.session().await.unwrap();
    let asked_for_its_end = until("a question for the end", async || !proxy.seen("/queries/").is_empty());
    tokio::select! {
        outcome = session.query("SELECT 1 AS a") => panic!("{:?}", outcome.map(drop)),
        () = asked_for_its_end => {}
    }
    session.close().await.unwrap();
    let id = proxy.seen("SELECT 1 AS a")[0].job();
    let cancelled = proxy.seen("/cancel");
    assert_eq!(cancelled.len(), 1);
    assert!(cancelled[0].line.contains(&id), "{}", cancelled[0].line);
    // Until it has ended, and no longer.
    let looked = proxy.seen("GET /bigquery/v2/projects/hybrid/jobs/");
    assert_eq!(looked.len(), 21);
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
        let mut found: Vec<i64> = batches
            .iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
            .collect();
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
    // Of 64 million bytes, in eight messages, four messages at most were ahead of the reader.
    assert!(pipe.passed() < 48_000_000, "{}", pipe.passed());
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_session_that_is_closed_ends_its_streams() {
    let store = connect(config()).await;
    let session = store.session().await.unwrap();
    let rows = session.query(&thousands(3_000)).await.unwrap();
    session.close().await.unwrap();
    let error = drained(Ok(rows)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
}

#[tokio::test]
async fn an_upload_whose_rows_break_off_loads_nothing() {
    let (proxy, config) = behind().await;
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
    assert!(proxy.seen("uploadType").is_empty());
    session.close().await.unwrap();
    assert_eq!(tables(&config).await, Vec::<String>::new());
}
