//! Wrong types, lengths and orders of calls are errors that say so.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Schema};

use super::data::{FEATURES, any_age, batch, index, row, ttl};
use crate::join::{EntityIndex, FeatureBatch, JoinWorker, LatestPerKey};
use crate::{Error, ErrorKind};

fn worker() -> JoinWorker {
    JoinWorker::new(index(&[DataType::Int64], &[row(1, 10)]), &FEATURES, any_age())
}

fn push(change: impl FnOnce(&mut FeatureBatch)) -> Error {
    let mut batch = batch(&[DataType::Int64], &[row(1, 5), row(2, 5)], true);
    change(&mut batch);
    worker().push(&batch).unwrap_err()
}

fn refused(error: &Error, part: &str) {
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.message().contains(part), "{error}");
}

#[test]
fn a_key_of_another_type_is_refused() {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["1", "2"]));
    refused(
        &push(|b| b.keys[0] = text),
        "key column 1 is of type Utf8, the join has Int64",
    );
}

#[test]
fn a_missing_key_is_refused() {
    refused(&push(|b| b.keys.clear()), "0 key columns where the join has 1");
}

#[test]
fn a_feature_of_another_type_is_refused() {
    let narrow: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
    refused(&push(|b| b.features[0] = narrow), "feature column 1 is of type Int32");
}

#[test]
fn columns_of_different_lengths_are_refused() {
    let short: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    refused(&push(|b| b.keys[0] = short.clone()), "a key column has 1 rows");
    refused(&push(|b| b.features[0] = short), "a feature column has 1 rows");
    refused(
        &push(|b| b.created = Some(Int64Array::from(vec![1]))),
        "a created column has 1 rows",
    );
}

#[test]
fn a_sequence_that_would_overflow_is_refused() {
    assert_eq!(push(|b| b.sequence = u64::MAX - 1).kind(), ErrorKind::ResourceExhausted);
}

#[test]
fn a_refused_batch_leaves_the_worker_usable() {
    let good = batch(&[DataType::Int64], &[row(1, 5)], true);
    let mut worker = worker();
    assert!(
        worker
            .push(&FeatureBatch {
                features: vec![],
                ..batch(&[DataType::Int64], &[], true)
            })
            .is_err()
    );
    worker.push(&good).unwrap();
    assert_eq!(worker.finish().unwrap().matched(), 1);
}

#[test]
fn float_keys_are_refused() {
    let keys: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
    let error = EntityIndex::new(&[keys], &Int64Array::from(vec![1])).err().unwrap();
    refused(&error, "cannot join on a key of type Float64");
    let error = LatestPerKey::new(&[DataType::Float32], Arc::new(Schema::empty()))
        .err()
        .unwrap();
    refused(&error, "cannot join on a key of type Float32");
}

#[test]
fn an_index_with_columns_of_different_lengths_is_refused() {
    let keys: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let error = EntityIndex::new(&[keys], &Int64Array::from(vec![1])).err().unwrap();
    refused(&error, "a key column has 2 rows");
}

#[test]
fn workers_of_different_joins_cannot_be_merged() {
    refused(&worker().merge(worker()).unwrap_err(), "different joins");
    let index = index(&[DataType::Int64], &[row(1, 10)]);
    let mut plain = JoinWorker::new(index.clone(), &FEATURES, any_age());
    let other = JoinWorker::new(index.clone(), &FEATURES, ttl(5));
    refused(&plain.merge(other).unwrap_err(), "different joins");
    plain.merge(JoinWorker::new(index, &FEATURES, ttl(0))).unwrap();
}

#[test]
fn rows_beyond_the_frame_are_refused() {
    let joined = worker().finish().unwrap();
    refused(&joined.columns(0, 2).err().unwrap(), "of a frame of 1 rows");
    refused(&joined.columns(usize::MAX, 2).err().unwrap(), "of a frame of 1 rows");
    assert_eq!(joined.columns(1, 0).unwrap()[0].len(), 0);
}

#[test]
fn an_empty_frame_gives_empty_columns_of_the_right_type() {
    let mut worker = JoinWorker::new(index(&[DataType::Int64], &[]), &FEATURES, any_age());
    worker.push(&batch(&[DataType::Int64], &[row(1, 5)], true)).unwrap();
    let columns = worker.finish().unwrap().columns(0, 0).unwrap();
    let types: Vec<_> = columns.iter().map(|c| (c.data_type().clone(), c.len())).collect();
    assert_eq!(types, [(DataType::Int64, 0), (DataType::Utf8, 0)]);
}

#[test]
fn a_join_without_features_still_counts_matches() {
    let types = [DataType::Int64];
    let mut worker = JoinWorker::new(index(&types, &[row(1, 10), row(2, 10)]), &[], any_age());
    for _ in 0..20 {
        let features = batch(&types, &[row(1, 5)], true);
        worker
            .push(&FeatureBatch {
                features: vec![],
                ..features
            })
            .unwrap();
    }
    let joined = worker.finish().unwrap();
    assert_eq!((joined.matched(), joined.columns(0, 2).unwrap().len()), (1, 0));
}
