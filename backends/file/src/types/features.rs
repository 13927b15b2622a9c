use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, new_null_array};
use arrow::compute::{CastOptions, can_cast_types, cast_with_options};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use hybrid_core::{Result, timestamp_type};

use super::{Place, first_lost, is_text, is_time, plain, to_instants};
use crate::error::invalid;

/// A feature's values in the declared type. A value that the type cannot hold (an overflow, a
/// fraction where whole numbers are declared, text that does not parse) is an error.
pub(crate) fn to_feature(array: &ArrayRef, declared: &DataType, place: Place<'_>) -> Result<ArrayRef> {
    if array.data_type() == declared {
        return Ok(Arc::clone(array));
    }
    let array = &plain(array)?;
    match array.data_type() {
        same if same == declared => Ok(Arc::clone(array)),
        DataType::Null => Ok(new_null_array(declared, array.len())),
        from if *declared == timestamp_type() && (is_time(from) || is_text(from) || from.is_integer()) => {
            to_instants(array, place)
        }
        from if !can_cast_types(from, declared) => Err(no_cast(from, declared, place)),
        _ => checked(array, declared, place),
    }
}

fn checked(array: &ArrayRef, declared: &DataType, place: Place<'_>) -> Result<ArrayRef> {
    let strict = CastOptions {
        safe: false,
        ..Default::default()
    };
    let made = match cast_with_options(array, declared, &strict) {
        Ok(made) => made,
        Err(error) => return Err(refused(array, declared, place, Some(error.to_string()))),
    };
    if array.data_type().is_floating() && changed(array, &made)? {
        return Err(refused(array, declared, place, None));
    }
    Ok(made)
}

/// Whether a float lost its fraction or became infinite on the way.
fn changed(array: &ArrayRef, made: &ArrayRef) -> Result<bool> {
    Ok(lost_in(array, made)?.is_some())
}

fn lost_in(array: &ArrayRef, made: &ArrayRef) -> Result<Option<usize>> {
    if made.data_type().is_integer() {
        let doubles = arrow::compute::cast(array, &DataType::Float64)?;
        let doubles = doubles.as_primitive::<Float64Type>();
        return Ok((0..doubles.len()).find(|&i| doubles.is_valid(i) && doubles.value(i).fract() != 0.0));
    }
    if array.data_type() == &DataType::Float64 && made.data_type() == &DataType::Float32 {
        let (doubles, singles) = (array.as_primitive::<Float64Type>(), made.as_primitive::<Float32Type>());
        let overflown = BooleanArray::from_unary(singles, f32::is_infinite);
        return Ok(
            (0..doubles.len()).find(|&i| overflown.is_valid(i) && overflown.value(i) && doubles.value(i).is_finite())
        );
    }
    Ok(None)
}

fn refused(array: &ArrayRef, declared: &DataType, place: Place<'_>, cause: Option<String>) -> hybrid_core::Error {
    let safe = CastOptions {
        safe: true,
        ..Default::default()
    };
    let made = cast_with_options(array, declared, &safe).ok();
    let index = made
        .as_ref()
        .and_then(|made| first_lost(array, made).or_else(|| lost_in(array, made).ok().flatten()));
    let value = index
        .and_then(|index| arrow::util::display::array_value_to_string(array, index).ok())
        .map_or_else(|| "a value".to_owned(), |value| format!("`{value}`"));
    let error = invalid(format!(
        "{}: {value} ({}) does not fit the declared type {declared}",
        place.at(index),
        array.data_type()
    ));
    match (index, cause) {
        (None, Some(cause)) => error.with_help(cause),
        _ => error,
    }
}

fn no_cast(from: &DataType, declared: &DataType, place: Place<'_>) -> hybrid_core::Error {
    invalid(format!(
        "{place} holds {from}, which does not convert to the declared type {declared}"
    ))
    .with_help("declare the type that the file holds, or convert the file")
}
