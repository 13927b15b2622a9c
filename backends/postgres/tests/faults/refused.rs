use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use hybrid_core::sql::{Append, Mode, SqlSession, SqlStore};
use hybrid_core::{BatchStream, ErrorKind, Result};
use hybrid_store_postgres::{PostgresSession, PostgresStore};

use crate::common::{admin, config, fresh, session, store};

#[tokio::test]
async fn what_is_missing_is_named_with_its_place() {
    let session = session(config()).await;
    for (query, kind, words) in [
        ("SELECT * FROM no_such_table", ErrorKind::NotFound, "⟶ no_such_table"),
        (
            "SELECT no_such_column FROM pg_class",
            ErrorKind::NotFound,
            "⟶ no_such_column",
        ),
        ("SELECT * FROM no_such_schema.t", ErrorKind::NotFound, "42P01"),
        ("SELEC 1", ErrorKind::InvalidInput, "⟶ SELEC 1"),
        ("SELECT 'x'::int", ErrorKind::InvalidInput, "22P02"),
        (
            "SELECT 1 / (i - 3) FROM generate_series(1, 5) i",
            ErrorKind::InvalidInput,
            "22012",
        ),
    ] {
        let error = match session.query(query).await {
            Ok(rows) => rows.try_collect::<Vec<_>>().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(
        session.query("SELECT 1").await.unwrap().collect().await.unwrap().len(),
        1
    );
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_role_without_rights_is_told() {
    let table = fresh("secret");
    admin(&format!(
        "CREATE TABLE {table} (a int); REVOKE ALL ON {table} FROM PUBLIC"
    ))
    .await;
    let mut config = config();
    config.user = "plain".to_owned();
    let session = session(config).await;
    let error = session.query(&format!("SELECT * FROM {table}")).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    session.close().await.unwrap();
}

#[tokio::test]
async fn nobody_there_is_tried_for_a_short_while() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config();
    config.port = listener.local_addr().unwrap().port();
    drop(listener);
    let session = session(config).await;
    let begun = Instant::now();
    let error = session.execute("SELECT 1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(
        error.is_retryable() && error.to_string().contains("127.0.0.1"),
        "{error}"
    );
    assert!(begun.elapsed() > Duration::from_millis(500) && begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_server_that_takes_connections_and_says_nothing_is_a_timeout() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config();
    config.port = listener.local_addr().unwrap().port();
    let error = session(config).await.execute("SELECT 1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(
        error.is_retryable() && error.to_string().contains("127.0.0.1"),
        "{error}"
    );
}

#[tokio::test]
async fn limits_of_the_server_have_kinds() {
    let session = session(config()).await;
    session.execute("SET statement_timeout = '200ms'").await.unwrap();
    let error = session.execute("SELECT pg_sleep(30)").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    let slow = session
        .query("SELECT i, pg_sleep(0.01) FROM generate_series(1, 1000) i")
        .await
        .unwrap();
    let error = slow.collect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    session
        .execute("RESET statement_timeout; SET temp_file_limit = '1MB'; SET work_mem = '64kB'")
        .await
        .unwrap();
    let error = match session
        .query("SELECT i FROM generate_series(1, 3000000) i ORDER BY i DESC")
        .await
    {
        Ok(rows) => rows.collect().await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
    session.execute("RESET ALL").await.unwrap();
    session.close().await.unwrap();
}

async fn append_to(session: &PostgresSession, table: &str) -> Result<u64> {
    let rows = RecordBatch::try_from_iter([("a", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).unwrap();
    let append = Append {
        table: vec!["public".to_owned(), table.to_owned()],
        rows: BatchStream::from_batches(rows.schema(), vec![rows]),
        mode: Mode::Append,
    };
    session.append(append).await
}

/// Every question gets its own answer, on whatever connection there is now.
async fn answers(store: &PostgresStore) {
    let session = store.session().await.unwrap();
    for right in 0..5 {
        let rows = session.query(&format!("SELECT {right}::int8 AS n")).await.unwrap();
        let rows = rows.collect().await.unwrap();
        assert_eq!(rows[0].column(0).as_primitive::<Int64Type>().value(0), right);
    }
    session.close().await.unwrap();
}

/// The end of the rows comes after the server has refused them, and it answers that too.
#[tokio::test]
async fn after_a_copy_that_was_refused_at_once_answers_are_those_of_their_questions() {
    let table = fresh("refused");
    admin(&format!(
        "CREATE TABLE {table} (a int8); \
         CREATE FUNCTION {table}_no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not today''; END'; \
         CREATE TRIGGER no BEFORE INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_no()"
    ))
    .await;
    for (user, words) in [(config().user, "not today"), ("reader".to_owned(), "permission denied")] {
        let mut config = config();
        (config.user, config.min_conn, config.max_conn) = (user, 1, 1);
        let store = store(config).await;
        for _ in 0..3 {
            let session = store.session().await.unwrap();
            let error = append_to(&session, &table).await.unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            session.close().await.unwrap();
            answers(&store).await;
        }
    }
}
