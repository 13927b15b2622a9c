//! One cell, as the oracle sees it: no Arrow, no width of integers, no encoding of strings.

use std::fmt;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type, TimeUnit};
use arrow::datatypes::{TimestampMicrosecondType, TimestampNanosecondType};

use crate::{Miss, Verdict};

/// A float that equals itself when it is NaN, and that tells 0.0 from -0.0.
#[derive(Clone, Copy)]
pub struct Exact(pub f64);

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl fmt::Debug for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// Any width.
    Int(i64),
    /// Any width.
    Float(Exact),
    /// True or false.
    Bool(bool),
    /// Any encoding.
    Text(String),
    /// Any encoding.
    Bytes(Vec<u8>),
    /// Microseconds since 1970 in UTC.
    Time(i64),
    /// Nanoseconds since 1970 in UTC.
    Nanos(i64),
    /// Days since 1970.
    Date(i64),
    /// Unscaled.
    Decimal(i128),
    /// Lists and sets.
    List(Vec<Value>),
    /// In the order of the entries.
    Map(Vec<(Value, Value)>),
    /// In the order of the fields.
    Struct(Vec<Value>),
}

impl Value {
    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// The cell `row` of `array`.
    ///
    /// # Errors
    /// Failed, for a type that no store should return.
    pub fn of(array: &ArrayRef, row: usize) -> Verdict<Self> {
        if array.is_null(row) {
            return Ok(Self::Null);
        }
        Self::plain(array, row).or_else(|miss| nested(array, row).unwrap_or(Err(miss)))
    }

    fn plain(array: &ArrayRef, row: usize) -> Verdict<Self> {
        let one = array.slice(row, 1);
        Ok(match array.data_type() {
            t if t.is_integer() => Self::Int(cast(&one, &DataType::Int64)?.as_primitive::<Int64Type>().value(0)),
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Self::Float(Exact(
                cast(&one, &DataType::Float64)?.as_primitive::<Float64Type>().value(0),
            )),
            DataType::Boolean => Self::Bool(one.as_boolean().value(0)),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => {
                Self::Text(cast(&one, &DataType::Utf8)?.as_string::<i32>().value(0).to_owned())
            }
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                Self::Bytes(cast(&one, &DataType::Binary)?.as_binary::<i32>().value(0).to_vec())
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                Self::Nanos(one.as_primitive::<TimestampNanosecondType>().value(0))
            }
            DataType::Timestamp(_, zone) => {
                let micros = cast(&one, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?;
                Self::Time(micros.as_primitive::<TimestampMicrosecondType>().value(0))
            }
            DataType::Date32 => Self::Date(i64::from(one.as_primitive::<arrow::datatypes::Date32Type>().value(0))),
            DataType::Decimal128(..) => Self::Decimal(one.as_primitive::<Decimal128Type>().value(0)),
            other => {
                return Err(Miss::Failed(format!(
                    "the type {other} is none that a store should return"
                )));
            }
        })
    }
}

fn nested(array: &ArrayRef, row: usize) -> Option<Verdict<Value>> {
    let all = |array: &ArrayRef| {
        (0..array.len())
            .map(|row| Value::of(array, row))
            .collect::<Verdict<Vec<_>>>()
    };
    match array.data_type() {
        DataType::List(_) => Some(all(&array.as_list::<i32>().value(row)).map(Value::List)),
        DataType::LargeList(_) => Some(all(&array.as_list::<i64>().value(row)).map(Value::List)),
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (all(entries.column(0)), all(entries.column(1)));
            Some(keys.and_then(|keys| Ok(Value::Map(keys.into_iter().zip(values?).collect()))))
        }
        DataType::Struct(_) => {
            let fields = array.as_struct().columns().iter();
            Some(
                fields
                    .map(|field| Value::of(field, row))
                    .collect::<Verdict<_>>()
                    .map(Value::Struct),
            )
        }
        _ => None,
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(Exact(value))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "{value:?}"),
            Self::Time(value) => write!(f, "{}", Moment(*value)),
            other => write!(f, "{other:?}"),
        }
    }
}

struct Moment(i64);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match hybrid_core::chrono::DateTime::from_timestamp_micros(self.0) {
            Some(time) => write!(f, "{}", time.format("%Y-%m-%dT%H:%M:%S%.6fZ")),
            None => write!(f, "{} us", self.0),
        }
    }
}
