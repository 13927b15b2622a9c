//! A retrieval that fails, or that nobody waits for any more, leaves no temporary table.

use hybrid_core::{Call, ErrorKind, OfflineStore};
use hybrid_store_postgres::PostgresSource;

use super::cancel::{becomes, number};
use super::killed::{ANYTHING, Role, STATEMENT};
use crate::common::request::history;

/// Divides by zero where the session has one temporary table: that of the entity rows.
const FAILS: &str = "SELECT 7 AS id, TIMESTAMPTZ 'epoch' AS ts, (1 / (t.n - 1))::float8 AS v \
                     FROM (SELECT count(*) AS n FROM pg_class WHERE relnamespace = pg_my_temp_schema()) AS t";

#[tokio::test]
async fn a_statement_that_fails_leaves_no_table_and_its_connection_stays() {
    let role = Role::new().await;
    let store = role.store().await;
    let mut request = history("fails", None);
    request.views[0].source.options = PostgresSource::query(FAILS);
    let error = match OfflineStore::get_historical_features(&store, request, &Call::default()).await {
        Ok(answer) => answer.rows.collect().await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.to_string().contains("22012"), "{error}");
    becomes(&role.tables(), 0).await;
    assert_eq!(number(&role.connections(ANYTHING)).await, 1);
    OfflineStore::shutdown(&store).await.unwrap();
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_nothing() {
    let role = Role::new().await;
    let (store, retrieval) = (role.store().await, role.retrieval(false));
    tokio::select! {
        () = retrieval.run(&store, PostgresSource::query(&retrieval.query)) => panic!("it has not waited"),
        () = role.is_at(STATEMENT) => {}
    }
    role.is_gone().await;
}
