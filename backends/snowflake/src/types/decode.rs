//! What Snowflake sends as Arrow, in the types that were described: numbers come in the narrowest type that holds
//! those of a batch, timestamps as seconds and nanoseconds.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Int64Array, RecordBatch, RecordBatchOptions, Time64MicrosecondArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Int32Type, Int64Type, SchemaRef};
use hybrid_core::{Error, ErrorKind, Result};

use super::{Type, described};
use crate::client::message::Column;
use crate::error::protocol;

/// Makes batches of the described types.
#[derive(Debug, Clone)]
pub(crate) struct Decoder {
    schema: SchemaRef,
    types: Arc<[Type]>,
}

impl Decoder {
    pub(crate) fn new(columns: &[Column]) -> Self {
        Self {
            schema: described(columns),
            types: columns.iter().map(Type::of).collect(),
        }
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(crate) fn decode(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        if batch.num_columns() != self.types.len() {
            let message = format!("{} columns instead of {}", batch.num_columns(), self.types.len());
            return Err(protocol(message));
        }
        let columns = batch.columns().iter().zip(self.types.iter()).zip(self.schema.fields());
        let columns = columns.map(|((array, kind), field)| {
            let decoded = decoded(array, *kind);
            decoded.map_err(|error| error.within(&format!("column `{}`", field.name())))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            SchemaRef::clone(&self.schema),
            columns,
            &options,
        )?)
    }
}

fn decoded(array: &ArrayRef, kind: Type) -> Result<ArrayRef> {
    let wanted = kind.arrow();
    if *array.data_type() == wanted {
        return Ok(Arc::clone(array));
    }
    if *array.data_type() == DataType::Null {
        return Ok(new_null_array(&wanted, array.len()));
    }
    match kind {
        Type::Integer => integers(array),
        Type::Decimal(precision, scale) => decimals(array, precision, scale),
        Type::Time(digits) => {
            let units = whole(array)?;
            let micros = units.unary_opt::<_, Int64Type>(|value| micros_of(value, digits));
            Ok(Arc::new(Time64MicrosecondArray::new(
                micros.values().clone(),
                micros.nulls().cloned(),
            )))
        }
        Type::Timestamp(digits, zoned) => timestamps(array, digits, zoned),
        Type::Boolean | Type::Real | Type::Text | Type::Binary | Type::Date => strict(array, &wanted),
    }
}

fn strict(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(array, wanted, &options)
        .map_err(|error| protocol(format!("{} is no {wanted}: {error}", array.data_type())))
}

/// Whole numbers of any width, without a scale.
fn whole(array: &ArrayRef) -> Result<Int64Array> {
    if !array.data_type().is_integer() {
        return Err(protocol(format!("{} instead of whole numbers", array.data_type())));
    }
    Ok(cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
}

fn integers(array: &ArrayRef) -> Result<ArrayRef> {
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(array, &DataType::Int64, &options).map_err(|_| {
        Error::new(
            ErrorKind::InvalidInput,
            "a number of NUMBER(38,0) is too large for 64 bits",
        )
        .with_help("cast it in a query: NUMBER(37,0) comes as decimal, VARCHAR as text")
    })
}

/// Decimals come as whole numbers of their last digit, where those are small enough.
fn decimals(array: &ArrayRef, precision: u8, scale: i8) -> Result<ArrayRef> {
    if array.data_type().is_integer() {
        let units = whole(array)?;
        let digits: Decimal128Array = units.unary(i128::from);
        return Ok(Arc::new(digits.with_precision_and_scale(precision, scale)?));
    }
    strict(array, &DataType::Decimal128(precision, scale))
}

/// So many units of ten to the minus `digits` seconds as microseconds, floored.
fn micros_of(value: i64, digits: u32) -> Option<i64> {
    match digits {
        0..=6 => value.checked_mul(10_i64.pow(6 - digits)),
        _ => Some(value.div_euclid(10_i64.pow(digits - 6))),
    }
}

fn timestamps(array: &ArrayRef, digits: u32, zoned: bool) -> Result<ArrayRef> {
    let micros: Int64Array = match array.data_type() {
        DataType::Struct(_) => parts(array, digits)?,
        _ => whole(array)?.unary_opt(|value| micros_of(value, digits)),
    };
    let made = TimestampMicrosecondArray::new(micros.values().clone(), micros.nulls().cloned());
    Ok(Arc::new(made.with_timezone_opt(zoned.then_some("UTC"))))
}

/// Seconds and nanoseconds, or units alone; a zone beside them does not move the instant.
fn parts(array: &ArrayRef, digits: u32) -> Result<Int64Array> {
    let parts = array.as_struct();
    let missing = || protocol("a timestamp without its epoch");
    let epoch = whole(parts.column_by_name("epoch").ok_or_else(missing)?)?;
    // A missing value is a missing struct, or has missing parts.
    let nulls = NullBuffer::union(parts.nulls(), epoch.nulls());
    let Some(fraction) = parts.column_by_name("fraction") else {
        let micros = epoch.unary_opt::<_, Int64Type>(|value| micros_of(value, digits));
        let nulls = NullBuffer::union(nulls.as_ref(), micros.nulls());
        return Ok(Int64Array::new(micros.values().clone(), nulls));
    };
    let fraction = cast(fraction, &DataType::Int32)?;
    let fraction = fraction.as_primitive::<Int32Type>();
    let micros = epoch
        .values()
        .iter()
        .zip(fraction.values())
        .enumerate()
        .map(|(row, (seconds, nanos))| {
            let known = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
            known
                .then(|| {
                    seconds
                        .checked_mul(1_000_000)?
                        .checked_add(i64::from(*nanos).div_euclid(1_000))
                })
                .flatten()
        });
    Ok(micros.collect())
}
