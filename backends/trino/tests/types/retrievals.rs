//! How Trino joins, and what it reads for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;
use hybrid_conformance::partitioned;
use hybrid_core::sql::Formulation;
use hybrid_core::store::ROW_NUMBER;
use hybrid_core::{Explain, HistoricalRequest, OfflineStore};
use hybrid_store_trino::TrinoSource;

use crate::common::{config, connect, rows, shown, unique};
use crate::sources::{answer, make_days, value_of};

fn retrieval() -> HistoricalRequest<TrinoSource> {
    partitioned::retrieval(TrinoSource::new("days"), None, None)
}

/// The same for many keys.
fn retrieval_of(keys: impl IntoIterator<Item = Option<i64>>) -> HistoricalRequest<TrinoSource> {
    let keys: ArrayRef = Arc::new(keys.into_iter().collect::<Int64Array>());
    HistoricalRequest {
        entities: partitioned::rows_of("id", keys),
        ..retrieval()
    }
}

/// A thousand rows, one for each minute, of so many keys.
fn minutes(keys: i64) -> String {
    format!(
        "AS SELECT x % {keys} AS id, CAST(TIMESTAMP '2024-04-30 00:00:00 UTC' + x * INTERVAL '1' MINUTE AS \
         timestamp(6) with time zone) AS ts, x AS v FROM UNNEST(sequence(0, 999)) AS t(x)"
    )
}

#[tokio::test]
async fn a_view_is_joined_by_how_many_rows_share_a_key() {
    let config = config("iceberg");
    let schema = config.dataset.clone();
    let store = connect(config).await;
    for (keys, chosen) in [
        (1, "view days: RunningTime, about 1000000 pairs, 1000 feature rows\n"),
        (1000, "view days: Ranked, about 1000 pairs, 1000 feature rows\n"),
    ] {
        make_days(&store, &schema, &minutes(keys)).await;
        let asked = retrieval_of((0..1000).map(|row| Some(row % keys)));
        let told = OfflineStore::explain(&store, Explain::Historical(asked)).await.unwrap();
        assert!(told.contains(chosen), "{told}");
    }
}

/// The value of each row.
fn values(batches: &[RecordBatch]) -> BTreeMap<String, String> {
    let text = |column: &ArrayRef, row: usize| array_value_to_string(column, row).unwrap();
    let of_batch = |batch: &RecordBatch| {
        let (numbers, values) = (batch.column_by_name(ROW_NUMBER).unwrap(), batch.column(1));
        (0..batch.num_rows())
            .map(|row| (text(numbers, row), text(values, row)))
            .collect::<Vec<_>>()
    };
    batches.iter().flat_map(of_batch).collect()
}

#[tokio::test]
async fn the_sql_of_a_retrieval_gives_what_the_retrieval_gives() {
    let config = config("iceberg");
    let schema = config.dataset.clone();
    let store = connect(config).await;
    make_days(&store, &schema, &minutes(10)).await;
    let asked = || retrieval_of([Some(3), Some(7), None, Some(99), Some(3)]);
    let sql = OfflineStore::to_sql(&store, Explain::Historical(asked()))
        .await
        .unwrap();
    let found = values(&rows(&store, &sql).await.unwrap());
    let right = [("0", "993"), ("1", "997"), ("2", ""), ("3", ""), ("4", "993")];
    let right = right.map(|(row, value)| (row.to_owned(), value.to_owned()));
    assert_eq!(found, BTreeMap::from(right));
    assert_eq!(values(&answer(&store, asked()).await), found);
}

#[tokio::test]
async fn a_retrieval_reads_the_days_that_matter() {
    let mut config = config("iceberg");
    // This formulation reads the table once.
    config.formulation = Some(Formulation::Ranked);
    let schema = config.dataset.clone();
    let store = connect(config).await;
    // A hundred rows of each of ten days, seven of them until May.
    let definition = "WITH (partitioning = ARRAY['day(ts)']) AS SELECT BIGINT '7' AS id, \
        CAST(TIMESTAMP '2024-04-25 00:00:00 UTC' + (x / 100) * INTERVAL '1' DAY AS timestamp(6) with time zone) AS ts, \
        x AS v FROM UNNEST(sequence(0, 999)) AS t(x)";
    make_days(&store, &schema, definition).await;
    for (ttl, read) in [(Some(86_400_000_000), 200), (None, 700)] {
        let asked = || {
            let mut asked = retrieval();
            asked.views[0].ttl = ttl;
            asked
        };
        let sql = OfflineStore::to_sql(&store, Explain::Historical(asked()))
            .await
            .unwrap();
        let ran = shown(&store, &format!("EXPLAIN ANALYZE {sql}")).await;
        assert!(ran.contains(&format!("Input: {read} rows")), "{ran}");
        assert!(!ran.contains("Input: 1000 rows"), "{ran}");
        assert_eq!(value_of(&store, asked()).await, 699);
    }
}

#[tokio::test]
async fn a_table_of_another_schema_is_named_by_two_parts() {
    let (store, schema) = (connect(config("iceberg")).await, unique("beside"));
    make_days(&store, &schema, &minutes(10)).await;
    let asked = partitioned::retrieval(TrinoSource::new(format!("{schema}.days")), None, None);
    assert_eq!(value_of(&store, asked).await, 997);
}

#[tokio::test]
async fn a_key_of_uuid_finds_its_rows() {
    let config = config("iceberg");
    let schema = config.dataset.clone();
    let store = connect(config).await;
    let id = "12151fd2-7586-11e9-8f9e-2a86e4085a59";
    let definition =
        format!("AS SELECT UUID '{id}' AS id, TIMESTAMP '2024-04-30 12:00:00.000000' AS ts, BIGINT '3' AS v");
    make_days(&store, &schema, &definition).await;
    let mut asked = retrieval();
    asked.views[0].join_keys[0].data_type = DataType::Utf8;
    asked.entities = partitioned::one_row_of("id", Arc::new(StringArray::from(vec![id])));
    assert_eq!(value_of(&store, asked).await, 3);
}
