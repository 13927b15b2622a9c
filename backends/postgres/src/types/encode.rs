//! Arrow columns into COPY's binary rows.

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, OffsetSizeTrait, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampNanosecondType,
};
use bytes::{BufMut, BytesMut};
use hybrid_core::{Error, ErrorKind, Result};

use super::{Scalar, Wire, json, numeric, time};

/// What a binary COPY begins with: signature, flags, no extension.
pub(crate) const HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with.
pub(crate) const TRAILER: [u8; 2] = [255, 255];

/// The cells of one column of a batch, ready to be written.
pub(crate) struct Cells {
    array: ArrayRef,
    wire: Wire,
    /// For messages.
    place: String,
}

impl Cells {
    /// The cells of `array` as values of `wire`, which [takes](Wire::takes) its type.
    ///
    /// # Errors
    /// InvalidInput with the row, for a value that the type does not hold.
    pub(crate) fn new(array: &ArrayRef, wire: &Wire, column: &str) -> Result<Self> {
        let place = format!("column `{column}` as {}", wire.sql());
        Ok(Self {
            array: prepared(array, wire).map_err(|error| error.within(&place))?,
            wire: wire.clone(),
            place,
        })
    }

    /// Appends the value of a row with its length, -1 for NULL.
    pub(crate) fn write(&self, row: usize, out: &mut BytesMut) -> Result<()> {
        write_value(&self.array, &self.wire, row, out).map_err(|error| error.within(&self.place))
    }
}

/// Casts to the one Arrow type that each wire is written from; nothing is lost on the way.
fn prepared(array: &ArrayRef, wire: &Wire) -> Result<ArrayRef> {
    let from = array.data_type();
    let to = match wire.scalar {
        _ if *from == DataType::Null => return Ok(new_null_array(&DataType::Utf8, array.len())),
        _ if matches!(from, DataType::Dictionary(..)) => {
            let DataType::Dictionary(_, values) = from else {
                return Ok(array.clone());
            };
            return prepared(&strict_cast(array, values)?, wire);
        }
        _ if wire.array => return Ok(array.clone()),
        Scalar::Json | Scalar::Jsonb if from.is_nested() => return json::texts(array),
        Scalar::Numeric => match from {
            DataType::Decimal128(..) => return fitting_decimals(array, wire),
            DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => {
                return fitting_decimals(&strict_cast(array, &DataType::Decimal128(*p, *s))?, wire);
            }
            other => other.clone(),
        },
        Scalar::Timestamp | Scalar::TimestampTz => return micros(array),
        _ => wire.arrow(),
    };
    if *from == to {
        Ok(array.clone())
    } else {
        strict_cast(array, &to)
    }
}

fn strict_cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(array, to, &strict).map_err(|error| Error::new(ErrorKind::InvalidInput, error.to_string()))
}

/// The server would round what has more decimal places than the column. Where the described type tells them, as that of
/// times does, `hybrid_core::sql::exact` has looked at the rows of an append.
fn fitting_decimals(array: &ArrayRef, wire: &Wire) -> Result<ArrayRef> {
    if let (Some(places), DataType::Decimal128(_, scale)) = (wire.places, array.data_type()) {
        let values = array.as_primitive::<Decimal128Type>();
        if let Some(row) = first_rounded(values, i32::from(*scale) - places) {
            return Err(at_row("a value has more decimal places", row));
        }
    }
    Ok(array.clone())
}

