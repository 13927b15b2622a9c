//! Feature rows as the join takes them.

use arrow::array::{Array, ArrayRef, Int64Array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;

use crate::{Error, ErrorKind, Result};

/// Feature rows as the join sees them; all arrays have the same length.
///
/// Larger batches cost less per row: values that are overtaken within a batch are never copied.
/// 8,192 to 65,536 rows are a good size.
pub struct FeatureBatch {
    /// The join keys, in the order of the index and in its canonical types.
    pub keys: Vec<ArrayRef>,
    /// Event time, microseconds UTC; a NULL row is ignored.
    pub times: Int64Array,
    /// Created time, microseconds UTC. `None` when the source has no such column: nothing is
    /// filtered by it then.
    pub created: Option<Int64Array>,
    /// The features' values, in output order and type.
    pub features: Vec<ArrayRef>,
    /// Where the first row stands among all rows of the source: decides exact ties, the larger wins.
    pub sequence: u64,
}

impl FeatureBatch {
    pub(super) fn rows(&self) -> usize {
        self.times.len()
    }

    /// Checks that the features have the types the operator was made for and that no array is
    /// shorter or longer than the times.
    pub(super) fn check(&self, features: &[DataType]) -> Result<()> {
        check_types("feature", &self.features, features)?;
        let created = self.created.iter().map(|created| ("created", created as &dyn Array));
        let keys = self.keys.iter().map(|key| ("key", key.as_ref()));
        let values = self.features.iter().map(|feature| ("feature", feature.as_ref()));
        for (what, array) in created.chain(keys).chain(values) {
            check_length(what, array.len(), self.rows())?;
        }
        if u32::try_from(self.rows()).is_err() || self.sequence.checked_add(self.rows() as u64).is_none() {
            return Err(Error::new(
                ErrorKind::ResourceExhausted,
                format!(
                    "a batch of {} feature rows from sequence {}: more than fits",
                    self.rows(),
                    self.sequence
                ),
            )
            .with_help("push smaller batches"));
        }
        Ok(())
    }

    /// The created times, in the form in which they are compared.
    pub(super) fn created(&self) -> Created<'_> {
        match &self.created {
            None => Created::None,
            Some(created) => Created::Some(created.values(), created.nulls()),
        }
    }
}

/// The created times of a batch.
#[derive(Clone, Copy)]
pub(super) enum Created<'a> {
    None,
    Some(&'a [i64], Option<&'a NullBuffer>),
}

impl Created<'_> {
    /// The created time of a row; NULL is the smallest number and loses to any value.
    #[inline]
    pub(super) fn at(&self, row: usize) -> i64 {
        match self {
            Self::Some(values, None) => values[row].max(i64::MIN + 1),
            Self::Some(values, Some(nulls)) if nulls.is_valid(row) => values[row].max(i64::MIN + 1),
            _ => i64::MIN,
        }
    }
}

pub(super) fn check_length(what: &str, length: usize, rows: usize) -> Result<()> {
    if length == rows {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidInput,
        format!("a {what} column has {length} rows, the times beside it have {rows}"),
    ))
}

pub(super) fn check_types(what: &str, arrays: &[ArrayRef], types: &[DataType]) -> Result<()> {
    if arrays.len() != types.len() {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!("{} {what} columns where the join has {}", arrays.len(), types.len()),
        ));
    }
    for (position, (array, expected)) in arrays.iter().zip(types).enumerate() {
        if array.data_type() != expected {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "{what} column {} is of type {}, the join has {expected} there",
                    position + 1,
                    array.data_type()
                ),
            )
            .with_help("cast the column before it is pushed"));
        }
    }
    Ok(())
}
