#![allow(clippy::unwrap_used)]

use arrow::array::{
    Date64Array, Decimal128Array, DictionaryArray, Int8Array, Int64Array, LargeListArray, ListArray, RecordBatch,
    TimestampMicrosecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{Fields, Int8Type, TimestampMicrosecondType};

use super::*;

fn times(values: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
}

fn decimals(values: Vec<Option<i128>>) -> ArrayRef {
    Arc::new(Decimal128Array::from(values).with_precision_and_scale(20, 4).unwrap())
}

async fn through(column: ArrayRef, target: Field) -> Result<usize> {
    let batch = RecordBatch::try_from_iter([("c", column)]).unwrap();
    let rows = BatchStream::from_batches(batch.schema(), vec![batch]);
    let rows = exact(rows, "t", &Schema::new(vec![target]));
    let batches = rows.collect().await?;
    Ok(batches.iter().map(RecordBatch::num_rows).sum())
}

fn named(data_type: DataType, sql_type: &str) -> Field {
    let said = HashMap::from([(SQL_TYPE.to_owned(), sql_type.to_owned())]);
    Field::new("c", data_type, true).with_metadata(said)
}

#[tokio::test]
async fn what_is_kept_whole_passes() {
    let time = crate::timestamp_type();
    let millis = times(vec![Some(1_700_000_000_123_000), None]);
    assert_eq!(
        through(millis.clone(), named(time.clone(), "timestamp(3) with time zone"))
            .await
            .unwrap(),
        2
    );
    let micros = times(vec![Some(1), Some(-1)]);
    assert_eq!(
        through(micros.clone(), named(time.clone(), "timestamp(6)"))
            .await
            .unwrap(),
        2
    );
    assert_eq!(through(micros, named(time, "")).await.unwrap(), 2);
    let target = Field::new("c", DataType::Decimal128(10, 2), true);
    assert_eq!(
        through(decimals(vec![Some(12_300), None, Some(-100)]), target)
            .await
            .unwrap(),
        3
    );
}

#[tokio::test]
async fn what_would_be_rounded_is_an_error_with_its_row() {
    let time = named(crate::timestamp_type(), "TIMESTAMP_NTZ(0)");
    let error = through(times(vec![Some(0), None, Some(1)]), time).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("column `c`, row 3"), "{error}");
    let target = Field::new("c", DataType::Decimal128(10, 2), true);
    let error = through(decimals(vec![Some(12_345)]), target).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("finer than the 2 digits after the point that `t` keeps"),
        "{error}"
    );
}

#[tokio::test]
async fn dates_in_milliseconds_are_looked_at() {
    let seconds = || named(crate::timestamp_type(), "timestamp(0)");
    let dates = |last| Arc::new(Date64Array::from(vec![Some(86_400_000), None, Some(last)])) as ArrayRef;
    assert_eq!(through(dates(1_000), seconds()).await.unwrap(), 3);
    let error = through(dates(1_001), seconds()).await.unwrap_err();
    assert!(error.to_string().contains("column `c`, row 3"), "{error}");
}

#[tokio::test]
async fn whole_numbers_that_no_double_is_are_errors() {
    let double = || Field::new("c", DataType::Float64, true);
    let column = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
    let exact = vec![0, -7, 1 << 53, 1 << 60, i64::MIN];
    assert_eq!(through(column(exact), double()).await.unwrap(), 5);
    for lost in [(1 << 53) + 1, i64::MAX, -(1 << 53) - 1] {
        let error = through(column(vec![1, lost]), double()).await.unwrap_err();
        assert!(error.to_string().contains("column `c`, row 2"), "{error}");
    }
}

#[tokio::test]
async fn elements_are_looked_at_too() {
    let doubles = || Field::new("c", DataType::new_list(DataType::Float64, true), true);
    let lists = |last: i64| {
        let rows = [Some(vec![Some(1), Some(2)]), None, Some(vec![None, Some(last)])];
        Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(rows)) as ArrayRef
    };
    assert_eq!(through(lists(1 << 53), doubles()).await.unwrap(), 3);
    let error = through(lists((1 << 53) + 1), doubles()).await.unwrap_err();
    assert!(error.to_string().contains("column `c`, row 3"), "{error}");
}

