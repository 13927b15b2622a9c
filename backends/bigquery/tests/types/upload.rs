use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{Float64Type, Int64Type};
use hybrid_core::BatchStream;
use hybrid_core::sql::{SqlSession, SqlStore};

use crate::common::{config, connect, tables};

fn entity_rows(from: usize, to: usize) -> RecordBatch {
    let numbers: Vec<u64> = (from as u64..to as u64).collect();
    let times: Vec<i64> = numbers.iter().map(|n| *n as i64 * 1_000_003 - 7).collect();
    let texts: Vec<Option<String>> = numbers
        .iter()
        .map(|n| (n % 7 > 0).then(|| format!("it's \"{n}\" \\ é\n")))
        .collect();
    RecordBatch::try_from_iter_with_nullable([
        ("__hybrid_row", Arc::new(UInt64Array::from(numbers)) as ArrayRef, false),
        (
            "__hybrid_time",
            Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")),
            false,
        ),
        ("key", Arc::new(StringArray::from(texts)), true),
    ])
    .unwrap()
}

#[tokio::test]
async fn rows_arrive_whole_and_are_gone_afterwards() {
    let config = config();
    let store = connect(config.clone()).await;
    for total in [0, 3_000, 400_000] {
        let session = store.session().await.unwrap();
        let batches: Vec<_> = (0..total)
            .step_by(50_000)
            .map(|from| entity_rows(from, (from + 50_000).min(total)))
            .collect();
        let rows = BatchStream::from_batches(entity_rows(0, 0).schema(), batches);
        let relation = session.upload(rows).await.unwrap();
        let query = format!(
            "SELECT COUNT(*), COUNT(DISTINCT __hybrid_row), COUNTIF(UNIX_MICROS(__hybrid_time) = __hybrid_row * 1000003 - 7), \
             COUNT(key) FROM {relation}"
        );
        let batches = session.query(&query).await.unwrap().collect().await.unwrap();
        let numbers: Vec<i64> = batches[0]
            .columns()
            .iter()
            .map(|c| c.as_primitive::<Int64Type>().value(0))
            .collect();
        let total = total as i64;
        assert_eq!(
            numbers,
            [total, total, total, (0..total).filter(|n| n % 7 > 0).count() as i64]
        );
        if total > 0 {
            let query = format!("SELECT key FROM {relation} WHERE __hybrid_row = 1");
            let batch = &session.query(&query).await.unwrap().collect().await.unwrap()[0];
            assert_eq!(batch.column(0).as_string::<i32>().value(0), "it's \"1\" \\ é\n");
        }
        assert_eq!(tables(&config).await.len(), 1);
        session.close().await.unwrap();
        assert_eq!(tables(&config).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn columns_keep_names_that_no_table_may_have() {
    let store = connect(config()).await;
    let session = store.session().await.unwrap();
    let values = || Arc::new(Int64Array::from(vec![7])) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("a b`c", values()), ("größe in \"m\"", values())]).unwrap();
    let relation = session
        .upload(BatchStream::from_batches(batch.schema(), vec![batch]))
        .await
        .unwrap();
    let quote = |name: &str| store.dialect().quote(name);
    let query = format!(
        "SELECT e.{} + e.{} AS n FROM {relation} AS e",
        quote("a b`c"),
        quote("größe in \"m\"")
    );
    let batches = session.query(&query).await.unwrap().collect().await.unwrap();
    session.close().await.unwrap();
    assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0), 14);
}

#[tokio::test]
async fn doubles_keep_every_bit() {
    let store = connect(config()).await;
    let values = vec![
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        0.1,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
    ];
    let batch = RecordBatch::try_from_iter([("d", Arc::new(Float64Array::from(values.clone())) as ArrayRef)]).unwrap();
    let session = store.session().await.unwrap();
    let relation = session
        .upload(BatchStream::from_batches(batch.schema(), vec![batch]))
        .await
        .unwrap();
    let back = session
        .query(&format!("SELECT d FROM {relation}"))
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    session.close().await.unwrap();
    let back: Vec<u64> = back
        .iter()
        .flat_map(|b| b.column(0).as_primitive::<Float64Type>().values().to_vec())
        .map(f64::to_bits)
        .collect();
    assert_eq!(back, values.iter().map(|d| d.to_bits()).collect::<Vec<_>>());
}
