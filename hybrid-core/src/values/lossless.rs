use std::sync::Arc;

use crate::Result;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};

use super::invalid;
use super::{Place, first_lost, is_text, plain};

/// Whether every value of `from` can be stored as `to`. Timestamps of a finer unit pass here;
/// [`to_stored`] refuses those whose value would change.
pub fn is_lossless(from: &DataType, to: &DataType) -> bool {
    use DataType::*;
    match (from, to) {
        _ if from == to => true,
        (Null, _) => true,
        (Dictionary(_, values), _) => is_lossless(values, to),
        (_, Dictionary(_, values)) => is_lossless(from, values),
        (Timestamp(..), Timestamp(..)) | (Date32, Timestamp(..)) => true,
        (Float16, Float32 | Float64) | (Float32, Float64) => true,
        (Decimal128(p, s), Decimal128(q, t)) => {
            s <= t && i16::from(*q) - i16::from(*t) >= i16::from(*p) - i16::from(*s)
        }
        (List(f) | LargeList(f), List(t) | LargeList(t)) => is_lossless(f.data_type(), t.data_type()),
        (Map(f, _), Map(t, _)) => entries_fit(f.data_type(), t.data_type()),
        (Struct(f), Struct(t)) => {
            f.len() == t.len()
                && f.iter()
                    .zip(t)
                    .all(|(f, t)| f.name() == t.name() && is_lossless(f.data_type(), t.data_type()))
        }
        _ if is_text(from) && is_text(to) => true,
        _ if from.is_binary() && to.is_binary() => true,
        _ => integer_fits(from, to),
    }
}

fn entries_fit(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::Struct(f), DataType::Struct(t)) => {
            f.len() == t.len() && f.iter().zip(t).all(|(f, t)| is_lossless(f.data_type(), t.data_type()))
        }
        _ => false,
    }
}

fn integer_fits(from: &DataType, to: &DataType) -> bool {
    let Some(width) = from.primitive_width().filter(|_| from.is_integer()) else {
        return false;
    };
    match to {
        DataType::Float64 => width <= 4,
        DataType::Float32 => width <= 2,
        _ if !to.is_integer() => false,
        _ => {
            let wider = to.primitive_width().unwrap_or(0);
            match (from.is_signed_integer(), to.is_signed_integer()) {
                (true, true) | (false, false) => wider >= width,
                (false, true) => wider > width,
                (true, false) => false,
            }
        }
    }
}

/// Values as they are stored, none changed.
///
/// # Errors
/// InvalidInput with the row, for a time that is finer than the stored unit.
pub fn to_stored(array: &ArrayRef, to: &DataType, place: Place<'_>) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    let array = &as_utc(&plain(array)?)?;
    let made = cast(array, to)?;
    let lost = first_lost(array, &made).or_else(|| coarsened(array, &made));
    match lost {
        None => Ok(made),
        Some(_) => Err(invalid(format!(
            "{}: the value does not fit {to}, as which it is stored",
            place.at(lost)
        ))),
    }
}

/// Naive times mean UTC, also where they are stored with another zone.
fn as_utc(array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Timestamp(unit, None) => Ok(cast(array, &DataType::Timestamp(*unit, Some("UTC".into())))?),
        _ => Ok(Arc::clone(array)),
    }
}

fn coarsened(array: &ArrayRef, made: &ArrayRef) -> Option<usize> {
    let (DataType::Timestamp(from, _), DataType::Timestamp(to, _)) = (array.data_type(), made.data_type()) else {
        return None;
    };
    let factor = per_second(from) / per_second(to);
    if factor <= 1 {
        return None;
    }
    let values = cast(array, &DataType::Int64).ok()?;
    let values: &Int64Array = values.as_primitive();
    (0..values.len()).find(|&i| values.is_valid(i) && values.value(i) % factor != 0)
}

fn per_second(unit: &TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}
