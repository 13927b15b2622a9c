//! What goes wrong with a real server, and what is said of it.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;
#[path = "faults/ended.rs"]
mod ended;
#[path = "faults/limits.rs"]
mod limits;
#[path = "faults/silent.rs"]
mod silent;
#[path = "faults/tls.rs"]
mod tls;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{Server, config, free_port, rows, session, shown, store, through, variable};
use futures::StreamExt;
use hybrid_conformance::killed::entity_rows;
use hybrid_conformance::until;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_core::{Call, ErrorKind, PersistRequest, Result};
use hybrid_store_spark::{SparkConfig, SparkSource, SparkStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A result that takes a while and is larger than what is under way at once.
const LONG: &str = "SELECT id, RPAD('', 100, 'x') AS t FROM RANGE(0, 2000000, 1, 40)";
/// Seconds of work without a row.
const ENDLESS: &str = "SELECT COUNT(*) FROM RANGE(2000000000000) WHERE HASH(id) = 1";

async fn problem<T>(outcome: Result<T>, kind: ErrorKind, said: &str) {
    let error = outcome.map(drop).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(said), "{error}");
    assert!(!error.to_string().contains("JVM stacktrace"), "{error}");
}

#[tokio::test]
async fn mistakes_are_told_by_their_kind() {
    let session = session().await;
    for (query, kind, said) in [
        ("SELECT * FROM no_such_table", ErrorKind::NotFound, "no_such_table"),
        ("SELECT nope FROM RANGE(1)", ErrorKind::NotFound, "nope"),
        (
            "SELECT * FROM parquet.`/no/such/path`",
            ErrorKind::NotFound,
            "/no/such/path",
        ),
        ("SELEC 1", ErrorKind::InvalidInput, "SELEC"),
        ("SELECT CAST('x' AS INT)", ErrorKind::InvalidInput, "CAST_INVALID_INPUT"),
        ("SELECT CAST(300 AS TINYINT)", ErrorKind::InvalidInput, "CAST_OVERFLOW"),
        (
            "SELECT 9223372036854775807 + id FROM RANGE(1, 2)",
            ErrorKind::InvalidInput,
            "overflow",
        ),
        ("SELECT 1 / 0 FROM RANGE(1)", ErrorKind::InvalidInput, "zero"),
    ] {
        problem(rows(&session, query).await, kind, said).await;
    }
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_failed_task_is_told_by_what_failed() {
    let session = session().await;
    let query = "SELECT CAST(IF(id = 700000, 'x', '1') AS INT) FROM RANGE(0, 1000000, 1, 4)";
    problem(rows(&session, query).await, ErrorKind::InvalidInput, "cannot be cast").await;
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_wrong_token_is_unauthenticated_and_not_shown() {
    let url = format!("sc://127.0.0.1:{}/;token=wrongsecret", variable("HYBRID_SPARK_PORT"));
    let Err(error) = store(SparkConfig::new(url)).await.session().await else {
        panic!("let in")
    };
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert!(!error.to_string().contains("wrongsecret"), "{error}");
}

#[tokio::test]
async fn no_server_is_told_soon() {
    let begun = Instant::now();
    let Err(error) = store(SparkConfig::new("sc://127.0.0.1:1")).await.session().await else {
        panic!("let in")
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(
        error.is_retryable() && error.to_string().contains("127.0.0.1:1"),
        "{error}"
    );
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_server_that_takes_connections_and_says_nothing_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("sc://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let Err(error) = store(SparkConfig::new(url)).await.session().await else {
        panic!("let in")
    };
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(
        error.is_retryable() && error.to_string().contains("127.0.0.1"),
        "{error}"
    );
}

#[tokio::test]
async fn settings_of_the_servers_start_are_refused_by_name() {
    let mut config = config();
    config.spark_conf.insert(
        "spark.sql.warehouse.dir".to_owned(),
        hybrid_store_spark::Setting::new("/x"),
    );
    let Err(error) = store(config).await.session().await else {
        panic!("let in")
    };
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(error.to_string().contains("spark.sql.warehouse.dir"), "{error}");
}

#[tokio::test]
async fn settings_of_the_session_are_those_of_the_configuration() {
    let mut config = config();
    let setting = hybrid_store_spark::Setting::new("3");
    config
        .spark_conf
        .insert("spark.sql.shuffle.partitions".to_owned(), setting);
    config.region = Some("eu-west-1".to_owned());
    let session = store(config).await.session().await.unwrap();
    for (key, value) in [
        ("spark.sql.shuffle.partitions", "3"),
        ("fs.s3a.endpoint.region", "eu-west-1"),
    ] {
        let set = rows(&session, &format!("SET {key}")).await.unwrap();
        assert_eq!(shown(&set), [format!("{key} | {value}")]);
    }
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_shuffle_is_cut_by_what_is_known_of_the_data_unless_the_configuration_says_how() {
    const PARTITIONS: &str = "spark.sql.adaptive.coalescePartitions.initialPartitionNum";
    let session = session().await;
    for (bytes, parts) in [(1 << 20, 4), (10 << 30, 160)] {
        let told = session.expect(bytes).await.unwrap();
        assert_eq!(told, Some(format!("{PARTITIONS}={parts}")));
        let set = rows(&session, &format!("SET {PARTITIONS}")).await.unwrap();
        assert_eq!(shown(&set), [format!("{PARTITIONS} | {parts}")]);
    }
    assert_eq!(session.expect(1 << 40).await.unwrap(), None, "Spark's own default");
    session.close().await.unwrap();
    for key in ["spark.sql.shuffle.partitions", PARTITIONS] {
        let mut config = config();
        let setting = hybrid_store_spark::Setting::new("3");
        config.spark_conf.insert(key.to_owned(), setting);
        let session = store(config).await.session().await.unwrap();
        assert_eq!(session.expect(1 << 20).await.unwrap(), None, "{key}");
        session.close().await.unwrap();
    }
}

#[tokio::test]
async fn ping_says_the_version() {
    assert!(store(config()).await.ping().await.unwrap().starts_with("Spark 4."));
}

#[tokio::test]
async fn ping_says_that_a_staging_location_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    for (location, said) in [(folder.path().to_str().unwrap(), false), ("s3a://bucket/stage", true)] {
        let mut config = config();
        config.staging_location = Some(location.to_owned());
        let told = store(config).await.ping().await.unwrap();
        assert_eq!(told.contains("`s3a://bucket/stage` is not used"), said, "{told}");
    }
}

/// How many plans run on the server: what a plan's session would see as busy tasks is seen as time.
async fn free_within(limit: Duration) {
    let session = session().await;
    let begun = Instant::now();
    // Both cores are needed at once: this waits for whatever still runs.
    rows(&session, "SELECT SUM(HASH(id)) FROM RANGE(0, 1000000, 1, 2)")
        .await
        .unwrap();
    assert!(
        begun.elapsed() < limit,
        "the server was still busy after {:?}",
        begun.elapsed()
    );
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_dropped_query_ends_in_the_engine() {
    let session = session().await;
    let running = tokio::time::timeout(Duration::from_secs(3), rows(&session, ENDLESS)).await;
    assert!(running.is_err(), "it was to be cancelled");
    free_within(Duration::from_secs(20)).await;
    let mut stream = session.query(LONG).await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    drop(stream);
    free_within(Duration::from_secs(20)).await;
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_closed_session_ends_its_plans_and_views() {
    let store = store(config()).await;
    let session = Arc::new(store.session().await.unwrap());
    let view = session.stage("SELECT 1 AS one").await.unwrap();
    let running = tokio::spawn({
        let session = Arc::clone(&session);
        async move { rows(&session, ENDLESS).await }
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    session.close().await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), running)
        .await
        .unwrap()
        .unwrap();
    assert!(ended.is_err());
    let gone = rows(&session, &format!("SELECT * FROM {view}")).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::Unavailable, "{gone}");
    assert!(!gone.to_string().contains("cannot be reached"), "{gone}");
    free_within(Duration::from_secs(20)).await;
}

/// Passes bytes on, and cuts every connection after so many of the server's.
async fn cutting_proxy(target: u16, after: usize, cuts: usize) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let number = count.fetch_add(1, Ordering::SeqCst);
            let limit = if number < cuts { after } else { usize::MAX };
            tokio::spawn(pass(client, target, limit));
        }
    });
    (port, made)
}

