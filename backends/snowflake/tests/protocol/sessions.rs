//! Sessions that expire, statements that go on, requests that get no answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hybrid_conformance::until;
use hybrid_core::ErrorKind;
use hybrid_core::sql::{SqlSession, SqlStore};
use serde_json::json;

use crate::common::scripted::{Answer, Asked, Scripted, login};
use crate::common::{config_at, connect, execute};

const QUERY: &str = "/queries/v1/query-request";

fn is(asked: &Asked, sql: &str) -> bool {
    asked.path() == QUERY && asked.sql() == sql
}

fn token(asked: &Asked) -> &str {
    asked.headers.get("authorization").map_or("", String::as_str)
}

#[tokio::test]
async fn a_session_that_expires_is_renewed_and_the_statement_sent_again() {
    let server = Scripted::start(|asked, _| {
        let expired = asked.path() == QUERY && token(asked).contains("session-1");
        expired.then(|| Answer::failed("390112", "Your session has expired."))
    })
    .await;
    execute(&connect(config_at(server.port)).await, "INSERT 1").await;
    let renewals = server.seen("/session/token-request");
    assert_eq!(renewals.len(), 1);
    assert_eq!(token(&renewals[0]), "Snowflake Token=\"master-1\"");
    assert_eq!(
        renewals[0].json(),
        json!({"oldSessionToken": "session-1", "requestType": "RENEW"})
    );
    let sent = server.seen(QUERY);
    assert_eq!(sent.len(), 2);
    assert_eq!(token(&sent[1]), "Snowflake Token=\"session-2\"");
    // It is the same statement: it runs once.
    assert_eq!(sent[0].parameter("requestId"), sent[1].parameter("requestId"));
}

#[tokio::test]
async fn a_session_that_expires_while_a_statement_runs_is_renewed() {
    let server = Scripted::start(|asked, before| {
        let next = json!({"getResultUrl": "/queries/q9/result", "queryId": "q9"});
        let running = json!({"success": false, "code": "333334", "message": "running", "data": next});
        match asked.path() {
            QUERY => Some(Answer::json(&running)),
            "/queries/q9/result" if token(asked).contains("session-1") && before < 2 => Some(Answer::json(&running)),
            "/queries/q9/result" if token(asked).contains("session-1") => Some(Answer::failed("390112", "expired")),
            "/queries/q9/result" => Some(Answer::done()),
            _ => None,
        }
    })
    .await;
    execute(&connect(config_at(server.port)).await, "INSERT 1").await;
    assert_eq!(server.seen(QUERY).len(), 1);
    assert_eq!(server.seen("/queries/q9/result").len(), 4);
    assert_eq!(server.seen("/session/token-request").len(), 1);
}

#[tokio::test]
async fn a_session_that_is_gone_is_an_error_and_the_next_one_is_new() {
    let server = Scripted::start(|asked, before| match asked.path() {
        "/session/v1/login-request" => Some(login(&format!("session-{before}"))),
        QUERY if token(asked).contains("session-0") => Some(Answer::failed("390112", "expired")),
        "/session/token-request" => Some(Answer::failed("390114", "Authentication token has expired.")),
        _ => None,
    })
    .await;
    let store = connect(config_at(server.port)).await;
    let session = store.session().await.unwrap();
    let error = session.execute("SELECT 1").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, true),
        "{error}"
    );
    session.close().await.unwrap();
    execute(&store, "SELECT 2").await;
    assert_eq!(server.seen("/session/v1/login-request").len(), 2);
}

#[tokio::test]
async fn sessions_are_used_again_and_end_with_the_store() {
    let server = Scripted::start(|_, _| None).await;
    let store = connect(config_at(server.port)).await;
    for _ in 0..3 {
        execute(&store, "SELECT 1").await;
    }
    assert_eq!(server.seen("/session/v1/login-request").len(), 1);
    assert!(server.seen("/session").is_empty());
    SqlStore::shutdown(&store).await.unwrap();
    assert_eq!(server.seen("/session").len(), 1);
    assert!(server.seen("/session")[0].target.contains("delete=true"));
}

