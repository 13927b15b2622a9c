//! Changes to batches that mistakes are made of.

use std::sync::Arc;

use hybrid_core::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions, TimestampMicrosecondArray,
    UInt32Array, UInt64Array,
};
use hybrid_core::arrow::compute::{cast, filter_record_batch, take, take_record_batch};
use hybrid_core::arrow::datatypes::{DataType, Field, Int64Type, Schema, TimestampMicrosecondType};

/// The batch with column `at` replaced.
fn with_column(rows: &RecordBatch, at: usize, column: ArrayRef) -> RecordBatch {
    let mut fields: Vec<Field> = rows
        .schema_ref()
        .fields()
        .iter()
        .map(|field| Field::clone(field))
        .collect();
    fields[at] = fields[at].clone().with_data_type(column.data_type().clone());
    let mut columns = rows.columns().to_vec();
    columns[at] = column;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).unwrap()
}

/// The times of a column changed, where it is one of microseconds in UTC.
pub fn times(rows: RecordBatch, name: &str, change: impl Fn(Option<i64>) -> Option<i64>) -> RecordBatch {
    let Some(at) = rows.schema_ref().fields().iter().position(|field| field.name() == name) else {
        return rows;
    };
    let Some(column) = rows.column(at).as_primitive_opt::<TimestampMicrosecondType>() else {
        return rows;
    };
    let changed: TimestampMicrosecondArray = column.iter().map(change).collect();
    let zone = match column.data_type() {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    with_column(&rows, at, Arc::new(changed.with_timezone_opt(zone)))
}

/// The numbers of a column changed, where it is one of Int64.
pub fn numbers(rows: RecordBatch, name: &str, change: impl Fn(Option<i64>) -> Option<i64>) -> RecordBatch {
    let Some(at) = rows.schema_ref().fields().iter().position(|field| field.name() == name) else {
        return rows;
    };
    let Some(column) = rows.column(at).as_primitive_opt::<Int64Type>() else {
        return rows;
    };
    let changed: Int64Array = column.iter().map(change).collect();
    with_column(&rows, at, Arc::new(changed))
}

/// Only the rows in which the column, where there is one, has a value.
pub fn without_nulls(rows: RecordBatch, name: &str) -> RecordBatch {
    let Some(column) = rows.column_by_name(name) else {
        return rows;
    };
    let keep: BooleanArray = (0..rows.num_rows()).map(|row| Some(column.is_valid(row))).collect();
    filter_record_batch(&rows, &keep).unwrap()
}

/// Only the rows that have some feature, as an inner join leaves them.
pub fn matched(rows: RecordBatch) -> RecordBatch {
    let some = |row| rows.columns()[1..].iter().any(|column| column.is_valid(row));
    let keep: BooleanArray = (0..rows.num_rows()).map(|row| Some(some(row))).collect();
    filter_record_batch(&rows, &keep).unwrap()
}

/// These rows, in this order.
pub fn picked(rows: &RecordBatch, order: impl IntoIterator<Item = u32>) -> RecordBatch {
    take_record_batch(rows, &order.into_iter().collect::<UInt32Array>()).unwrap()
}

pub fn reversed(rows: RecordBatch) -> RecordBatch {
    let count = u32::try_from(rows.num_rows()).unwrap();
    picked(&rows, (0..count).rev())
}

/// The features in reverse under the row numbers as they were.
pub fn shuffled_features(rows: RecordBatch) -> RecordBatch {
    let order: UInt64Array = (0..rows.num_rows() as u64).rev().collect();
    let mut changed = rows.clone();
    for at in 1..rows.num_columns() {
        changed = with_column(&changed, at, take(rows.column(at), &order, None).unwrap());
    }
    changed
}

/// Integers that have a NULL as floats, as pandas has them.
pub fn floats_for_nulls(rows: RecordBatch) -> RecordBatch {
    let mut changed = rows.clone();
    for at in 1..rows.num_columns() {
        let column = rows.column(at);
        if *column.data_type() == DataType::Int64 && column.null_count() > 0 {
            changed = with_column(&changed, at, cast(column, &DataType::Float64).unwrap());
        }
    }
    changed
}

/// The first columns under these names, whatever they hold; those beyond keep theirs.
pub fn renamed(rows: &RecordBatch, names: &[&str]) -> RecordBatch {
    let mut fields: Vec<Field> = rows
        .schema_ref()
        .fields()
        .iter()
        .map(|field| Field::clone(field))
        .collect();
    fields
        .iter_mut()
        .zip(names)
        .for_each(|(field, name)| field.set_name(*name));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), rows.columns().to_vec()).unwrap()
}

pub fn columns_reversed(rows: RecordBatch) -> RecordBatch {
    let order: Vec<usize> = (0..rows.num_columns()).rev().collect();
    rows.project(&order).unwrap()
}