async fn pass(client: TcpStream, target: u16, mut limit: usize) {
    let server = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
        if read > limit || to_client.write_all(&buffer[..read]).await.is_err() {
            break;
        }
        limit -= read;
    }
    up.abort();
}

#[tokio::test]
async fn a_cut_connection_is_resumed() {
    let server = variable("HYBRID_SPARK_PORT").parse().unwrap();
    let (port, connections) = cutting_proxy(server, 20 << 20, 4).await;
    let session = through(port).await.session().await.unwrap();
    let mut stream = session.query(LONG).await.unwrap();
    let (mut count, mut sum) = (0, 0_i64);
    while let Some(batch) = stream.next().await {
        let batch = batch.unwrap();
        count += batch.num_rows();
        let ids = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(batch.column(0));
        sum += ids.values().iter().sum::<i64>();
    }
    assert_eq!((count, sum), (2_000_000, 1_999_999_000_000));
    assert!(connections.load(Ordering::SeqCst) > 4, "nothing was cut");
    session.close().await.unwrap();
}

/// Rows on their way into files.
fn written(store: &Arc<SparkStore>, files: &Path) -> JoinHandle<Result<u64>> {
    let store = Arc::clone(store);
    let request = PersistRequest {
        options: SparkSource::path(files.to_str().unwrap(), "parquet"),
        rows: entity_rows(300_000, false).stream().unwrap(),
        overwrite: false,
    };
    tokio::spawn(async move { hybrid_core::OfflineStore::persist(&*store, request, &Call::default()).await })
}

#[tokio::test]
async fn a_killed_server_is_unavailable_and_a_restarted_one_serves_again() {
    let port = free_port().await;
    let server = Server::start(port, &[]).await;
    let store = Arc::new(through(server.port).await);
    let session = store.session().await.unwrap();
    let view = session.stage("SELECT 1 AS one").await.unwrap();
    let mut stream = session.query(LONG).await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    // With both cores taken, a write begins and does not end.
    let busy = store.session().await.unwrap();
    let busy = tokio::spawn(async move { rows(&busy, ENDLESS).await });
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    let write = written(&store, &files);
    until("the write", async || files.join("_temporary").exists()).await;
    drop(server);
    let mut ended = Ok(());
    while let Some(batch) = stream.next().await {
        ended = ended.and(batch.map(drop));
    }
    problem(ended, ErrorKind::Unavailable, "cannot be reached").await;
    let lost = write.await.unwrap();
    assert!(lost.as_ref().is_err_and(|error| !error.is_retryable()));
    problem(lost, ErrorKind::Unavailable, "not known whether the rows were written").await;
    assert!(busy.await.unwrap().is_err());
    let server = Server::start(port, &[]).await;
    let lost = rows(&session, &format!("SELECT * FROM {view}")).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Unavailable, "{lost}");
    assert!(lost.is_retryable(), "{lost}");
    session.close().await.ok();
    let again = store.session().await.unwrap();
    assert_eq!(shown(&rows(&again, "SELECT 1").await.unwrap())[0], "1");
    again.close().await.unwrap();
    drop(server);
}
