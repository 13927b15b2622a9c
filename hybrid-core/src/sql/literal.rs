//! Values of entity rows as SQL literals.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType, UInt64Type,
};
use arrow::temporal_conversions::date32_to_datetime;

use super::Dialect;
use crate::{Error, ErrorKind, Result};

/// The value of an array of entity rows (their canonical types) as a literal of the engine's type.
///
/// # Errors
/// Unsupported, where the engine has no such type.
pub fn literal(dialect: &dyn Dialect, array: &dyn Array, row: usize) -> Result<String> {
    let typed = |value: &str| Ok(format!("CAST({value} AS {})", dialect.sql_type(array.data_type())?));
    if array.is_null(row) {
        return typed("NULL");
    }
    match array.data_type() {
        DataType::Int64 => typed(&number(array.as_primitive::<Int64Type>().value(row))),
        DataType::UInt64 => typed(&array.as_primitive::<UInt64Type>().value(row).to_string()),
        DataType::Utf8 => typed(&dialect.text(array.as_string::<i32>().value(row))),
        DataType::Boolean => Ok(if array.as_boolean().value(row) { "TRUE" } else { "FALSE" }.to_owned()),
        DataType::Binary => Ok(dialect.bytes(array.as_binary::<i32>().value(row))),
        DataType::Date32 => date(array.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Ok(dialect.instant_literal(array.as_primitive::<TimestampMicrosecondType>().value(row)))
        }
        DataType::Decimal128(..) => typed(&dialect.text(&array.as_primitive::<Decimal128Type>().value_as_string(row))),
        other => Err(Error::new(
            ErrorKind::Unexpected,
            format!("an entity row holds {other}"),
        )),
    }
}

/// The smallest integer has no literal: its digits are read before its sign.
fn number(value: i64) -> String {
    match value {
        i64::MIN => format!("'{value}'"),
        _ => value.to_string(),
    }
}

fn date(days: i32) -> Result<String> {
    let out_of_range = || Error::new(ErrorKind::InvalidInput, "a date lies outside the range of the engine");
    let date = date32_to_datetime(days).ok_or_else(out_of_range)?;
    Ok(format!("DATE '{}'", date.format("%Y-%m-%d")))
}
