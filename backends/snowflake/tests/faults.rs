//! What goes wrong on the way to the emulator: each a clear error of the right kind or an answer all the same, and
//! nothing left behind.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use common::proxy::{Fault, Proxy};
use common::{config, config_at, connect, execute, port, rows, shown, staged, unique, write};
use hybrid_conformance::until;
use hybrid_core::sql::{Mode, SqlSession, SqlStore};
use hybrid_core::{BatchStream, ErrorKind};
use hybrid_store_snowflake::{EntitySelect, SnowflakeConfig};

fn numbers(count: i64) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
    RecordBatch::try_from_iter([("n", column)]).unwrap()
}

fn patient(proxy: &Proxy) -> SnowflakeConfig {
    let mut config = config_at(proxy.port);
    config.retry_timeout = Some(5);
    config
}

#[tokio::test]
async fn throttling_errors_and_cuts_on_the_way_are_no_errors() {
    let proxy = Proxy::start(port()).await;
    let store = connect(patient(&proxy)).await;
    let table = unique("T");
    proxy.fault("login-request", Fault::Status(503, ""));
    proxy.fault("CREATE TEMPORARY TABLE", Fault::Status(429, "retry-after: 1\r\n"));
    proxy.fault("CREATE TEMPORARY STAGE", Fault::Cut);
    proxy.fault("PUT 'file", Fault::Status(500, ""));
    proxy.fault("PUT /fs_bucket", Fault::Cut);
    proxy.fault("PUT /fs_bucket", Fault::Status(503, ""));
    proxy.fault("COPY INTO", Fault::Status(502, ""));
    proxy.fault("CREATE TABLE", Fault::Cut);
    let parts = ["TEST", "PUBLIC", table.as_str()];
    let start = Instant::now();
    assert_eq!(
        write(&store, &parts, vec![numbers(1_000)], Mode::Create).await.unwrap(),
        1_000
    );
    assert!(
        proxy.is_done() && start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
    let count = shown(
        &store,
        &format!("SELECT COUNT(*), SUM(\"n\") FROM \"TEST\".\"PUBLIC\".\"{table}\""),
    )
    .await;
    assert!(count.contains("1000") && count.contains("499500"), "{count}");
    // Each ran once.
    for what in ["CREATE TEMPORARY TABLE", "COPY INTO", "CREATE TABLE"] {
        assert_eq!(proxy.count(what), 1, "{what}");
    }
}

#[tokio::test]
async fn a_stage_that_refuses_a_file_is_asked_for_anew() {
    let proxy = Proxy::start(port()).await;
    let store = connect(patient(&proxy)).await;
    proxy.fault("PUT /fs_bucket", Fault::Status(403, ""));
    let table = unique("T");
    let parts = ["TEST", "PUBLIC", table.as_str()];
    assert_eq!(
        write(&store, &parts, vec![numbers(10)], Mode::Create).await.unwrap(),
        10
    );
    assert!(proxy.is_done());
    assert_eq!(proxy.count("PUT 'file"), 2);
}

#[tokio::test]
async fn an_append_that_was_not_sent_for_sure_is_sent_once() {
    let proxy = Proxy::start(port()).await;
    let store = connect(patient(&proxy)).await;
    let table = unique("T");
    let parts = ["TEST", "PUBLIC", table.as_str()];
    write(&store, &parts, vec![numbers(10)], Mode::Create).await.unwrap();
    proxy.fault("INSERT INTO", Fault::Cut);
    assert_eq!(write(&store, &parts, vec![numbers(5)], Mode::Append).await.unwrap(), 5);
    assert_eq!(proxy.count("INSERT INTO"), 1);
    let count = shown(&store, &format!("SELECT COUNT(*) FROM \"TEST\".\"PUBLIC\".\"{table}\"")).await;
    assert!(count.contains("15"), "{count}");
}

#[tokio::test]
async fn an_answer_that_comes_half_is_asked_for_again() {
    let proxy = Proxy::start(port()).await;
    let store = connect(patient(&proxy)).await;
    proxy.fault("SELECT 7 AS x", Fault::Half(200));
    let batches = rows(&store, "SELECT 7 AS x").await.unwrap();
    assert_eq!(batches[0].num_rows(), 1);
    assert_eq!(proxy.count("SELECT 7 AS x"), 2);
}

#[tokio::test]
async fn a_server_that_goes_away_is_an_error_in_time() {
    let proxy = Proxy::start(port()).await;
    let mut config = patient(&proxy);
    config.retry_timeout = Some(1);
    let store = connect(config).await;
    let session = store.session().await.unwrap();
    proxy.set_down(true);
    let start = Instant::now();
    let error = session.execute("SELECT 1").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, true),
        "{error}"
    );
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    session.close().await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_session_that_the_server_has_lost_is_an_error_and_the_next_is_new() {
    let proxy = Proxy::start(port()).await;
    let store = connect(patient(&proxy)).await;
    let session = store.session().await.unwrap();
    proxy.fault(
        "SELECT 1",
        Fault::Answer(r#"{"data":null,"code":"390111","message":"Session no longer exists.","success":false}"#),
    );
    let error = session.execute("SELECT 1").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, true),
        "{error}"
    );
    session.close().await.unwrap();
    execute(&store, "SELECT 2").await;
    assert_eq!(proxy.count("login-request"), 2);
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let proxy = Proxy::start(port()).await;
    let mut config = patient(&proxy);
    config.entity_select_mode = EntitySelect::TempTable;
    let store = connect(config).await;
    for ending in ["success", "error", "dropped"] {
        let session = store.session().await.unwrap();
        let rows = BatchStream::from_batches(numbers(10).schema(), vec![numbers(10)]);
        let table = session.upload(rows).await.unwrap();
        match ending {
            "success" => session.execute(&format!("SELECT * FROM {table}")).await.unwrap(),
            "error" => session
                .execute(&format!("SELECT \"no\" FROM {table}"))
                .await
                .map_or((), |()| ()),
            _ => {
                let query = format!("SELECT COUNT(*) FROM {table} AS a, {table} AS b");
                let asked = session.query(&query);
                let _ = tokio::time::timeout(Duration::from_millis(1), asked).await;
            }
        }
        session.close().await.unwrap();
    }
    SqlStore::shutdown(&store).await.unwrap();
    // Tests beside this one stage files, too, for a moment.
    until("the end of staged files", async || staged() == 0).await;
    let ended = proxy.count("POST /session?delete=true");
    assert_eq!(proxy.count("login-request"), ended, "every session ends");
    assert!(proxy.count("DROP TABLE IF EXISTS") >= 2);
}

#[tokio::test]
async fn what_the_engine_says_becomes_a_kind() {
    let store = connect(config()).await;
    for (query, kind, says) in [
        (
            "SELECT * FROM \"TEST\".\"PUBLIC\".\"nope\"",
            ErrorKind::NotFound,
            "nope",
        ),
        (
            "SELECT \"no_such\" FROM (SELECT 1 AS x)",
            ErrorKind::NotFound,
            "no_such",
        ),
        ("SELEC 1", ErrorKind::InvalidInput, "SELEC"),
        ("SELECT 'x'::NUMBER", ErrorKind::InvalidInput, "x"),
    ] {
        let error = rows(&store, query).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}
