//! Join keys in the form in which they are hashed and compared.

use std::ops::Range;
use std::sync::LazyLock;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::row::{RowConverter, SortField};
use hashbrown::DefaultHashBuilder;
use std::hash::BuildHasher;

use super::batch::check_types;
use crate::{Error, ErrorKind, Result};

/// One seed for the process, so that hashes of different workers compare.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// Turns key columns into [`KeyRows`].
pub(super) struct KeyEncoder {
    types: Vec<DataType>,
    form: Form,
}

enum Form {
    /// Every column is one or two 64-bit words.
    Words,
    /// One column of strings or bytes, taken as it is.
    Bytes,
    /// Anything else, through Arrow's row format.
    Rows(RowConverter),
}

/// The keys of some rows. Rows with a NULL in any column are not valid, whatever stands there.
pub(super) struct KeyRows {
    pub(super) nulls: Option<NullBuffer>,
    pub(super) values: KeyValues,
}

pub(super) enum KeyValues {
    Words(Vec<ScalarBuffer<i64>>),
    Bytes(BinaryArray),
}

impl KeyEncoder {
    pub(super) fn new(types: &[DataType]) -> Result<Self> {
        types.iter().try_for_each(check_key_type)?;
        let form = match types {
            [DataType::Utf8 | DataType::Binary] => Form::Bytes,
            _ if types.iter().any(|t| matches!(t, DataType::Utf8 | DataType::Binary)) => {
                Form::Rows(RowConverter::new(types.iter().cloned().map(SortField::new).collect())?)
            }
            _ => Form::Words,
        };
        Ok(Self {
            types: types.to_vec(),
            form,
        })
    }

    /// How many 64-bit words a key has; `None` when it is bytes.
    pub(super) fn words(&self) -> Option<usize> {
        let width = |t: &DataType| 1 + usize::from(matches!(t, DataType::Decimal128(..)));
        matches!(self.form, Form::Words).then(|| self.types.iter().map(width).sum())
    }

    pub(super) fn encode(&self, keys: &[ArrayRef]) -> Result<KeyRows> {
        check_types("key", keys, &self.types)?;
        let nulls = keys
            .iter()
            .fold(None, |nulls, key| NullBuffer::union(nulls.as_ref(), key.nulls()));
        let values = match &self.form {
            Form::Words => KeyValues::Words(keys.iter().map(words_of).collect::<Result<Vec<_>>>()?.concat()),
            Form::Bytes => KeyValues::Bytes(bytes_of(&keys[0])),
            Form::Rows(converter) => KeyValues::Bytes(converter.convert_columns(keys)?.try_into_binary()?),
        };
        Ok(KeyRows { nulls, values })
    }
}

fn check_key_type(data_type: &DataType) -> Result<()> {
    match data_type {
        DataType::Int64
        | DataType::Utf8
        | DataType::Binary
        | DataType::Boolean
        | DataType::Date32
        | DataType::Timestamp(TimeUnit::Microsecond, _)
        | DataType::Decimal128(..) => Ok(()),
        other => Err(
            Error::new(ErrorKind::InvalidInput, format!("cannot join on a key of type {other}"))
                .with_help("keys are Int64, Utf8, Binary, Boolean, Date32, Timestamp(µs) or Decimal128"),
        ),
    }
}

fn words_of(key: &ArrayRef) -> Result<Vec<ScalarBuffer<i64>>> {
    Ok(match key.data_type() {
        DataType::Int64 => vec![key.as_primitive::<Int64Type>().values().clone()],
        DataType::Timestamp(..) => vec![key.as_primitive::<TimestampMicrosecondType>().values().clone()],
        DataType::Date32 => {
            let days = key.as_primitive::<Date32Type>().values();
            vec![days.iter().map(|day| i64::from(*day)).collect()]
        }
        DataType::Boolean => vec![key.as_boolean().values().iter().map(i64::from).collect()],
        DataType::Decimal128(..) => {
            let values = key.as_primitive::<Decimal128Type>().values();
            let high = values.iter().map(|value| (value >> 64) as i64).collect();
            vec![high, values.iter().map(|value| *value as i64).collect()]
        }
        other => {
            return Err(Error::new(
                ErrorKind::Unexpected,
                format!("{other} is not a key of words"),
            ));
        }
    })
}

fn bytes_of(key: &ArrayRef) -> BinaryArray {
    match key.as_string_opt::<i32>() {
        Some(text) => BinaryArray::from(text.clone()),
        None => key.as_binary::<i32>().clone(),
    }
}

impl KeyRows {
    /// Hashes the rows of `range`, in order. One word hashes to a different value for each key, so
    /// that equal hashes are equal keys there.
    pub(super) fn hash(&self, range: Range<usize>, hashes: &mut Vec<u64>) {
        hashes.clear();
        match &self.values {
            KeyValues::Bytes(bytes) => hashes.extend(range.map(|row| hash_bytes(bytes.value(row)))),
            KeyValues::Words(columns) => {
                let Some((first, rest)) = columns.split_first() else {
                    hashes.resize(range.len(), 0);
                    return;
                };
                hashes.extend(first[range.clone()].iter().map(|word| mix(*word as u64)));
                for column in rest {
                    for (hash, word) in hashes.iter_mut().zip(&column[range.clone()]) {
                        *hash = combine(*hash, *word);
                    }
                }
            }
        }
    }
}

/// A bijection whose high bits depend on every bit of the key.
#[inline]
fn mix(word: u64) -> u64 {
    let mut hash = word.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    hash ^= hash >> 32;
    hash.wrapping_mul(0xA24B_AED4_963E_E407)
}

#[inline]
fn combine(hash: u64, word: i64) -> u64 {
    mix(hash.rotate_left(29) ^ mix(word as u64))
}

#[inline]
fn hash_bytes(bytes: &[u8]) -> u64 {
    HASHER.hash_one(bytes)
}
