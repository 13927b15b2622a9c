//! A query that somebody else ends: with Spark's own client, in the same session, and on the server's page of jobs.

use std::sync::Arc;

use hybrid_conformance::until;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_core::{ErrorKind, Result};
use hybrid_store_spark::{SparkConfig, SparkSession};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::task::JoinHandle;

use crate::common::{Server, free_port, rows, shown, store, through, variable};
use crate::{ENDLESS, problem};

/// Interrupts whatever runs in a session, once something does.
const INTERRUPT: &str = "
import sys, time
from pyspark.sql import SparkSession
session = SparkSession.builder.remote(sys.argv[1]).getOrCreate()
while not session.interruptAll():
    time.sleep(0.1)
";

fn asked(session: &Arc<SparkSession>) -> JoinHandle<Result<()>> {
    let session = Arc::clone(session);
    tokio::spawn(async move { rows(&session, ENDLESS).await.map(drop) })
}

/// Ended by others, it is not tried again; the session goes on.
async fn was_ended(asked: JoinHandle<Result<()>>, session: &SparkSession, said: &str) {
    let outcome = asked.await.unwrap();
    assert!(outcome.as_ref().is_err_and(|error| !error.is_retryable()));
    assert!(outcome.as_ref().is_err_and(|error| error.help().len() == 1));
    problem(outcome, ErrorKind::Cancelled, said).await;
    assert_eq!(shown(&rows(session, "SELECT 1").await.unwrap())[0], "1");
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_query_that_is_interrupted_from_elsewhere_is_cancelled() {
    let server = variable("HYBRID_SPARK_REMOTE");
    let url = format!("{server};user_id=somebody;session_id={}", uuid::Uuid::new_v4());
    let session = Arc::new(store(SparkConfig::new(&url)).await.session().await.unwrap());
    let asked = asked(&session);
    let interrupted = Command::new(variable("HYBRID_SPARK_PYTHON"))
        // It sends a token without TLS to this name alone.
        .args(["-c", INTERRUPT, &url.replace("127.0.0.1", "localhost")])
        .output()
        .await
        .unwrap();
    assert!(interrupted.status.success(), "{interrupted:?}");
    was_ended(asked, &session, "OPERATION_CANCELED").await;
}

/// What the server's page answers.
async fn page(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Presses the button that kills a job, if there is one: with the token that stands beside it.
async fn kill_what_runs(port: u16) {
    let jobs = page(
        port,
        "GET /jobs/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    )
    .await;
    let Some((_, token)) = jobs.split_once("csrfToken\" value=\"") else {
        return;
    };
    let token = token.split('"').next().unwrap();
    // It is the server's first or second; others are not killed, as they do not run.
    for job in 0..2 {
        let form = format!("id={job}&csrfToken={token}");
        let head = "Host: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded";
        let post = format!(
            "POST /jobs/job/kill/ HTTP/1.1\r\n{head}\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        let answer = page(port, &post).await;
        assert!(answer.starts_with("HTTP/1.1 302"), "{answer}");
    }
}

#[tokio::test]
async fn a_query_whose_job_is_killed_on_the_servers_page_is_cancelled() {
    let (port, shown_at) = (free_port().await, free_port().await);
    let shows = format!("spark.ui.port={shown_at}");
    let server = Server::start(port, &["--conf", "spark.ui.enabled=true", "--conf", &shows]).await;
    let session = Arc::new(through(server.port).await.session().await.unwrap());
    let asked = asked(&session);
    until("the end of the job", async || {
        kill_what_runs(shown_at).await;
        asked.is_finished()
    })
    .await;
    was_ended(asked, &session, "SPARK_JOB_CANCELLED").await;
}
