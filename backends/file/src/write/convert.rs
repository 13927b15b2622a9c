//! Values as they are stored, none changed.

use arrow::array::{Array, ArrayRef};
use arrow::compute::cast;
use arrow::compute::kernels::cmp::distinct;
use arrow::datatypes::DataType;
use hybrid_core::Result;

use crate::error::invalid;
use hybrid_core::values::{Place, is_lossless, is_text, is_time, to_stored};

/// Whether values of `from` can be stored as `to`, all of them or those that fit.
pub(super) fn is_convertible(from: &DataType, to: &DataType) -> bool {
    is_lossless(from, to) || is_checked(from, to)
}

/// Whether each value has to be looked at.
fn is_checked(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::Dictionary(_, values), _) => is_checked(values, to),
        (_, DataType::Dictionary(_, values)) => is_checked(from, values),
        (DataType::Decimal128(..), DataType::Decimal128(..)) => true,
        _ if is_time(from) => is_time(to) || is_text(to),
        _ => from.is_integer() && (to.is_integer() || to.is_floating()),
    }
}

/// The values of a column as `to`.
///
/// # Errors
/// InvalidInput with the row, for a value that would be another one.
pub(super) fn stored(array: &ArrayRef, to: &DataType, place: Place<'_>) -> Result<ArrayRef> {
    let made = to_stored(array, to, place)?;
    if is_lossless(array.data_type(), to) || is_text(to) {
        return Ok(made);
    }
    let changed = distinct(&cast(&made, array.data_type())?, array)?;
    match (0..changed.len()).find(|&row| changed.value(row)) {
        None => Ok(made),
        Some(row) => {
            let row = place.row.unwrap_or(0) + row as u64 + 1;
            Err(invalid(format!(
                "{place}, row {row}: the value does not fit {to}, as which it is stored"
            )))
        }
    }
}

/// Whether a text field can hold values of this type, so that they are read back as they were.
pub(super) fn csv_holds(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => csv_holds(values),
        DataType::Null | DataType::Boolean => true,
        DataType::Decimal128(..) | DataType::Decimal256(..) => true,
        other => other.is_integer() || other.is_floating() || is_text(other) || is_time(other),
    }
}
