use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::{Int32Type, Int64Type};
use futures::TryStreamExt;
use hybrid_conformance::until;
use hybrid_core::ErrorKind;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_store_postgres::PostgresSession;

use crate::common::{admin, config, fresh, rows, session, store};

pub async fn number(query: &str) -> i64 {
    rows(query).await[0].column(0).as_primitive::<Int64Type>().value(0)
}

/// Waits until a query gives that number.
pub async fn becomes(query: &str, right: i64) {
    until(&format!("{right} of {query}"), async || number(query).await == right).await;
}

/// How many other connections run a statement with the mark in it.
fn running(mark: &str) -> String {
    let pattern = format!("%{}' || '{}%", &mark[..5], &mark[5..]);
    format!(
        "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND query LIKE '{pattern}' AND pid <> pg_backend_pid()"
    )
}

/// The server's process of a session.
pub async fn process(session: &PostgresSession) -> i32 {
    let found = session
        .query("SELECT pg_backend_pid()")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    found[0].column(0).as_primitive::<Int32Type>().value(0)
}

#[tokio::test]
async fn a_dropped_stream_ends_the_query_and_the_session_goes_on() {
    let session = session(config()).await;
    let mark = fresh("stream");
    let query = format!("SELECT generate_series(1, 2000000000), '{mark}'");
    let mut stream = session.query(&query).await.unwrap();
    stream.try_next().await.unwrap().unwrap();
    let binary = format!("{} AND query LIKE 'COPY (%) TO STDOUT (FORMAT BINARY)'", running(&mark));
    becomes(&binary, 1).await;
    drop(stream);
    becomes(&running(&mark), 0).await;
    for _ in 0..20 {
        assert_eq!(
            session.query("SELECT 1").await.unwrap().collect().await.unwrap()[0].num_rows(),
            1
        );
    }
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_dropped_future_ends_the_statement() {
    let session = session(config()).await;
    for kind in ["execute", "query", "stage", "describe"] {
        let mark = fresh("future");
        let sleep = format!("SELECT '{mark}' AS b FROM pg_sleep(600)");
        let call = async {
            match kind {
                "execute" => session.execute(&sleep).await,
                "query" => session.query(&sleep).await.map(drop),
                "stage" => session.stage(&sleep).await.map(drop),
                _ => session.describe(&sleep).await.map(drop),
            }
        };
        let outcome = tokio::time::timeout(Duration::from_millis(300), call).await;
        assert_eq!(outcome.is_err(), kind != "describe", "{kind}");
        becomes(&running(&mark), 0).await;
    }
    session.close().await.unwrap();
}

#[tokio::test]
async fn closing_ends_what_still_runs_and_the_connection_is_not_reused() {
    let mut config = config();
    config.max_conn = 1;
    let store = store(config).await;
    let session = store.session().await.unwrap();
    let before = process(&session).await;
    let mark = fresh("close");
    let mut stream = session
        .query(&format!("SELECT generate_series(1, 2000000000), '{mark}'"))
        .await
        .unwrap();
    stream.try_next().await.unwrap().unwrap();
    let reading = tokio::spawn(async move { while let Ok(Some(_)) = stream.try_next().await {} });
    session.close().await.unwrap();
    reading.await.unwrap();
    becomes(&running(&mark), 0).await;
    let next = store.session().await.unwrap();
    // A cancel request was sent for the first one, which may come late.
    assert_ne!(process(&next).await, before);
    next.close().await.unwrap();
}

#[tokio::test]
async fn an_administrator_ends_a_query_or_its_connection() {
    for (function, kind) in [
        ("pg_cancel_backend", ErrorKind::Cancelled),
        ("pg_terminate_backend", ErrorKind::Unavailable),
    ] {
        let store = store(config()).await;
        let session = store.session().await.unwrap();
        let pid = process(&session).await;
        let ending = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            admin(&format!("SELECT {function}({pid})")).await;
        };
        let (outcome, ()) = tokio::join!(session.execute("SELECT pg_sleep(600)"), ending);
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        session.close().await.unwrap();
        let next = store.session().await.unwrap();
        next.execute("SELECT 1").await.unwrap();
        next.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_pooled_connection_that_died_is_replaced_unseen() {
    let store = store(config()).await;
    let session = store.session().await.unwrap();
    let pid = process(&session).await;
    session.close().await.unwrap();
    admin(&format!("SELECT pg_terminate_backend({pid})")).await;
    let next = store.session().await.unwrap();
    assert_ne!(process(&next).await, pid);
    next.close().await.unwrap();
}
