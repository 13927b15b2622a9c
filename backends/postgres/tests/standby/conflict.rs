use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use hybrid_conformance::until;
use hybrid_core::ErrorKind;
use hybrid_core::sql::SqlSession;
use hybrid_store_postgres::PostgresSession;

use super::pair::Pair;
use crate::common::session;

const CREATE: &str = "CREATE TABLE t AS SELECT id FROM generate_series(1, 1000) AS id";
/// From its first pages, so that VACUUM does not take the table for itself.
const DELETE: &str = "DELETE FROM t WHERE id <= 400";

async fn number(session: &PostgresSession, query: &str) -> i64 {
    let found = session.query(query).await.unwrap().collect().await.unwrap();
    found[0].column(0).as_primitive::<Int64Type>().value(0)
}

/// Waits until a query sleeps, which has seen the table by then.
async fn until_one_sleeps(pair: &Pair) {
    let session = session(pair.standby()).await;
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    until("a query's sleep", async || number(&session, sleeping).await > 0).await;
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_query_that_has_given_nothing_is_run_again() {
    let pair = Pair::start("0");
    pair.on_primary(&[CREATE]).await;
    let session = session(pair.standby()).await;
    let replayed = async {
        until_one_sleeps(&pair).await;
        pair.on_primary(&[DELETE, "VACUUM t"]).await;
    };
    // Only the first run sees them all, and sleeps.
    let query = "SELECT count(*) FROM t, pg_sleep(CASE WHEN (SELECT count(*) FROM t) = 1000 THEN 600 ELSE 0 END)";
    let (count, ()) = tokio::join!(number(&session, query), replayed);
    assert_eq!(count, 600);
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_query_that_has_given_rows_is_an_error_with_the_cause() {
    let pair = Pair::start("0");
    pair.on_primary(&[CREATE]).await;
    let session = session(pair.standby()).await;
    let mut stream = session
        .query("SELECT id, generate_series(1, 2000000000) FROM t")
        .await
        .unwrap();
    stream.try_next().await.unwrap().unwrap();
    // The standby cannot replay while the query's rows are not taken: nothing must wait for it here.
    pair.on_primary(&["SET synchronous_commit = local", DELETE, "VACUUM t"])
        .await;
    let error = loop {
        match stream.try_next().await {
            Ok(batch) => assert!(batch.is_some(), "a cut stream looks like a whole one"),
            Err(error) => break error,
        }
    };
    let told = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{told}");
    assert!(error.is_retryable(), "{told}");
    assert!(
        told.contains("conflict with recovery") && told.contains("hot_standby_feedback"),
        "{told}"
    );
    drop(stream);
    assert_eq!(number(&session, "SELECT 1::int8").await, 1);
    session.close().await.unwrap();
}
