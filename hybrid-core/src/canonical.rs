//! The few Arrow types that entity rows and join keys have inside: every integer is Int64, every
//! string Utf8, every instant Timestamp(us, UTC). Stores and frames go through the same casts, so
//! that an Int32 key of a table meets the Int64 key of a frame.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, TimestampMicrosecondArray};
use arrow::compute::kernels::cast_utils::string_to_datetime;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    ArrowTimestampType, DataType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use chrono::Utc;

use crate::{Error, ErrorKind, Result, timestamp_type};

/// The type that keys of `data_type` are compared in; `None` when it cannot be a key: floats,
/// lists, maps, structs.
pub fn canonical_key_type(data_type: &DataType) -> Option<DataType> {
    use DataType as T;
    Some(match data_type {
        T::Boolean => T::Boolean,
        T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64 => T::Int64,
        T::Utf8 | T::LargeUtf8 | T::Utf8View => T::Utf8,
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => T::Binary,
        T::Date32 | T::Date64 => T::Date32,
        T::Timestamp(..) => timestamp_type(),
        T::Decimal32(_, scale) | T::Decimal64(_, scale) | T::Decimal128(_, scale) => T::Decimal128(38, *scale),
        T::Dictionary(_, values) => return canonical_key_type(values),
        _ => return None,
    })
}

/// `keys` as `canonical`, the type that [`canonical_key_type`] gives. A value that the canonical
/// type cannot hold (an unsigned integer above 2^63) becomes NULL: it equals no key.
///
/// # Errors
/// InvalidInput, when the two types are of different kinds.
pub fn canonical_keys(keys: &ArrayRef, canonical: &DataType) -> Result<ArrayRef> {
    if keys.data_type() == canonical {
        return Ok(Arc::clone(keys));
    }
    if canonical_key_type(keys.data_type()).as_ref() != Some(canonical) {
        let message = format!("a key of type {} cannot be compared with {canonical}", keys.data_type());
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    if matches!(keys.data_type(), DataType::Timestamp(..)) {
        return Ok(Arc::new(to_micros(keys)?));
    }
    Ok(cast_with_options(
        keys,
        canonical,
        &CastOptions {
            safe: true,
            ..CastOptions::default()
        },
    )?)
}

/// Whether [`to_micros`] takes this type.
pub fn is_time(data_type: &DataType) -> bool {
    match data_type {
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => true,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_time(values),
        _ => false,
    }
}

/// Instants as microseconds UTC. A time without zone is UTC, nanoseconds are floored, a date is
/// its midnight, strings are RFC 3339 (or the same without zone).
///
/// # Errors
/// InvalidInput, naming the row (from 1) of a string that is no time or a value out of range, or
/// the type when it holds no times.
pub fn to_micros(times: &ArrayRef) -> Result<TimestampMicrosecondArray> {
    try_micros(times).map_err(|NoTime { index, error }| match index {
        Some(index) => error.with_help(format!("it stands in row {}", index + 1)),
        None => error,
    })
}

/// Why a column holds no times, and where, for those who know what the column is.
pub(crate) struct NoTime {
    /// The first value that is none, from 0; `None` when it is the column's type.
    pub(crate) index: Option<usize>,
    pub(crate) error: Error,
}

impl<E: Into<Error>> From<E> for NoTime {
    fn from(error: E) -> Self {
        Self {
            index: None,
            error: error.into(),
        }
    }
}

/// [`to_micros`], with the place of an error apart.
pub(crate) fn try_micros(times: &ArrayRef) -> std::result::Result<TimestampMicrosecondArray, NoTime> {
    let micros = match times.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => times.as_primitive::<TimestampMicrosecondType>().clone(),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => times
            .as_primitive::<TimestampNanosecondType>()
            .unary(|nanos| nanos.div_euclid(1_000)),
        DataType::Timestamp(TimeUnit::Millisecond, _) => scaled::<TimestampMillisecondType>(times, 1_000)?,
        DataType::Timestamp(TimeUnit::Second, _) => scaled::<TimestampSecondType>(times, 1_000_000)?,
        DataType::Date32 | DataType::Date64 => {
            let options = CastOptions {
                safe: false,
                ..CastOptions::default()
            };
            let naive = DataType::Timestamp(TimeUnit::Microsecond, None);
            cast_with_options(times, &naive, &options)?
                .as_primitive::<TimestampMicrosecondType>()
                .clone()
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => parsed(times)?,
        DataType::Dictionary(_, values) => {
            return try_micros(&cast_with_options(times, values, &CastOptions::default())?);
        }
        other => {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("a column of type {other} holds no times"),
            )
            .with_help("times are timestamps, dates, or RFC 3339 strings")
            .into());
        }
    };
    Ok(micros.with_timezone("UTC"))
}