#[tokio::test]
async fn elements_are_of_the_type_that_the_list_is_named_by() {
    let target = || named(DataType::new_list(crate::timestamp_type(), true), "timestamptz(3)[]");
    let lists = |last: i64| {
        let rows = [Some(vec![Some(1_000)]), Some(vec![None, Some(last)])];
        Arc::new(ListArray::from_iter_primitive::<TimestampMicrosecondType, _, _>(rows)) as ArrayRef
    };
    assert_eq!(through(lists(2_000), target()).await.unwrap(), 2);
    let error = through(lists(2_001), target()).await.unwrap_err();
    assert!(error.to_string().contains("column `c`, row 2"), "{error}");
}

fn one(column: ArrayRef, valid: Vec<bool>) -> ArrayRef {
    let fields = Fields::from(vec![Field::new("a", column.data_type().clone(), true)]);
    Arc::new(StructArray::new(fields, vec![column], Some(NullBuffer::from(valid))))
}

fn one_type(data_type: DataType) -> DataType {
    DataType::Struct(Fields::from(vec![Field::new("a", data_type, true)]))
}

#[tokio::test]
async fn both_kinds_of_lists_are_looked_into() {
    let large = |last: i64| {
        let rows = [Some(vec![Some(last)]), None, Some(vec![Some(7), None, Some(last)])];
        Arc::new(LargeListArray::from_iter_primitive::<Int64Type, _, _>(rows)) as ArrayRef
    };
    for target in [
        DataType::new_list(DataType::Float64, true),
        DataType::new_large_list(DataType::Float64, true),
    ] {
        let target = Field::new("c", target, true);
        assert_eq!(through(large(1 << 53), target.clone()).await.unwrap(), 3);
        // What lies before a slice is no row of it.
        let sliced = large((1 << 53) + 1).slice(1, 2);
        let error = through(sliced, target).await.unwrap_err();
        assert!(error.to_string().contains("column `c`, row 2"), "{error}");
    }
}

#[tokio::test]
async fn structs_are_looked_into() {
    let (kept, lost) = (12_300, 12_345);
    let target = || Field::new("c", one_type(DataType::Decimal128(10, 2)), true);
    let fine = one(decimals(vec![Some(kept), Some(lost), None]), vec![true, false, true]);
    assert_eq!(through(fine, target()).await.unwrap(), 3);
    let finer = one(decimals(vec![Some(lost), Some(lost)]), vec![false, true]);
    let error = through(finer, target()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("column `c.a`, row 2"), "{error}");
}

#[tokio::test]
async fn structs_and_lists_in_each_other_are_looked_into() {
    let lists = |last: i64| {
        let rows = [Some(vec![Some(1)]), Some(vec![Some(last)])];
        Arc::new(LargeListArray::from_iter_primitive::<Int64Type, _, _>(rows)) as ArrayRef
    };
    let target = |inner: DataType| Field::new("c", one_type(DataType::new_large_list(inner, true)), true);
    let rows = |last| one(lists(last), vec![true, true]);
    assert_eq!(through(rows(1 << 53), target(DataType::Float64)).await.unwrap(), 2);
    let error = through(rows(i64::MAX), target(DataType::Float64)).await.unwrap_err();
    assert!(error.to_string().contains("column `c.a`, row 2"), "{error}");
}

#[tokio::test]
async fn values_of_dictionaries_are_looked_at() {
    let keys = Int8Array::from(vec![Some(0), None, Some(1)]);
    let values = Arc::new(Int64Array::from(vec![1, (1 << 53) + 1]));
    let column = DictionaryArray::<Int8Type>::new(keys, values);
    let error = through(Arc::new(column), Field::new("c", DataType::Float64, true)).await;
    let error = error.unwrap_err();
    assert!(error.to_string().contains("column `c`, row 3"), "{error}");
}
