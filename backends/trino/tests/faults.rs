//! What goes wrong around a running query: each a clear error of the right kind, and nothing left behind.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use common::{config, connect, count, host, kill_query, long, memory, port, router, rows, running, unique};
use futures::StreamExt;
use hybrid_conformance::until;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_core::{BatchStream, ErrorKind, Result, Source};
use hybrid_store_trino::{TrinoConfig, TrinoSource, TrinoStore};
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// A query that computes for a long time before it gives a row.
fn slow(name: &str) -> String {
    format!("SELECT max(sin(x + y * z)), '{name}' FROM ({})", long(name))
}

/// Of more workers than there are: what reads or makes a table waits for them before it is planned.
fn unfulfilled() -> BTreeMap<String, String> {
    [("required_workers_count".to_owned(), "2".to_owned())].into()
}

async fn drained(rows: Result<BatchStream>) -> Result<usize> {
    let mut rows = rows?;
    let mut count = 0;
    while let Some(batch) = rows.next().await {
        count += batch?.num_rows();
    }
    Ok(count)
}

#[tokio::test]
async fn dropping_the_stream_ends_the_query_in_the_engine() {
    let (store, name) = (memory().await, unique("dropped"));
    let session = store.session().await.unwrap();
    let mut rows = session.query(&long(&name)).await.unwrap();
    assert!(rows.next().await.unwrap().unwrap().num_rows() > 0);
    assert_eq!(running(&store, &name).await, 1);
    drop(rows);
    until("the end of the query", async || running(&store, &name).await == 0).await;
    session.close().await.unwrap();
}

/// Gives a call up once its statement is in the engine, which then ends it.
async fn given_up<T>(store: &TrinoStore, name: &str, call: impl Future<Output = T>) {
    tokio::select! {
        _ = call => panic!("the call is done"),
        () = until("the statement", async || running(store, name).await == 1) => {}
    }
    until("the end of the statement", async || running(store, name).await == 0).await;
}

#[tokio::test]
async fn dropping_the_future_ends_the_query_in_the_engine() {
    let (store, name) = (memory().await, unique("future"));
    let session = store.session().await.unwrap();
    let query = slow(&name);
    given_up(&store, &name, async { drained(session.query(&query).await).await }).await;
    session.close().await.unwrap();
}

#[tokio::test]
async fn dropping_the_future_ends_a_query_that_has_no_columns_yet() {
    let (store, name) = (memory().await, unique("waiting"));
    let session = store.session().await.unwrap();
    let table = session.stage("SELECT 1 AS x").await.unwrap();
    let mut config = config("memory");
    config.session_properties = unfulfilled();
    let waiting = connect(config).await.session().await.unwrap();
    let query = format!("SELECT x, '{name}' AS name FROM {table}");
    given_up(&store, &name, waiting.query(&query)).await;
    waiting.close().await.unwrap();
    session.close().await.unwrap();
}

#[tokio::test]
async fn dropping_the_future_ends_a_statement_that_gives_no_rows() {
    let (store, name) = (memory().await, unique("made"));
    let session = store.session().await.unwrap();
    let table = format!("memory.default.{name}");
    let create = format!("CREATE TABLE {table} (x, name) AS {}", slow(&name));
    given_up(&store, &name, session.execute(&create)).await;
    // This connector has a table from when its making begins.
    session.execute(&format!("DROP TABLE IF EXISTS {table}")).await.unwrap();
    session.close().await.unwrap();
}