fn scaled<T: ArrowTimestampType>(
    times: &ArrayRef,
    factor: i64,
) -> std::result::Result<TimestampMicrosecondArray, NoTime> {
    let times: &PrimitiveArray<T> = times.as_primitive::<T>();
    times
        .try_unary(|value| value.checked_mul(factor).ok_or(()))
        .map_err(|()| NoTime {
            index: times
                .iter()
                .position(|value| value.is_some_and(|value| value.checked_mul(factor).is_none())),
            error: Error::new(ErrorKind::InvalidInput, "the time is out of the range of microseconds"),
        })
}

fn parsed(times: &ArrayRef) -> std::result::Result<TimestampMicrosecondArray, NoTime> {
    let strings = cast_with_options(times, &DataType::LargeUtf8, &CastOptions::default())?;
    let parse = |(index, text): (usize, Option<&str>)| {
        let no_time = |error| NoTime {
            index: Some(index),
            error,
        };
        text.map(|text| parse_time(text).map_err(no_time)).transpose()
    };
    strings.as_string::<i64>().iter().enumerate().map(parse).collect()
}

/// One RFC 3339 time (or the same without zone, or a date alone) as microseconds UTC.
///
/// # Errors
/// InvalidInput, quoting the text.
pub fn parse_time(text: &str) -> Result<i64> {
    string_to_datetime(&Utc, text)
        .map(|time| time.timestamp_micros())
        .map_err(|error| {
            Error::new(ErrorKind::InvalidInput, format!("`{text}` is no time"))
                .with_help("write RFC 3339, for example 2024-05-01T12:30:00Z")
                .with_cause(error)
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{Date32Array, Int32Array, StringArray, TimestampNanosecondArray, UInt64Array};

    use super::*;

    #[test]
    fn times_of_every_kind_become_microseconds() {
        let cases: [(ArrayRef, i64); 5] = [
            (Arc::new(TimestampNanosecondArray::from(vec![-1])), -1),
            (Arc::new(Date32Array::from(vec![1])), 86_400_000_000),
            (Arc::new(StringArray::from(vec!["1970-01-01T00:00:01.5Z"])), 1_500_000),
            (Arc::new(StringArray::from(vec!["1970-01-01 00:00:01"])), 1_000_000),
            (Arc::new(StringArray::from(vec!["1970-01-01T01:00:00+01:00"])), 0),
        ];
        for (array, expected) in cases {
            assert_eq!(to_micros(&array).unwrap().value(0), expected, "{array:?}");
        }
        let error =
            to_micros(&(Arc::new(StringArray::from(vec![Some("1970-01-01"), Some("soon")])) as ArrayRef)).unwrap_err();
        assert!(
            error.to_string().contains("`soon` is no time") && error.to_string().contains("row 2"),
            "{error}"
        );
        assert!(to_micros(&(Arc::new(Int32Array::from(vec![1])) as ArrayRef)).is_err());
    }

    #[test]
    fn keys_of_every_width_meet() {
        let wide: ArrayRef = Arc::new(UInt64Array::from(vec![7, u64::MAX]));
        let canonical = canonical_keys(&wide, &DataType::Int64).unwrap();
        assert_eq!(canonical.as_primitive::<arrow::datatypes::Int64Type>().value(0), 7);
        assert!(canonical.is_null(1));
        assert!(canonical_keys(&wide, &DataType::Utf8).is_err());
        assert_eq!(canonical_key_type(&DataType::Float64), None);
    }
}
