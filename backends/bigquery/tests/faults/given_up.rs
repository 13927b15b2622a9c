use std::sync::Arc;
use std::time::Duration;

use hybrid_conformance::until;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_core::{BatchStream, ErrorKind};
use serde_json::{Value, json};

use super::behind::behind;
use crate::common::proxy::Act;
use crate::common::{config, connect, drained, numbers, rest, tables, thousands};

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
async fn a_session_that_is_closed_ends_its_streams() {
    let store = connect(config()).await;
    let session = store.session().await.unwrap();
    let rows = session.query(&thousands(3_000)).await.unwrap();
    session.close().await.unwrap();
    let error = drained(Ok(rows)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
}
