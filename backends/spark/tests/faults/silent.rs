//! A server whose process is stopped: the system goes on to take what is sent to it, and nothing answers.

use std::time::{Duration, Instant};

use futures::StreamExt;
use hybrid_core::ErrorKind;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_store_spark::SparkConfig;

use crate::common::{Server, free_port, remote, rows, store};
use crate::{LONG, problem};

#[tokio::test]
async fn a_server_that_pauses_is_waited_for_and_one_that_stays_silent_is_told() {
    let server = Server::start(free_port().await, &[]).await;
    let asks = "grpc_keepalive_time_ms=1500;grpc_keepalive_timeout_ms=1500";
    let config = SparkConfig::new(format!("{};{asks}", remote(server.port)));
    let session = store(config).await.session().await.unwrap();
    let mut stream = session.query(LONG).await.unwrap();
    let mut count = stream.next().await.unwrap().unwrap().num_rows();
    server.signal("-STOP");
    let goes_on = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        server.signal("-CONT");
    };
    let rest = async {
        while let Some(batch) = stream.next().await {
            count += batch.unwrap().num_rows();
        }
    };
    tokio::join!(goes_on, rest);
    assert_eq!(count, 2_000_000);
    server.signal("-STOP");
    let asked = Instant::now();
    let outcome = rows(&session, "SELECT 1").await;
    assert!(outcome.as_ref().is_err_and(hybrid_core::Error::is_retryable));
    problem(outcome, ErrorKind::Unavailable, "cannot be reached").await;
    session.close().await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(40), "{:?}", asked.elapsed());
}
