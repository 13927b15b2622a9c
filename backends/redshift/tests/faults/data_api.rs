//! The Data API: throttled, failing, unreachable, and statements that fail or never end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use hybrid_conformance::killed::{Hybrid, Retrieval};
use hybrid_conformance::until;
use hybrid_core::sql::{Append, Mode, SqlSession, SqlStore};
use hybrid_core::{ErrorKind, Result};
use hybrid_store_redshift::RedshiftConfig;
use serde_json::json;

use super::proxy::{Harm, Proxy};
use crate::common::{admin, data_api, fresh, numbers, rows, running, session, staged, store, value, variable};

const THROUGH_S3: &str = "SELECT x AS n FROM generate_series(1, 2500) AS g(x)";

/// Over the Data API behind a proxy.
pub(super) async fn proxied(
    plan: impl Fn(&str, usize) -> Option<Harm> + Send + Sync + 'static,
) -> (Proxy, RedshiftConfig) {
    let proxy = Proxy::before(&variable("ENDPOINT"), plan).await;
    let mut config = data_api();
    config.endpoint = Some(proxy.url.clone());
    (proxy, config)
}

pub(super) fn count(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

async fn appended(config: RedshiftConfig, table: &str) -> Result<u64> {
    let session = session(config).await;
    let append = Append {
        table: vec!["public".to_owned(), table.to_owned()],
        rows: numbers(10),
        mode: Mode::Append,
    };
    let written = session.append(append).await;
    session.close().await.unwrap();
    written
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    for harm in [
        Harm::Refused(400, "ThrottlingException"),
        Harm::Refused(500, "InternalServerException"),
        Harm::Refused(503, "ServiceUnavailable"),
        Harm::Refused(400, "ExpiredTokenException"),
        Harm::Refused(400, "ActiveStatementsExceededException"),
        Harm::Unanswered,
        Harm::Halved,
    ] {
        // Of each operation the first two fail.
        let (_proxy, config) = proxied(move |_, before| (before < 2).then_some(harm)).await;
        let read = rows(config, THROUGH_S3)
            .await
            .unwrap_or_else(|error| panic!("{harm:?}: {error}"));
        assert_eq!(count(&read), 2500, "{harm:?}");
    }
}

#[tokio::test]
async fn what_does_not_pass_is_an_error_of_its_kind() {
    for (harm, kind, retryable) in [
        (Harm::Refused(400, "ThrottlingException"), ErrorKind::Unavailable, true),
        (
            Harm::Refused(500, "InternalServerException"),
            ErrorKind::Unavailable,
            true,
        ),
        (
            Harm::Refused(400, "ExpiredTokenException"),
            ErrorKind::Unauthenticated,
            true,
        ),
        (
            Harm::Refused(400, "UnrecognizedClientException"),
            ErrorKind::Unauthenticated,
            false,
        ),
        (
            Harm::Refused(400, "AccessDeniedException"),
            ErrorKind::PermissionDenied,
            false,
        ),
        (Harm::Unanswered, ErrorKind::Unavailable, true),
    ] {
        let (proxy, mut config) = proxied(move |_, _| Some(harm)).await;
        config.max_attempts = 2;
        let error = rows(config, THROUGH_S3).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (kind, retryable),
            "{harm:?}: {error}"
        );
        assert!(proxy.count("BatchExecuteStatement") <= 3, "{harm:?}");
    }
}

#[tokio::test]
async fn nothing_is_appended_twice_when_an_answer_is_lost() {
    let table = fresh("lost");
    admin(&format!("CREATE TABLE {table} (n bigint)")).await;
    let (proxy, config) =
        proxied(|what, before| (what.starts_with("BatchExecute") && before < 3).then_some(Harm::Unanswered)).await;
    assert_eq!(appended(config, &table).await.unwrap(), 10);
    assert!(proxy.count("BatchExecuteStatement") > 3);
    assert_eq!(value(&format!("SELECT COUNT(*) FROM {table}")).await, "10");
    admin(&format!("DROP TABLE {table}")).await;
}

