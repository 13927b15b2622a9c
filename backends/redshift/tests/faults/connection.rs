//! The connection: lost, refused, cancelled.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use hybrid_conformance::until;
use hybrid_core::ErrorKind;
use hybrid_core::sql::{SqlSession, SqlStore};

use crate::common::{admin, connection, connection_and_s3, fresh, running, session, staged, store};

/// Gives rows for longer than anything is waited for.
fn long(name: &str) -> String {
    format!("SELECT x, MD5(x::varchar) AS {name} FROM (SELECT generate_series(1, 2000000000)) AS g(x)")
}

#[tokio::test]
async fn a_long_result_streams_and_ends_when_it_is_dropped() {
    let (name, session) = (fresh("dropped"), session(connection()).await);
    let mut rows = session.query(&long(&name)).await.unwrap();
    assert!(rows.next().await.unwrap().unwrap().num_rows() > 0);
    assert_eq!(running(&name).await, "1");
    drop(rows);
    until("the end of the query", async || running(&name).await == "0").await;
    // The session goes on.
    session.execute("SELECT 1").await.unwrap();
    session.close().await.unwrap();
}

#[tokio::test]
async fn an_unload_ends_when_it_is_dropped() {
    let (name, config) = (fresh("unloaded"), connection_and_s3());
    let session = session(config.clone()).await;
    let query = format!("SELECT pg_sleep(600)::text AS {name} FROM generate_series(1, 2)");
    let mut asked = session.query(&query);
    let begun = until("the query", async || running(&name).await == "1");
    tokio::select! {
        outcome = &mut asked => panic!("{:?}", outcome.map(drop)),
        () = begun => {}
    }
    drop(asked);
    until("the end of the query", async || running(&name).await == "0").await;
    // The session goes on.
    session.execute("SELECT 1").await.unwrap();
    session.close().await.unwrap();
    assert_eq!(staged(&config).await, Vec::<String>::new());
}

#[tokio::test]
async fn closing_ends_what_runs() {
    let (name, session) = (fresh("closed"), Arc::new(session(connection()).await));
    let mut rows = session.query(&long(&name)).await.unwrap();
    rows.next().await.unwrap().unwrap();
    let drained = tokio::spawn(async move {
        let mut outcome = Ok(());
        while let Some(batch) = rows.next().await {
            outcome = outcome.and(batch.map(drop));
        }
        outcome
    });
    session.close().await.unwrap();
    assert_eq!(drained.await.unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
    until("the end of the query", async || running(&name).await == "0").await;
    assert_eq!(
        session.execute("SELECT 1").await.unwrap_err().kind(),
        ErrorKind::Cancelled
    );
}

#[tokio::test]
async fn a_lost_connection_is_told_in_the_middle_of_a_result() {
    let (name, session) = (fresh("killed"), session(connection()).await);
    let mut rows = session.query(&long(&name)).await.unwrap();
    rows.next().await.unwrap().unwrap();
    let kill = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%{name}%' AND pid <> pg_backend_pid()"
    );
    admin(&kill).await;
    let mut outcome = Ok(());
    while let Some(batch) = rows.next().await {
        outcome = outcome.and(batch.map(drop));
    }
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    drop(rows);
    session.close().await.unwrap();
}

#[tokio::test]
async fn certificates_are_looked_at() {
    use hybrid_store_postgres::SslMode;
    let authority = format!("{}/ca.crt", crate::common::variable("DIR"));
    let mut config = connection();
    config.host = Some("localhost".to_owned());
    for (sslmode, root, is_taken) in [
        (SslMode::Require, None, true),
        (SslMode::VerifyFull, Some(authority), true),
        (SslMode::VerifyFull, None, false),
    ] {
        (config.sslmode, config.sslrootcert_path) = (sslmode, root);
        let told = store(config.clone()).await.ping().await;
        assert_eq!(told.is_ok(), is_taken, "{told:?}");
        if let Err(error) = told {
            assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        }
    }
}

#[tokio::test]
async fn no_server_is_told_soon() {
    let mut config = connection();
    (config.port, config.max_attempts) = (1, 2);
    let begun = Instant::now();
    let error = store(config).await.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(
        error.is_retryable() && error.to_string().contains("127.0.0.1:1"),
        "{error}"
    );
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn mistakes_are_told_by_their_kind() {
    let session = session(connection()).await;
    for (query, kind) in [
        ("SELECT * FROM no_such_table", ErrorKind::NotFound),
        ("SELECT nope FROM generate_series(1, 2)", ErrorKind::NotFound),
        ("SELEC 1", ErrorKind::InvalidInput),
        (
            "SELECT 1 / (x - 2) FROM generate_series(1, 2) AS g(x)",
            ErrorKind::InvalidInput,
        ),
    ] {
        let outcome = match session.query(query).await {
            Ok(rows) => rows.collect().await.map(drop),
            Err(error) => Err(error),
        };
        assert_eq!(outcome.unwrap_err().kind(), kind, "{query}");
    }
    session.close().await.unwrap();
}
