use std::time::{Duration, Instant};

use hybrid_core::ErrorKind;
use hybrid_core::sql::Mode;
use serde_json::{Value, json};

use super::behind::{behind, count, failed, ids, refusal};
use crate::common::proxy::Act;
use crate::common::{connect, counted, numbers, put, rows, tables};

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
        assert_eq!(counted(&rows(&store, "SELECT 1 AS a").await.unwrap()), 1);
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
async fn a_job_that_fails_for_a_passing_reason_runs_again_under_another_id() {
    let (proxy, config) = behind().await;
    let store = connect(config).await;
    proxy.rule("SELECT 7 AS a", 2, failed("backendError"));
    assert_eq!(counted(&rows(&store, "SELECT 7 AS a").await.unwrap()), 1);
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
async fn an_export_that_fails_is_not_run_again() {
    let (proxy, mut config) = behind().await;
    config.gcs_staging_location = Some("gs://hybrid-test/failed".to_owned());
    let store = connect(config).await;
    proxy.rule("EXPORT DATA", 1, failed("backendError"));
    let error = store.export("SELECT 7 AS a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(proxy.seen("EXPORT DATA").len(), 1);
}

#[tokio::test]
async fn a_result_that_is_too_large_for_a_query_goes_into_a_table() {
    let (proxy, config) = behind().await;
    let store = connect(config.clone()).await;
    proxy.rule("SELECT 7 AS a", 1, failed("responseTooLarge"));
    let batches = rows(&store, "SELECT 7 AS a UNION ALL SELECT 8").await.unwrap();
    assert_eq!(counted(&batches), 2);
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
        assert_eq!(counted(&rows(&store, "SELECT 1 AS a").await.unwrap()), 1);
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