#[tokio::test]
async fn a_failed_statement_is_told_by_its_kind_and_leaves_nothing() {
    let config = data_api();
    for (query, kind, said) in [
        ("SELECT * FROM no_such_table", ErrorKind::NotFound, "no_such_table"),
        (
            "SELECT nope FROM generate_series(1, 2) AS g(x)",
            ErrorKind::NotFound,
            "nope",
        ),
        ("SELECT x FRM t", ErrorKind::InvalidInput, "syntax error"),
        (
            "SELECT 1 / (x - 2) AS y FROM generate_series(1, 2) AS g(x)",
            ErrorKind::InvalidInput,
            "zero",
        ),
    ] {
        let error = rows(config.clone(), query).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
    assert_eq!(staged(&config).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_append_that_fails_leaves_nothing() {
    let table = fresh("checked");
    admin(&format!("CREATE TABLE {table} (n bigint CHECK (n < 5))")).await;
    let config = data_api();
    let error = appended(config.clone(), &table).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert_eq!(value(&format!("SELECT COUNT(*) FROM {table}")).await, "0");
    assert_eq!(staged(&config).await, Vec::<String>::new());
    admin(&format!("DROP TABLE {table}")).await;
}

#[tokio::test]
async fn dropping_a_query_that_never_ends_cancels_it_in_the_engine() {
    let (name, config) = (fresh("endless"), data_api());
    let store = store(config.clone()).await;
    let session = store.session().await.unwrap();
    let query = format!("SELECT pg_sleep(600)::text AS {name} FROM generate_series(1, 2)");
    assert!(
        tokio::time::timeout(Duration::from_secs(3), session.query(&query))
            .await
            .is_err()
    );
    until("the end of the statement", async || running(&name).await == "0").await;
    session.close().await.unwrap();
    assert_eq!(staged(&config).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_interrupted_command_leaves_nothing() {
    let (name, config) = (fresh("interrupted"), data_api());
    let folder = tempfile::tempdir().unwrap();
    let retrieval = Retrieval {
        fields: json!({
            "region": config.region, "cluster_id": config.cluster_id, "user": config.user, "database": config.database,
            "s3_staging_location": config.s3_staging_location, "endpoint": config.endpoint, "s3_endpoint": config.s3_endpoint,
            "formulation": "ranked",
        }),
        query: format!(
            "SELECT 1::bigint AS k, '2025-01-01'::timestamp AS ts, LENGTH(pg_sleep(600)::text)::float8 AS v, 1 AS {name} \
             FROM generate_series(1, 2)"
        ),
        rows: 1_000,
        stops: false,
    };
    let command = Hybrid::start(folder.path(), "redshift", &retrieval);
    until("the statement", async || running(&name).await != "0").await;
    command.interrupt();
    until("the end of the statement", async || running(&name).await == "0").await;
    assert_eq!(staged(&config).await, Vec::<String>::new());
}

#[tokio::test]
async fn closing_a_session_ends_what_runs_and_drops_what_was_made() {
    let name = fresh("closed");
    let session = Arc::new(session(data_api()).await);
    let table = session.stage("SELECT 1 AS x").await.unwrap();
    let (other, query) = (
        Arc::clone(&session),
        format!("SELECT pg_sleep(600)::text AS {name} FROM generate_series(1, 2)"),
    );
    let asked = tokio::spawn(async move { other.query(&query).await.map(drop) });
    until("the statement", async || running(&name).await == "1").await;
    let begun = Instant::now();
    session.close().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(asked.await.unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(running(&name).await, "0");
    let found = format!(
        "SELECT COUNT(*) FROM pg_class WHERE relname = '{}'",
        table.trim_matches('"')
    );
    assert_eq!(value(&found).await, "0");
}

#[tokio::test]
async fn a_statement_whose_end_cannot_be_asked_for_is_cancelled_in_the_engine() {
    let name = fresh("unseen");
    // Once it was seen to run the Data API tells no more of it; it does not wait, so that it is asked again.
    let runs = Arc::new(AtomicBool::new(false));
    let has_run = Arc::clone(&runs);
    let (proxy, mut config) = proxied(move |what, before| {
        let is_look = what.starts_with("DescribeStatement");
        match before {
            0 if is_look => Some(Harm::Refused(400, "ValidationException")),
            _ if is_look && has_run.load(Ordering::Relaxed) => Some(Harm::Refused(500, "InternalServerException")),
            _ => None,
        }
    })
    .await;
    config.max_attempts = 2;
    let session = Arc::new(session(config).await);
    let (other, statement) = (Arc::clone(&session), format!("SELECT pg_sleep(600)::text AS {name}"));
    let asked = tokio::spawn(async move { other.execute(&statement).await });
    until("the statement", async || running(&name).await == "1").await;
    runs.store(true, Ordering::Relaxed);
    let error = asked.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.is_retryable(), "{error}");
    assert_eq!(proxy.count("CancelStatement"), 1);
    until("the end of the statement", async || running(&name).await == "0").await;
    session.close().await.unwrap();
}

/// Takes a second and a half.
const SLOW: &str = "SELECT COUNT(pg_sleep(1.5)::text) AS n FROM generate_series(1, 1)";

#[tokio::test]
async fn the_end_of_a_statement_is_waited_for_by_one_request() {
    let (proxy, config) = proxied(|_, _| None).await;
    let begun = Instant::now();
    assert_eq!(count(&rows(config, SLOW).await.unwrap()), 1);
    assert!(begun.elapsed() >= Duration::from_millis(1500), "{:?}", begun.elapsed());
    assert_eq!(proxy.count("DescribeStatement"), 1);
}

#[tokio::test]
async fn where_the_data_api_does_not_wait_it_is_asked_again() {
    for (harm, waits) in [
        // It knows nothing of waiting, refuses it, or too many wait already.
        (Harm::Reworded("WaitTimeSeconds", "WaitTimeUnknown"), true),
        (Harm::Refused(400, "ValidationException"), false),
        (Harm::Refused(400, "ActiveWaitingRequestsExceededException"), false),
    ] {
        let (proxy, config) = proxied(move |what, before| {
            let is_harmed = what.starts_with("DescribeStatement") && (waits || before == 0);
            is_harmed.then_some(harm)
        })
        .await;
        assert_eq!(count(&rows(config, SLOW).await.unwrap()), 1, "{harm:?}");
        let looks = proxy.bodies("DescribeStatement");
        // With pauses of a tenth of what it has taken, from 40 ms up.
        assert!((5..100).contains(&looks.len()), "{harm:?}: {}", looks.len());
        let waiting = looks
            .iter()
            .filter(|look| look.get("WaitTimeSeconds").is_some())
            .count();
        assert_eq!(waiting, if waits { looks.len() } else { 1 }, "{harm:?}");
    }
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_given_up() {
    let mut config = data_api();
    config.statement_timeout = Some(1);
    let error = rows(config, "SELECT pg_sleep(60)::text AS x FROM generate_series(1, 2)")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}

#[tokio::test]
async fn temporary_tables_expire_with_their_session() {
    let mut config = data_api();
    config.session_keep_alive = 1;
    let session = session(config).await;
    let table = session.stage("SELECT 1 AS x").await.unwrap();
    let found = format!(
        "SELECT COUNT(*) FROM pg_class WHERE relname = '{}'",
        table.trim_matches('"')
    );
    until("the end of the session", async || value(&found).await == "0").await;
    let error = session.describe(&format!("SELECT * FROM {table}")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("session_keep_alive"), "{error}");
    // What is gone needs no end.
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_statement_that_is_too_long_is_refused_before_it_is_sent() {
    let query = format!("SELECT '{}' AS x FROM generate_series(1, 2)", "x".repeat(100_001));
    let error = rows(data_api(), &query).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
}

#[tokio::test]
async fn what_is_configured_wrongly_is_told() {
    let mut config = data_api();
    config.cluster_id = Some("no-such-cluster".to_owned());
    let error = store(config).await.ping().await.unwrap_err();
    assert!(
        error.to_string().contains("endpoint doesn't exist") && error.to_string().contains("check `cluster_id`"),
        "{error}"
    );
    let mut config = data_api();
    config.endpoint = Some("http://127.0.0.1:1".to_owned());
    config.max_attempts = 2;
    let error = store(config).await.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}
