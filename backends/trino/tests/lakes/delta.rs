//! Tables of Delta.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, RecordBatch, StructArray, Time64MicrosecondArray, TimestampMicrosecondArray,
    TimestampNanosecondArray, TimestampSecondArray,
};
use arrow::datatypes::Field;
use hybrid_core::sql::{Mode, SqlSession, SqlStore};
use hybrid_core::{BatchStream, Call, ErrorKind, Source};
use hybrid_store_trino::TrinoSource;

use crate::common::{TrinoFixture, config, connect, count, create, router, shown, unique};

mod conforms {
    use super::*;
    hybrid_conformance::suite!(TrinoFixture::of("delta_lake").await; rows, pull_all, write, persist);
}

/// A point in time of so many microseconds, in UTC.
fn instants(micros: i64) -> RecordBatch {
    let column: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC"));
    RecordBatch::try_from_iter([("t", column)]).unwrap()
}

/// Of instants in any unit, as the frames of others have them.
#[tokio::test]
async fn a_table_that_is_made_keeps_microseconds() {
    let nanos: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![-1]));
    let seconds: ArrayRef = Arc::new(TimestampSecondArray::from(vec![7]));
    let columns = [("t", instants(1).column(0).clone()), ("n", nanos), ("s", seconds)];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    for connector in ["delta_lake", "hive"] {
        let store = connect(config(connector)).await;
        let schema = unique("micros");
        create(&store, &[connector, &schema, "t"], vec![batch.clone()], Mode::Create)
            .await
            .unwrap();
        let found = shown(&store, &format!("SELECT * FROM {connector}.{schema}.t")).await;
        for instant in [
            "1970-01-01T00:00:00.000001",
            "1969-12-31T23:59:59.999999",
            "1970-01-01T00:00:07",
        ] {
            assert!(found.contains(instant), "{connector}: {found}");
        }
    }
}

/// Trino reads and writes Delta's own TIMESTAMP to the millisecond.
#[tokio::test]
async fn what_a_timestamp_of_deltas_would_round_is_refused() {
    let store = Arc::new(connect(config("delta_lake")).await);
    let schema = unique("millis");
    let session = store.session().await.unwrap();
    for statement in [
        format!("CREATE SCHEMA delta_lake.{schema}"),
        format!("CREATE TABLE delta_lake.{schema}.t (t timestamp(3) with time zone)"),
    ] {
        session.execute(&statement).await.unwrap();
    }
    session.close().await.unwrap();
    let router = router(store.clone());
    let source: Source = TrinoSource::new(format!("delta_lake.{schema}.t")).into();
    let rows = |micros| BatchStream::from_batches(instants(micros).schema(), vec![instants(micros)]);
    let error = router.append(&source, rows(1_001), &Call::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.to_string().contains("finer than the 3 digits"), "{error}");
    assert_eq!(router.append(&source, rows(2_000), &Call::default()).await.unwrap(), 1);
    let found = shown(&store, &format!("SELECT * FROM delta_lake.{schema}.t")).await;
    assert!(found.contains("1970-01-01T00:00:00.002Z"), "{found}");
    assert_eq!(count(&store, &format!("SELECT t FROM delta_lake.{schema}.t")).await, 1);
}

#[tokio::test]
async fn a_type_that_delta_lacks_is_told_by_its_column() {
    let column: ArrayRef = Arc::new(Time64MicrosecondArray::from(vec![1]));
    let inside: ArrayRef = Arc::new(StructArray::from(vec![(
        Arc::new(Field::new("a", column.data_type().clone(), true)),
        Arc::clone(&column),
    )]));
    // Hive lacks it too.
    for connector in ["delta_lake", "hive"] {
        let store = connect(config(connector)).await;
        let schema = unique("lacks");
        for column in [&column, &inside] {
            let batch = RecordBatch::try_from_iter([("at", Arc::clone(column))]).unwrap();
            let error = create(&store, &[connector, &schema, "t"], vec![batch], Mode::Create)
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            assert!(error.to_string().contains("column `at`"), "{error}");
        }
    }
}
