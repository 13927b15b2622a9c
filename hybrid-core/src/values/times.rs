use std::sync::Arc;

use crate::{Error, ErrorKind, Result, timestamp_type};
use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, Int64Array, TimestampMicrosecondArray, new_null_array};
use arrow::array::{AsArray, PrimitiveArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};

use super::invalid;
use super::{Place, first_lost, is_text, plain};

const DAY: i64 = 86_400_000_000;

/// Whether values of this type are instants without being parsed.
pub fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64)
}

/// Instants as microseconds UTC: naive ones mean UTC, nanoseconds are floored, text is RFC 3339.
pub fn to_micros(array: &ArrayRef, place: Place<'_>) -> Result<Int64Array> {
    let array = &plain(array)?;
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let times = array.as_primitive::<TimestampMicrosecondType>();
            Ok(Int64Array::new(times.values().clone(), times.nulls().cloned()))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let times = array.as_primitive::<TimestampNanosecondType>();
            Ok(times.unary(|t| t.div_euclid(1000)))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => scaled::<TimestampMillisecondType>(array, 1000, place),
        DataType::Timestamp(TimeUnit::Second, _) => scaled::<TimestampSecondType>(array, 1_000_000, place),
        DataType::Date32 => scaled::<Date32Type>(array, DAY, place),
        DataType::Date64 => scaled::<Date64Type>(array, 1000, place),
        DataType::Null => Ok(Int64Array::new_null(array.len())),
        text if is_text(text) => parsed(array, place),
        other => Err(not_a_time(other, place)),
    }
}

/// The same as [`to_micros`], as Timestamp(us, UTC).
pub fn to_instants(array: &ArrayRef, place: Place<'_>) -> Result<ArrayRef> {
    if array.data_type() == &timestamp_type() {
        return Ok(Arc::clone(array));
    }
    if array.data_type() == &DataType::Null {
        return Ok(new_null_array(&timestamp_type(), array.len()));
    }
    let (_, values, nulls) = to_micros(array, place)?.into_parts();
    Ok(Arc::new(
        TimestampMicrosecondArray::new(values, nulls).with_data_type(timestamp_type()),
    ))
}

fn scaled<T: ArrowPrimitiveType>(array: &ArrayRef, factor: i64, place: Place<'_>) -> Result<Int64Array>
where
    T::Native: Into<i64>,
{
    let times: &PrimitiveArray<T> = array.as_primitive::<T>();
    let micros: Int64Array = times.unary_opt(|t| t.into().checked_mul(factor));
    match first_lost(times, &micros) {
        None => Ok(micros),
        lost => Err(invalid(format!(
            "{}: the time lies outside the range of microseconds",
            place.at(lost)
        ))),
    }
}

fn parsed(array: &ArrayRef, place: Place<'_>) -> Result<Int64Array> {
    let options = CastOptions {
        safe: true,
        ..Default::default()
    };
    let times = cast_with_options(array, &timestamp_type(), &options)?;
    let lost = first_lost(array, &times);
    if let Some(index) = lost {
        let value = arrow::util::display::array_value_to_string(array, index)?;
        return Err(invalid(format!("{}: `{value}` is no time", place.at(lost)))
            .with_help("text times are written as RFC 3339: 2024-05-01T12:30:00Z"));
    }
    let times = times.as_primitive::<TimestampMicrosecondType>();
    Ok(Int64Array::new(times.values().clone(), times.nulls().cloned()))
}

fn not_a_time(data_type: &DataType, place: Place<'_>) -> Error {
    let error = Error::new(
        ErrorKind::InvalidInput,
        format!("{place} holds {data_type}, which is no time"),
    );
    if data_type.is_integer() {
        return error.with_help("numbers since the epoch do not say their unit: write a timestamp column");
    }
    error.with_help("a time is a timestamp of any unit and zone, a date, or RFC 3339 text")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::Date32Array;

    use super::*;

    #[test]
    fn a_day_beyond_the_range_of_microseconds_is_refused_by_row() {
        let place = Place {
            source: "t.parquet",
            column: "ts",
            row: Some(0),
            csv: false,
        };
        let days: ArrayRef = Arc::new(Date32Array::from(vec![1, i32::MAX]));
        let error = to_micros(&days, place).unwrap_err().to_string();
        assert!(
            error.contains("row 2") && error.contains("range of microseconds"),
            "{error}"
        );
        assert_eq!(to_micros(&days.slice(0, 1), place).unwrap().value(0), DAY);
    }
}
