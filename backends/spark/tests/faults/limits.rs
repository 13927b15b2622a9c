//! A server that has too little of something: room for results, disk, memory.

use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_core::{ErrorKind, Result};
use hybrid_store_spark::SparkSession;

use crate::common::{Server, free_port, rows, shown, through};
use crate::{LONG, problem};

async fn is_exhausted<T>(outcome: Result<T>, said: &str, help: &str) {
    let error = outcome.map(drop).unwrap_err();
    assert!(
        !error.is_retryable() && error.help().iter().any(|line| line.contains(help)),
        "{error}"
    );
    problem(Err::<(), _>(error), ErrorKind::ResourceExhausted, said).await;
}

async fn goes_on(session: &SparkSession) {
    assert_eq!(shown(&rows(session, "SELECT 1").await.unwrap())[0], "1");
}

#[tokio::test]
async fn what_is_used_up_is_told_and_the_session_goes_on() {
    let options = ["--conf", "spark.driver.maxResultSize=1m"];
    // Its files may have 3 MB: for the server as if the disk were full.
    let server = Server::start_with_files_of(3_000, free_port().await, &options).await;
    let session = through(server.port).await.session().await.unwrap();
    is_exhausted(rows(&session, LONG).await, "spark.driver.maxResultSize", "memory").await;
    goes_on(&session).await;
    let large = "CREATE TABLE large USING parquet AS SELECT UUID() AS u FROM RANGE(0, 1000000, 1, 1)";
    is_exhausted(session.execute(large).await, "File too large", "make room").await;
    goes_on(&session).await;
    let huge = "SELECT LENGTH(REPEAT('x', 2000000000)) AS n";
    is_exhausted(rows(&session, huge).await, "Java heap space", "memory").await;
    goes_on(&session).await;
    session.close().await.unwrap();
}