/// Times as microseconds.
fn micros(array: &ArrayRef) -> Result<ArrayRef> {
    let zone = match array.data_type() {
        // The instant is kept: not the time on the zone's clocks.
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    if let DataType::Timestamp(TimeUnit::Nanosecond, _) = array.data_type() {
        refuse_finer(array)?;
    }
    strict_cast(array, &DataType::Timestamp(TimeUnit::Microsecond, zone))
}

/// The first value that does not end with so many zeros.
fn first_rounded(values: &Decimal128Array, zeros: i32) -> Option<usize> {
    let zeros = u32::try_from(zeros).ok().filter(|zeros| *zeros > 0)?;
    // Where there is none, no value has so many digits.
    let unit = 10_i128.checked_pow(zeros);
    let rounded = |value: i128| unit.map_or(value != 0, |unit| value % unit != 0);
    values.iter().position(|value| value.is_some_and(rounded))
}

fn refuse_finer(array: &ArrayRef) -> Result<()> {
    let values = array.as_primitive::<TimestampNanosecondType>();
    let finer = values
        .iter()
        .position(|value| value.is_some_and(|value| value % 1000 != 0));
    finer.map_or(Ok(()), |row| Err(at_row("a time is finer than microseconds", row)))
}

fn at_row(message: &str, row: usize) -> Error {
    Error::new(ErrorKind::InvalidInput, message).with_help(format!("it stands in row {} of its batch", row + 1))
}

/// What is wrong with an element of a row's list: the row is what is looked for, and not the element's place.
fn in_list(error: &Error, row: usize) -> Error {
    let message = format!("in a list, {}", error.message());
    Error::new(error.kind(), message).with_help(format!("it stands in row {} of its batch", row + 1))
}

fn write_value(array: &ArrayRef, wire: &Wire, row: usize, out: &mut BytesMut) -> Result<()> {
    if array.is_null(row) {
        out.put_i32(-1);
        return Ok(());
    }
    if wire.array {
        return match array.data_type() {
            DataType::LargeList(_) => write_list(&array.as_list::<i64>().value(row), wire, out),
            _ => write_list(&array.as_list::<i32>().value(row), wire, out),
        }
        .map_err(|error| in_list(&error, row));
    }
    match wire.scalar {
        Scalar::Bool => {
            out.put_i32(1);
            out.put_u8(u8::from(array.as_boolean().value(row)));
        }
        Scalar::Int2 => {
            out.put_i32(2);
            out.put_i16(array.as_primitive::<Int16Type>().value(row));
        }
        Scalar::Int4 => {
            out.put_i32(4);
            out.put_i32(array.as_primitive::<Int32Type>().value(row));
        }
        Scalar::Int8 => {
            out.put_i32(8);
            out.put_i64(array.as_primitive::<Int64Type>().value(row));
        }
        Scalar::Float4 => {
            out.put_i32(4);
            out.put_f32(array.as_primitive::<Float32Type>().value(row));
        }
        Scalar::Float8 => {
            out.put_i32(8);
            out.put_f64(array.as_primitive::<Float64Type>().value(row));
        }
        Scalar::Date => {
            let days = array.as_primitive::<Date32Type>().value(row);
            let days = days.checked_sub(time::EPOCH_DAYS);
            out.put_i32(4);
            out.put_i32(days.ok_or_else(|| at_row("a date is out of Postgres' range", row))?);
        }
        Scalar::Timestamp | Scalar::TimestampTz => {
            let micros = time::to_wire(array.as_primitive::<TimestampMicrosecondType>().value(row));
            out.put_i32(8);
            out.put_i64(micros.ok_or_else(|| at_row("a time is out of Postgres' range, 4713 BC to 294276", row))?);
        }
        Scalar::Numeric => {
            let DataType::Decimal128(_, scale) = array.data_type() else {
                return Err(unwritable(array, wire));
            };
            let value = array.as_primitive::<Decimal128Type>().value(row);
            match u8::try_from(*scale) {
                Ok(scale) => numeric::write(value, scale, out),
                Err(_) => return Err(unwritable(array, wire)),
            }
        }
        Scalar::Bytea => put_bytes(array.as_binary::<i32>().value(row), row, out)?,
        Scalar::Text | Scalar::Json => put_bytes(array.as_string::<i32>().value(row).as_bytes(), row, out)?,
        Scalar::Jsonb => {
            let text = array.as_string::<i32>().value(row);
            out.put_i32(length(text.len() + 1, row)?);
            out.put_u8(1);
            out.put_slice(text.as_bytes());
        }
        Scalar::Oid | Scalar::Uuid | Scalar::Time => return Err(unwritable(array, wire)),
    }
    Ok(())
}

/// An array of one dimension: dimensions, whether there are NULLs, the items' type, count, first index, items.
fn write_list(items: &ArrayRef, wire: &Wire, out: &mut BytesMut) -> Result<()> {
    let of = Wire {
        array: false,
        ..wire.clone()
    };
    let items = &prepared(items, &of)?;
    let start = out.len();
    out.put_i32(0);
    out.put_i32(i32::from(!items.is_empty()));
    out.put_i32(i32::from(items.null_count() > 0));
    out.put_u32(wire.oid);
    if !items.is_empty() {
        out.put_i32(length(items.len(), 0)?);
        out.put_i32(1);
    }
    for row in 0..items.len() {
        write_value(items, &of, row, out)?;
    }
    let written = length(out.len() - start - 4, 0)?;
    out[start..start + 4].copy_from_slice(&written.to_be_bytes());
    Ok(())
}

fn put_bytes(bytes: &[u8], row: usize, out: &mut BytesMut) -> Result<()> {
    out.put_i32(length(bytes.len(), row)?);
    out.put_slice(bytes);
    Ok(())
}

fn length(length: usize, row: usize) -> Result<i32> {
    i32::try_from(length).map_err(|_| at_row("a value has more than 2 GiB", row))
}

fn unwritable(array: &ArrayRef, wire: &Wire) -> Error {
    let message = format!("{} cannot be written as {}", array.data_type(), wire.sql());
    Error::new(ErrorKind::Unexpected, message)
}

/// The items of a list of either kind.
pub(super) fn items<O: OffsetSizeTrait>(array: &ArrayRef, row: usize) -> ArrayRef {
    array.as_list::<O>().value(row)
}
