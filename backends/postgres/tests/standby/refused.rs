use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array};
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_core::{BatchStream, Call, Error, ErrorKind, OfflineStore, PersistRequest, SelectFrame, WriteRequest};
use hybrid_store_postgres::PostgresSource;

use super::pair::Pair;
use crate::common::request::source;
use crate::common::store;

fn rows(column: &str, values: ArrayRef) -> BatchStream {
    let batch = RecordBatch::try_from_iter_with_nullable([(column, values, true)]).unwrap();
    BatchStream::from_batches(batch.schema(), vec![batch])
}

fn ints() -> BatchStream {
    rows("a", Arc::new(Int64Array::from(vec![1])))
}

fn check(error: &Error, words: &str) {
    let told = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{told}");
    assert!(!error.is_retryable(), "{told}");
    assert!(told.contains("25006") && told.contains(words), "{told}");
    assert!(!told.contains("embed_query"), "{told}");
}

#[tokio::test]
async fn what_needs_a_table_is_refused_with_the_way_out() {
    let pair = Pair::shared();
    pair.on_primary(&["CREATE TABLE t (a int8, i interval)"]).await;
    let store = store(pair.standby()).await;
    // Straight into the table, and through one for the cast.
    for rows in [ints(), rows("i", Arc::new(StringArray::from(vec!["1 day"])))] {
        let request = WriteRequest {
            source: source("t"),
            required: vec![],
            schema: rows.schema().clone(),
            rows,
        };
        let refused = OfflineStore::offline_write_batch(&store, request, &Call::default()).await;
        check(&refused.unwrap_err(), "goes to the primary");
    }
    for (table, overwrite) in [("t", true), ("new", false)] {
        let request = PersistRequest {
            options: PostgresSource::table(table),
            rows: ints(),
            overwrite,
        };
        let refused = OfflineStore::persist(&store, request, &Call::default()).await;
        check(&refused.unwrap_err(), "goes to the primary");
    }
    let select = SelectFrame {
        query: "SELECT 1 AS id, now() AS event_timestamp".to_owned(),
        time: "event_timestamp".to_owned(),
        keys: vec![],
    };
    let refused = OfflineStore::stage_select(&store, select).await.err().unwrap();
    check(&refused, "give the entity rows themselves");
}

#[tokio::test]
async fn more_rows_than_a_statement_takes_are_refused_and_the_session_goes_on() {
    let pair = Pair::shared();
    let session = store(pair.standby()).await.session().await.unwrap();
    let many: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..10_001));
    let refused = session.upload(rows("__hybrid_row", many)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ResourceExhausted);
    let told = refused.to_string();
    assert!(told.contains("10000 entity rows") && told.contains("standby"), "{told}");
    assert!(!told.contains("temp_table"), "{told}");
    let few = session.upload(ints()).await.unwrap();
    let found = session.query(&format!("SELECT * FROM {few} AS e")).await.unwrap();
    assert_eq!(found.collect().await.unwrap()[0].num_rows(), 1);
    session.close().await.unwrap();
}
