//! Key bounds, and features of every kind of Arrow type.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, FixedSizeBinaryArray, Int64Array, ListArray, NullArray, StringViewArray,
    StructArray, new_null_array,
};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Int64Type};

use super::data::{any_age, index, key_column, kinds, row};
use crate::join::{EntityIndex, FeatureBatch, JoinWorker};

fn features(rows: usize) -> Vec<ArrayRef> {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows as i64));
    let texts = (0..rows).map(|row| Some(format!("a text that is too long to be inlined: {row}")));
    let lists = (0..rows).map(|row| (row % 3 > 0).then(|| vec![Some(row as i64); row % 3]));
    vec![
        Arc::new(texts.collect::<StringViewArray>()),
        Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists)),
        Arc::new(StructArray::from(vec![(
            Arc::new(Field::new("a", DataType::Int64, true)),
            numbers,
        )])),
        Arc::new((0..rows).map(|row| Some(row % 2 == 0)).collect::<BooleanArray>()),
        Arc::new(FixedSizeBinaryArray::try_from_iter((0..rows).map(|row| [row as u8; 3])).unwrap()),
        Arc::new(NullArray::new(rows)),
    ]
}

#[test]
fn features_of_every_kind_come_back_as_they_were() {
    let types = [DataType::Int64];
    let entities: Vec<_> = (0..5).map(|key| row(key, 50)).collect();
    let whole = features(40);
    let data_types: Vec<_> = whole.iter().map(|f| f.data_type().clone()).collect();
    let mut worker = JoinWorker::new(index(&types, &entities), &data_types, any_age());
    for start in 0..40 {
        let key = Some((start % 4) as u8);
        let batch = FeatureBatch {
            keys: vec![key_column(&types[0], [key].into_iter())],
            times: Int64Array::from(vec![start as i64]),
            created: None,
            features: whole.iter().map(|f| f.slice(start, 1)).collect(),
            sequence: start as u64,
        };
        worker.push(&batch).unwrap();
    }
    let columns = worker.finish().unwrap().columns(0, 5).unwrap();
    for (column, feature) in columns.iter().zip(&whole) {
        let winners = Int64Array::from(vec![Some(36), Some(37), Some(38), Some(39), None]);
        assert_eq!(column, &take(feature, &winners, None).unwrap());
    }
}

#[test]
fn key_bounds_are_the_smallest_and_the_largest_value() {
    for (data_type, limit) in kinds() {
        let keys = (0..limit).map(Some).chain([None]).rev();
        let column = key_column(&data_type, keys);
        let times = Int64Array::from(vec![7; column.len()]);
        let index = EntityIndex::new(std::slice::from_ref(&column), &times).unwrap();
        let order = arrow::compute::sort_to_indices(&column.slice(1, column.len() - 1), None, None).unwrap();
        let sorted = take(&column.slice(1, column.len() - 1), &order, None).unwrap();
        let ends = Int64Array::from(vec![0, sorted.len() as i64 - 1]);
        assert_eq!(
            index.key_bounds(0),
            Some(&take(&sorted, &ends, None).unwrap()),
            "{data_type}"
        );
    }
}

#[test]
fn an_index_tells_what_it_holds() {
    let index = index(
        &[DataType::Int64],
        &[row(1, 10), row(2, 30), row(1, 10), row(1, 20), row(None, 99)],
    );
    assert_eq!((index.rows(), index.distinct_keys(), index.slots()), (5, 2, 3));
    assert_eq!(index.time_range(), Some((10, 30)));
    assert_eq!(index.key_types(), [DataType::Int64]);
    assert_eq!(index.key_bounds(1), None);
}

#[test]
fn an_index_of_nulls_has_no_bounds() {
    let nulls = new_null_array(&DataType::Utf8, 2);
    let index = EntityIndex::new(&[nulls], &Int64Array::from(vec![1, 2])).unwrap();
    assert_eq!((index.distinct_keys(), index.time_range()), (0, None));
    assert_eq!(index.key_bounds(0), None);
}
