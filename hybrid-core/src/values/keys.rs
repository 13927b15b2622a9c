use std::sync::Arc;

use crate::{Result, timestamp_type};
use arrow::array::{Array, ArrayRef, AsArray, new_null_array};
use arrow::compute::{CastOptions, cast, cast_with_options, kernels::cmp::eq, nullif};
use arrow::datatypes::{DataType, Int64Type};

use super::invalid;
use super::{Place, first_lost, is_decimal, is_text, is_time, plain, to_instants};

/// A join key's values in the canonical type of the entity rows. Values that the canonical type
/// cannot hold are NULL: they match nothing.
pub fn to_key(array: &ArrayRef, canonical: &DataType, place: Place<'_>) -> Result<ArrayRef> {
    if array.data_type() == canonical {
        return Ok(Arc::clone(array));
    }
    let array = &plain(array)?;
    check_key(array.data_type(), canonical, place)?;
    match (array.data_type(), canonical) {
        (DataType::Null, _) => Ok(new_null_array(canonical, array.len())),
        (_, time) if *time == timestamp_type() => to_instants(array, place),
        (from, DataType::Decimal128(..)) if is_decimal(from) => exact(array, canonical),
        (text, to) if is_text(text) && !is_text(to) => parsed(array, canonical, place),
        _ => Ok(safe(array, canonical)?),
    }
}

/// Whether a column of type `from` can hold a key of the `canonical` type.
///
/// # Errors
/// InvalidInput, naming the column and both types.
pub fn check_key(from: &DataType, canonical: &DataType, place: Place<'_>) -> Result<()> {
    if let DataType::Dictionary(_, values) = from {
        return check_key(values, canonical, place);
    }
    let fits = from == canonical
        || from == &DataType::Null
        || match canonical {
            DataType::Int64 => from.is_integer(),
            DataType::Utf8 => is_text(from),
            DataType::Binary => from.is_binary() || matches!(from, DataType::FixedSizeBinary(_)),
            DataType::Date32 => from == &DataType::Date64,
            DataType::Timestamp(..) => is_time(from),
            DataType::Decimal128(..) => is_decimal(from),
            _ => false,
        }
        // Text of a CSV file or of a folder's name has no type of its own.
        || (place.csv && is_text(from));
    if fits {
        return Ok(());
    }
    Err(invalid(format!(
        "the join key {place} holds {from}, but the entity rows hold {canonical}"
    ))
    .with_help("give both sides the same kind of value: text, whole numbers, dates, …"))
}

fn safe(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    Ok(cast(array, to)?)
}

/// Decimals whose value the other scale cannot say are NULL, not rounded.
fn exact(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let made = safe(array, to)?;
    let back = safe(&made, array.data_type())?;
    let differs = arrow::compute::not(&eq(&back, array)?)?;
    Ok(nullif(&made, &differs)?)
}

fn parsed(array: &ArrayRef, to: &DataType, place: Place<'_>) -> Result<ArrayRef> {
    let options = CastOptions {
        safe: true,
        ..Default::default()
    };
    let made = cast_with_options(array, to, &options)?;
    let Some(index) = first_lost(array, &made) else {
        return Ok(made);
    };
    let value = arrow::util::display::array_value_to_string(array, index)?;
    if to == &DataType::Int64 && value.parse::<i128>().is_ok() {
        debug_assert!(made.as_primitive::<Int64Type>().is_null(index));
        return Ok(made);
    }
    Err(invalid(format!(
        "{}: `{value}` is no {to}, which the entity rows hold",
        place.at(Some(index))
    )))
}