#[tokio::test]
async fn closing_the_session_ends_what_runs_and_drops_what_was_made() {
    let (store, name) = (memory().await, unique("closed"));
    let session = store.session().await.unwrap();
    let table = session.stage("SELECT 1 AS x").await.unwrap();
    let rows = session.query(&long(&name)).await.unwrap();
    session.close().await.unwrap();
    assert_eq!(running(&store, &name).await, 0);
    let error = drained(Ok(rows)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let error = common::rows(&store, &format!("SELECT * FROM {table}"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_query_killed_by_an_administrator_says_so() {
    let (store, name) = (memory().await, unique("killed"));
    let session = store.session().await.unwrap();
    let query = slow(&name);
    let kill = async {
        until("the query", async || running(&store, &name).await == 1).await;
        kill_query(&store, &name).await;
    };
    let (outcome, ()) = tokio::join!(async { drained(session.query(&query).await).await }, kill);
    let error = outcome.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Cancelled, false),
        "{error}"
    );
    assert!(
        error.to_string().contains("enough") && error.to_string().contains("administrator"),
        "{error}"
    );
    session.close().await.unwrap();
}

async fn fails_with(properties: &[(&str, &str)], query: &str) -> hybrid_core::Error {
    let mut config = config("memory");
    config.session_properties = properties
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    rows(&connect(config).await, query).await.unwrap_err()
}

#[tokio::test]
async fn what_the_engine_says_becomes_a_kind() {
    let many = "SELECT count(DISTINCT x * 10000 + y) FROM UNNEST(sequence(1, 10000)) AS a(x), UNNEST(sequence(1, 1000)) AS b(y)";
    let memory = fails_with(&[("query_max_memory", "10MB")], many).await;
    assert_eq!(memory.kind(), ErrorKind::ResourceExhausted, "{memory}");
    assert!(memory.to_string().contains("query_max_memory"), "{memory}");
    let time = fails_with(&[("query_max_run_time", "1s")], &slow("time")).await;
    assert_eq!(time.kind(), ErrorKind::Timeout, "{time}");
    for (query, kind, says) in [
        ("SELECT * FROM memory.feast_none.t", ErrorKind::NotFound, "feast_none"),
        ("SELECT * FROM nowhere.feast.t", ErrorKind::NotFound, "nowhere"),
        ("SELECT no_such FROM (SELECT 1 AS x)", ErrorKind::NotFound, "no_such"),
        ("SELEC 1", ErrorKind::InvalidInput, "SELEC"),
        ("SELECT 1 / 0", ErrorKind::InvalidInput, "zero"),
        ("SELECT CAST('x' AS bigint)", ErrorKind::InvalidInput, "x"),
    ] {
        let error = fails_with(&[], query).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    let unknown = fails_with(&[("no_such_property", "1")], "SELECT 1").await;
    assert_eq!(unknown.kind(), ErrorKind::InvalidInput, "{unknown}");
}

/// A proxy before the server that can be cut, made slow, and answers some requests itself.
struct Proxy {
    port: u16,
    cut: Arc<AtomicBool>,
    refusals: Arc<AtomicUsize>,
    /// The status of a refusal.
    status: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            cut: Arc::default(),
            refusals: Arc::default(),
            status: Arc::new(AtomicUsize::new(503)),
            connections: Arc::default(),
        };
        let (cut, refusals, connections) = (proxy.cut.clone(), proxy.refusals.clone(), proxy.connections.clone());
        let status = proxy.status.clone();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let refuse = refusals
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
                    .is_ok();
                let (cut, status) = (cut.clone(), status.load(Ordering::SeqCst));
                tokio::spawn(async move {
                    if refuse {
                        let answer = format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                        let _ = client.readable().await;
                        let _ = client.write_all(answer.as_bytes()).await;
                        return;
                    }
                    let mut server = TcpStream::connect((host(), port())).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        () = async { while !cut.load(Ordering::SeqCst) { tokio::time::sleep(Duration::from_millis(10)).await } } => {}
                    }
                });
            }
        });
        proxy
    }

    fn config(&self) -> TrinoConfig {
        // The server names itself by the address that it was asked at, so that pages pass here too.
        let mut config = TrinoConfig::new("127.0.0.1", self.port, "memory", "memory").with_user("tester");
        config.retry_timeout = 3;
        config
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_is_made_again() {
    let proxy = Proxy::start().await;
    let store = connect(proxy.config()).await;
    let session = store.session().await.unwrap();
    let query = "SELECT a.x, b.y FROM UNNEST(sequence(1, 2000)) AS a(x), UNNEST(sequence(1, 1000)) AS b(y)";
    let mut rows = session.query(query).await.unwrap();
    let mut total = rows.next().await.unwrap().unwrap().num_rows();
    proxy.cut.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(50)).await;
    proxy.cut.store(false, Ordering::SeqCst);
    total += drained(Ok(rows)).await.unwrap();
    assert_eq!(total, 2_000_000);
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_server_that_goes_away_is_an_error_in_time() {
    let proxy = Proxy::start().await;
    let store = connect(proxy.config()).await;
    let session = store.session().await.unwrap();
    let mut rows = session.query(&long("away")).await.unwrap();
    rows.next().await.unwrap().unwrap();
    proxy.cut.store(true, Ordering::SeqCst);
    let start = Instant::now();
    let error = drained(Ok(rows)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, true),
        "{error}"
    );
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    proxy.cut.store(false, Ordering::SeqCst);
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_write_that_is_lost_sight_of_is_not_to_be_tried_again() {
    let (proxy, direct, name) = (Proxy::start().await, memory().await, unique("unseen"));
    let mut config = proxy.config();
    // The statement does not end before the connection does.
    config.session_properties = unfulfilled();
    let router = router(Arc::new(connect(config).await));
    let destination: Source = TrinoSource::new(format!("memory.default.{name}")).into();
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
    let rows = BatchStream::from_batches(batch.schema(), vec![batch]);
    let cut = async {
        until("the statement", async || running(&direct, &name).await == 1).await;
        proxy.cut.store(true, Ordering::SeqCst);
    };
    let (outcome, ()) = tokio::join!(router.persist(&destination, rows, false), cut);
    let error = outcome.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, false),
        "{error}"
    );
    assert!(error.to_string().contains("not known whether"), "{error}");
    // It may go on without anybody who asks for its end.
    kill_query(&direct, &name).await;
}

