//! What sources hold, made into what was declared: event times, join keys, features; and what a cast
//! would lose on the way, which is an error and never another value.

mod features;
mod json;
mod keys;
mod losses;
mod lossless;
mod times;

pub use features::to_feature;
pub use keys::{check_key, to_key};
pub use lossless::{is_lossless, to_stored};
pub use times::{is_time, to_instants, to_micros};

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;

use crate::{Error, ErrorKind};

/// Where a column's values came from, for messages.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The file or the table.
    pub source: &'a str,
    /// The column.
    pub column: &'a str,
    /// The first value's row in the file; `None` where rows were skipped.
    pub row: Option<u64>,
    /// The file is a CSV: its rows are lines, after a header.
    pub csv: bool,
}

impl Place<'_> {
    /// The place of the value at `index`.
    fn at(&self, index: Option<usize>) -> String {
        match (self.row, index) {
            (Some(first), Some(index)) if self.csv => {
                format!(
                    "{self}, record {} (line {})",
                    first + index as u64 + 1,
                    first + index as u64 + 2
                )
            }
            (Some(first), Some(index)) => format!("{self}, row {}", first + index as u64 + 1),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column `{}` of `{}`", self.column, self.source)
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

/// The kinds of text, which interchange.
pub fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// The kinds of exact fractions.
fn is_decimal(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..)
    )
}

/// The first index that is a value in `before` and none in `after`.
fn first_lost(before: &dyn Array, after: &dyn Array) -> Option<usize> {
    (0..before.len()).find(|&i| before.is_valid(i) && after.is_null(i))
}

/// A dictionary's values, repeated as its indices say; other arrays as they are.
fn plain(array: &ArrayRef) -> Result<ArrayRef, arrow::error::ArrowError> {
    match array.data_type() {
        DataType::Dictionary(_, values) => arrow::compute::cast(array, values),
        _ => Ok(Arc::clone(array)),
    }
}
