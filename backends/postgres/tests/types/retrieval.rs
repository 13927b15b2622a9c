//! What a retrieval gives: of a query, by keys of a type of Postgres' own, and as the statement that others may run.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, UInt64Type};
use hybrid_conformance::partitioned::{MAY, one_row_of};
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_core::{Call, EntityRows, Explain, HistoricalRequest, OfflineStore};
use hybrid_store_postgres::{PostgresSource, PostgresStore};

use crate::common::request::{frame, history};
use crate::common::{admin, config, fresh, store};

const HOUR: i64 = 3_600_000_000;

/// The value of each entity row, by its number.
type Values = BTreeMap<u64, Option<f64>>;

fn by_row(batches: &[RecordBatch]) -> Values {
    let values = |batch: &RecordBatch| {
        let rows = cast(batch.column(0), &DataType::UInt64).unwrap();
        let rows = rows.as_primitive::<UInt64Type>().values().to_vec();
        let values: Vec<_> = batch.column(1).as_primitive::<Float64Type>().iter().collect();
        rows.into_iter().zip(values)
    };
    batches.iter().flat_map(values).collect()
}

async fn retrieved(store: &PostgresStore, request: HistoricalRequest<PostgresSource>) -> Values {
    let answer = OfflineStore::get_historical_features(store, request, &Call::default()).await;
    by_row(&answer.unwrap().rows.collect().await.unwrap())
}

/// A table of drivers 0 to 9: of one in each hour before the begin of May, with how many hours before.
async fn hourly() -> String {
    let table = fresh("hourly");
    admin(&format!(
        "CREATE TABLE {table} AS SELECT n % 10 AS id, TIMESTAMPTZ '2024-05-01Z' - n * INTERVAL '1 hour' AS ts, \
         n::float8 AS v FROM generate_series(1, 100) AS n"
    ))
    .await;
    table
}

/// Two drivers, one of them also half a day before, and one that is not known.
fn drivers() -> EntityRows {
    frame([(MAY, 7), (MAY, 3), (MAY - 12 * HOUR, 3), (MAY, 11)])
}

#[tokio::test]
async fn of_a_query_has_the_values_of_the_query() {
    let (table, store) = (hourly().await, store(config()).await);
    let mut request = history(&table, None);
    let query = format!("SELECT id, ts, v * 2 AS v FROM {table} WHERE v <> 7 -- not the last of driver 7");
    request.views[0].source.options = PostgresSource::query(query);
    request.entities = drivers();
    let right = [(0, Some(34.0)), (1, Some(6.0)), (2, Some(26.0)), (3, None)];
    assert_eq!(retrieved(&store, request).await, Values::from(right));
    admin(&format!("DROP TABLE {table}")).await;
}

#[tokio::test]
async fn as_a_statement_has_the_same_values() {
    let (table, store) = (hourly().await, store(config()).await);
    let request = || {
        let mut request = history(&table, Some(6 * HOUR));
        request.entities = drivers();
        request
    };
    let right = Values::from([(0, None), (1, Some(3.0)), (2, Some(13.0)), (3, None)]);
    assert_eq!(retrieved(&store, request()).await, right);
    let statement = OfflineStore::to_sql(&store, Explain::Historical(request())).await;
    let session = store.session().await.unwrap();
    let rows = session.query(&statement.unwrap()).await.unwrap();
    assert_eq!(by_row(&rows.collect().await.unwrap()), right);
    session.close().await.unwrap();
    admin(&format!("DROP TABLE {table}")).await;
}

#[tokio::test]
async fn by_uuids_finds_them_by_their_text() {
    let (table, store) = (fresh("uuids"), store(config()).await);
    let keys = [1, 2, 3].map(|last| format!("0190b0a0-0000-7000-8000-00000000000{last}"));
    let [one, two, _] = &keys;
    admin(&format!(
        "CREATE TABLE {table} (id uuid, ts timestamptz, v float8); \
         INSERT INTO {table} VALUES ('{one}', '2024-04-30Z', 1), ('{two}', '2024-04-30Z', 2)"
    ))
    .await;
    for (key, right) in keys.iter().zip([Some(1.0), Some(2.0), None]) {
        let mut request = history(&table, None);
        request.views[0].join_keys[0].data_type = DataType::Utf8;
        request.entities = one_row_of("driver", Arc::new(StringArray::from(vec![key.as_str()])));
        assert_eq!(retrieved(&store, request).await, Values::from([(0, right)]), "{key}");
    }
    admin(&format!("DROP TABLE {table}")).await;
}