/// A server that is started again does not know what it was asked before, and says so by 404, as Trino 476 does.
#[tokio::test]
async fn a_server_that_was_restarted_has_forgotten_the_query() {
    let (proxy, name) = (Proxy::start().await, unique("restarted"));
    let store = connect(proxy.config()).await;
    let session = store.session().await.unwrap();
    let mut rows = session.query(&long(&name)).await.unwrap();
    rows.next().await.unwrap().unwrap();
    proxy.status.store(404, Ordering::SeqCst);
    proxy.refusals.store(usize::MAX, Ordering::SeqCst);
    proxy.cut.store(true, Ordering::SeqCst);
    let start = Instant::now();
    let error = drained(Ok(rows)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, true),
        "{error}"
    );
    assert!(error.to_string().contains("restarted"), "{error}");
    // Asking again would not help.
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    session.close().await.unwrap();
    kill_query(&memory().await, &name).await;
}

#[tokio::test]
async fn a_server_that_is_not_ready_is_asked_again_and_nothing_runs_twice() {
    let proxy = Proxy::start().await;
    let store = connect(proxy.config()).await;
    proxy.refusals.store(3, Ordering::SeqCst);
    let name = unique("ready");
    assert_eq!(count(&store, &format!("SELECT '{name}'")).await, 1);
    assert!(proxy.connections.load(Ordering::SeqCst) >= 4);
    let direct = memory().await;
    let asked = format!("SELECT 1 FROM system.runtime.queries WHERE query = 'SELECT ''{name}'''");
    assert_eq!(count(&direct, &asked).await, 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_by_its_address() {
    let mut config = TrinoConfig::new("127.0.0.1", 1, "memory", "memory");
    config.retry_timeout = 1;
    let error = rows(&connect(config).await, "SELECT 1").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, true),
        "{error}"
    );
    assert!(error.message().contains("127.0.0.1:1"), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = TrinoConfig::new("127.0.0.1", listener.local_addr().unwrap().port(), "memory", "memory");
    (config.request_timeout, config.retry_timeout) = (1, 1);
    let error = rows(&connect(config).await, "SELECT 1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}
