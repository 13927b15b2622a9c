//! The latest row per key.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use proptest::prelude::*;

use super::data::{FEATURES, Row, batch, check_texts, row, value};
use super::oracle;
use super::random::case;
use crate::join::LatestPerKey;

fn schema() -> SchemaRef {
    let fields: Vec<_> = FEATURES.iter().map(|t| Field::new("f", t.clone(), true)).collect();
    Arc::new(Schema::new(fields))
}

fn operator(types: &[DataType]) -> LatestPerKey {
    LatestPerKey::new(types, schema()).unwrap()
}

fn values(batches: &[RecordBatch]) -> Vec<Option<i64>> {
    let column = |batch: &RecordBatch| {
        check_texts(batch.columns());
        batch.column(0).as_primitive::<Int64Type>().iter().collect::<Vec<_>>()
    };
    batches.iter().flat_map(column).collect()
}

fn latest(rows: &[Row]) -> Vec<Option<i64>> {
    let mut latest = operator(&[DataType::Int64]);
    latest.push(&batch(&[DataType::Int64], rows, true)).unwrap();
    values(&latest.finish(2).unwrap())
}

#[test]
fn largest_time_then_created_then_sequence_wins_in_the_order_of_the_rows() {
    let rows = [
        row(3, 5),
        row(1, 10).created(1),
        row(1, 10),
        row(2, 1),
        row(2, 1),
        row(1, 9).created(9),
    ];
    assert_eq!(latest(&rows), [Some(0), Some(1), Some(4)]);
}

#[test]
fn null_keys_and_null_times_are_ignored() {
    assert_eq!(latest(&[row(None, 5), row(1, None), row(2, 5)]), [Some(2)]);
}

#[test]
fn nothing_pushed_gives_no_batches() {
    assert!(operator(&[DataType::Utf8]).finish(10).unwrap().is_empty());
}

#[test]
fn batches_have_at_most_the_size_asked_for() {
    let rows: Vec<_> = (0..5).map(|key| row(key, 1)).collect();
    let mut latest = operator(&[DataType::Int64]);
    latest.push(&batch(&[DataType::Int64], &rows, true)).unwrap();
    let sizes: Vec<_> = latest.finish(2).unwrap().iter().map(RecordBatch::num_rows).collect();
    assert_eq!(sizes, [2, 2, 1]);
}

#[test]
fn a_batch_size_of_zero_is_refused() {
    assert!(operator(&[]).finish(0).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_latest_are_those_of_the_oracle(case in case(), reversed in any::<bool>(), size in 1usize..9) {
        let mut workers: Vec<_> = case.parts().into_iter().map(|batches| {
            let mut latest = operator(&case.types);
            batches.iter().for_each(|batch| latest.push(batch).unwrap());
            latest
        }).collect();
        if reversed {
            workers.reverse();
        }
        let mut first = workers.remove(0);
        workers.into_iter().for_each(|other| first.merge(other).unwrap());
        let expected: Vec<_> = oracle::latest(&case.features).into_iter().map(value).collect();
        prop_assert_eq!(values(&first.finish(size).unwrap()), expected);
    }
}
