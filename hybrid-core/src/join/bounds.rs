//! The smallest and largest value of a key column.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::{max, max_binary, max_boolean, max_string, min, min_binary, min_boolean, min_string};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};

/// `[smallest, largest]` in the column's type; `None` when every value is NULL.
pub(super) fn bounds(key: &ArrayRef) -> Option<ArrayRef> {
    if key.null_count() == key.len() {
        return None;
    }
    Some(match key.data_type() {
        DataType::Int64 => {
            let key = key.as_primitive::<Int64Type>();
            Arc::new(Int64Array::from(vec![min(key), max(key)]))
        }
        DataType::Timestamp(_, zone) => {
            let key = key.as_primitive::<TimestampMicrosecondType>();
            let bounds = TimestampMicrosecondArray::from(vec![min(key), max(key)]);
            Arc::new(bounds.with_timezone_opt(zone.clone()))
        }
        DataType::Date32 => {
            let key = key.as_primitive::<Date32Type>();
            Arc::new(Date32Array::from(vec![min(key), max(key)]))
        }
        DataType::Decimal128(..) => {
            let values = key.as_primitive::<Decimal128Type>();
            let bounds = Decimal128Array::from(vec![min(values), max(values)]);
            Arc::new(bounds.with_data_type(key.data_type().clone()))
        }
        DataType::Boolean => {
            let key = key.as_boolean();
            Arc::new(BooleanArray::from(vec![min_boolean(key), max_boolean(key)]))
        }
        DataType::Utf8 => {
            let key = key.as_string::<i32>();
            Arc::new(StringArray::from(vec![min_string(key), max_string(key)]))
        }
        DataType::Binary => {
            let key = key.as_binary::<i32>();
            Arc::new(BinaryArray::from(vec![min_binary(key), max_binary(key)]))
        }
        _ => return None,
    })
}