#[tokio::test]
async fn a_statement_that_gets_no_answer_is_sent_again_as_the_same() {
    let server = Scripted::start(|asked, before| match (asked.path(), before) {
        (QUERY, 0) => Some(Answer::status(503)),
        (QUERY, 1) => Some(Answer {
            headers: "retry-after: 1\r\n".to_owned(),
            ..Answer::status(429)
        }),
        (QUERY, 2) => Some(Answer::done().cut(10)),
        _ => None,
    })
    .await;
    let start = Instant::now();
    execute(&connect(config_at(server.port)).await, "INSERT 1").await;
    assert!(start.elapsed() > Duration::from_secs(1), "the server asked to wait");
    let sent = server.seen(QUERY);
    assert_eq!(sent.len(), 4);
    let ids: Vec<_> = sent.iter().map(|asked| asked.parameter("requestId")).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    let counts: Vec<_> = sent.iter().map(|asked| asked.parameter("retryCount")).collect();
    assert_eq!(counts, [None, Some("1".into()), Some("2".into()), Some("3".into())]);
    assert_eq!(sent[1].parameter("retryReason").as_deref(), Some("503"));
    assert!(sent[1].parameter("clientStartTime").is_some());
}

#[tokio::test]
async fn what_the_service_says_is_not_asked_again() {
    let server = Scripted::start(|asked, _| {
        is(asked, "SELEC").then(|| Answer {
            status: 500,
            ..Answer::failed("001003", "syntax error")
        })
    })
    .await;
    let store = connect(config_at(server.port)).await;
    let session = store.session().await.unwrap();
    let error = session.execute("SELEC").await.unwrap_err();
    assert!(error.to_string().contains("syntax error"), "{error}");
    assert_eq!(server.statements().len(), 1);
    session.close().await.unwrap();
}

/// A statement that never ends until it is aborted.
async fn endless() -> Scripted {
    let aborted = AtomicBool::new(false);
    Scripted::start(move |asked, _| {
        let next = json!({"getResultUrl": "/queries/q9/result"});
        let running = json!({"success": false, "code": "333333", "message": null, "data": next});
        match asked.path() {
            QUERY if asked.sql() == "SELECT endless" => Some(Answer::json(&running)),
            "/queries/v1/abort-request" => {
                aborted.store(true, Ordering::SeqCst);
                None
            }
            "/queries/q9/result" if aborted.load(Ordering::SeqCst) => {
                Some(Answer::failed("000604", "SQL execution canceled"))
            }
            "/queries/q9/result" => Some(Answer::json(&running).after(Duration::from_millis(100))),
            _ => None,
        }
    })
    .await
}

#[tokio::test]
async fn dropping_the_future_aborts_the_statement() {
    let server = endless().await;
    let store = connect(config_at(server.port)).await;
    let session = store.session().await.unwrap();
    let asked = session.query("SELECT endless");
    assert!(tokio::time::timeout(Duration::from_millis(500), asked).await.is_err());
    until("the abort", async || {
        !server.seen("/queries/v1/abort-request").is_empty()
    })
    .await;
    let abort = server.seen("/queries/v1/abort-request").remove(0);
    let sent = server.seen(QUERY).remove(0);
    assert_eq!(
        abort.json()["requestId"].as_str().map(str::to_owned),
        sent.parameter("requestId")
    );
    assert_eq!(abort.json()["sqlText"], "SELECT endless");
    session.close().await.unwrap();
    assert_eq!(
        server.seen("/session").len(),
        1,
        "a session that was disturbed is not used again"
    );
}

#[tokio::test]
async fn closing_the_session_aborts_what_runs() {
    let server = endless().await;
    let store = connect(config_at(server.port)).await;
    let session = store.session().await.unwrap();
    let asked = session.execute("SELECT endless");
    let close = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        session.close().await
    };
    let (asked, closed) = tokio::join!(asked, close);
    assert_eq!(asked.unwrap_err().kind(), ErrorKind::Cancelled);
    closed.unwrap();
    assert!(!server.seen("/queries/v1/abort-request").is_empty());
    assert_eq!(server.seen("/session").len(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_or_does_not_answer_is_an_error_in_time() {
    let mut config = config_at(1);
    config.retry_timeout = Some(1);
    let error = connect(config).await.session().await.err().unwrap();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, true),
        "{error}"
    );
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config_at(silent.local_addr().unwrap().port());
    (config.request_timeout, config.retry_timeout) = (Some(1), Some(1));
    let error = connect(config).await.session().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}
