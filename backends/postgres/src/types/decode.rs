//! COPY's binary rows into Arrow columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder, Float64Builder,
    Int16Builder, Int32Builder, Int64Builder, ListArray, NullBufferBuilder, RecordBatch, RecordBatchOptions,
    StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, SchemaRef};
use bytes::BytesMut;
use hybrid_core::{Error, ErrorKind, Result};

use super::encode::HEADER;
use super::{Scalar, Wire, numeric, time};

/// A batch is given when it has that many rows or bytes.
const BATCH_ROWS: usize = 65_536;
const BATCH_BYTES: usize = 4 << 20;

/// Why a value is none.
type Wrong = &'static str;

const MALFORMED: Wrong = "has malformed bytes";
const INFINITE: Wrong =
    "holds an infinite time, which Arrow cannot hold: select NULLIF(column, 'infinity') in the source's query";

/// Rows as they come, until they are a batch.
pub(crate) struct Rows {
    schema: SchemaRef,
    columns: Vec<Values>,
    /// The start of a row or of the header whose rest has not come.
    rest: BytesMut,
    header: bool,
    rows: usize,
    bytes: usize,
    before: u64,
}

impl Rows {
    pub(crate) fn new(schema: SchemaRef, wires: &[Wire]) -> Self {
        Self {
            columns: wires.iter().map(Values::new).collect(),
            schema,
            rest: BytesMut::new(),
            header: false,
            rows: 0,
            bytes: 0,
            before: 0,
        }
    }

    /// Takes bytes of the stream, cut anywhere.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if self.rest.is_empty() {
            let used = self.read(bytes)?;
            self.rest.extend_from_slice(&bytes[used..]);
            return Ok(());
        }
        self.rest.extend_from_slice(bytes);
        let all = std::mem::take(&mut self.rest);
        let used = self.read(&all)?;
        self.rest.extend_from_slice(&all[used..]);
        Ok(())
    }

    /// A batch is due.
    pub(crate) fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    /// What has come since the last batch; `None` when that is nothing.
    pub(crate) fn finish(&mut self) -> Result<Option<RecordBatch>> {
        if self.rows == 0 {
            return Ok(None);
        }
        let columns = self.columns.iter_mut().map(Values::finish).collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.before += self.rows as u64;
        (self.rows, self.bytes) = (0, 0);
        Ok(Some(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns,
            &options,
        )?))
    }

    /// Reads whole rows and returns how many bytes they have.
    fn read(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut at = 0;
        if !self.header {
            // Signature, flags, and the length of an extension that nobody sends.
            if bytes.len() < HEADER.len() {
                return Ok(0);
            }
            at = HEADER.len();
            self.header = true;
        }
        while let Some(length) = whole_row(&bytes[at..], self.columns.len())? {
            if length > 2 {
                self.row(&bytes[at + 2..at + length])?;
            } else if bytes[at] == 0 {
                self.rows += 1;
            }
            at += length;
        }
        Ok(at)
    }

    fn row(&mut self, mut row: &[u8]) -> Result<()> {
        self.bytes += row.len();
        for (index, column) in self.columns.iter_mut().enumerate() {
            let value = take_value(&mut row).ok_or_else(corrupt)?;
            if let Err(wrong) = column.push(value) {
                let number = self.before + self.rows as u64 + 1;
                return Err(refused(self.schema.field(index), number, wrong));
            }
        }
        self.rows += 1;
        Ok(())
    }
}

/// The length of the row that `bytes` begins with; `None` when its end has not come. The end of the
/// stream counts as a row of two bytes.
fn whole_row(bytes: &[u8], columns: usize) -> Result<Option<usize>> {
    let Some(count) = bytes.first_chunk::<2>() else {
        return Ok(None);
    };
    match i16::from_be_bytes(*count) {
        -1 => return Ok(Some(2)),
        count if usize::try_from(count) == Ok(columns) => {}
        _ => return Err(corrupt()),
    }
    let mut at = 2;
    for _ in 0..columns {
        let Some(length) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) else {
            return Ok(None);
        };
        at += 4 + usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
    }
    Ok((at <= bytes.len()).then_some(at))
}

/// The next value of a row or of an array: outer `None` when the bytes do not hold one.
fn take_value<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
        *bytes = rest;
        return Some(None);
    };
    let value = rest.get(..length)?;
    *bytes = &rest[length..];
    Some(Some(value))
}

fn corrupt() -> Error {
    Error::new(ErrorKind::Corrupt, "the Postgres server sent a row that is none")
}

fn refused(field: &Field, row: u64, wrong: Wrong) -> Error {
    let kind = if wrong == MALFORMED {
        ErrorKind::Corrupt
    } else {
        ErrorKind::InvalidInput
    };
    Error::new(kind, format!("column `{}` {wrong}", field.name()))
        .with_help(format!("it stands in row {row} of the result"))
}

/// The values of one column, or of the arrays in one.
enum Values {
    Bool(BooleanBuilder),
    Int2(Int16Builder),
    Int4(Int32Builder),
    Int8(Int64Builder),
    Oid(Int64Builder),
    Float4(Float32Builder),
    Float8(Float64Builder),
    Decimal(Decimal128Builder, i8),
    /// A scalar that has a text, and room to write one.
    Text(StringBuilder, Scalar, String),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    Instant(TimestampMicrosecondBuilder),
    List {
        items: Box<Values>,
        item: DataType,
        ends: Vec<i32>,
        valid: NullBufferBuilder,
    },
}

impl Values {
    fn new(wire: &Wire) -> Self {
        if wire.array {
            let of = Wire {
                array: false,
                ..wire.clone()
            };
            return Self::List {
                items: Box::new(Self::new(&of)),
                item: of.arrow(),
                ends: vec![0],
                valid: NullBufferBuilder::new(0),
            };
        }
        match wire.scalar {
            Scalar::Bool => Self::Bool(BooleanBuilder::new()),
            Scalar::Int2 => Self::Int2(Int16Builder::new()),
            Scalar::Int4 => Self::Int4(Int32Builder::new()),
            Scalar::Int8 => Self::Int8(Int64Builder::new()),
            Scalar::Oid => Self::Oid(Int64Builder::new()),
            Scalar::Float4 => Self::Float4(Float32Builder::new()),
            Scalar::Float8 => Self::Float8(Float64Builder::new()),
            Scalar::Bytea => Self::Bytes(BinaryBuilder::new()),
            Scalar::Date => Self::Date(Date32Builder::new()),
            Scalar::Timestamp | Scalar::TimestampTz => {
                Self::Instant(TimestampMicrosecondBuilder::new().with_data_type(wire.arrow()))
            }
            Scalar::Numeric => match wire.decimal {
                Some((_, scale)) => Self::Decimal(Decimal128Builder::new().with_data_type(wire.arrow()), scale),
                None => Self::Text(StringBuilder::new(), Scalar::Numeric, String::new()),
            },
            Scalar::Text | Scalar::Json | Scalar::Jsonb | Scalar::Uuid | Scalar::Time => {
                Self::Text(StringBuilder::new(), wire.scalar, String::new())
            }
        }
    }

    fn push(&mut self, value: Option<&[u8]>) -> Result<(), Wrong> {
        let Some(bytes) = value else {
            self.push_null();
            return Ok(());
        };
        match self {
            Self::Bool(values) => values.append_value(*bytes.first().ok_or(MALFORMED)? != 0),
            Self::Int2(values) => values.append_value(i16::from_be_bytes(sized(bytes)?)),
            Self::Int4(values) => values.append_value(i32::from_be_bytes(sized(bytes)?)),
            Self::Int8(values) => values.append_value(i64::from_be_bytes(sized(bytes)?)),
            Self::Oid(values) => values.append_value(i64::from(u32::from_be_bytes(sized(bytes)?))),
            Self::Float4(values) => values.append_value(f32::from_be_bytes(sized(bytes)?)),
            Self::Float8(values) => values.append_value(f64::from_be_bytes(sized(bytes)?)),
            Self::Bytes(values) => values.append_value(bytes),
            Self::Decimal(values, scale) => {
                let value = numeric::unscaled(bytes, *scale);
                values.append_value(value.ok_or("holds NaN, which a decimal of Arrow cannot hold")?);
            }
            Self::Date(values) => {
                let days = i32::from_be_bytes(sized(bytes)?);
                let infinite = days == i32::MAX || days == i32::MIN;
                let days = days.checked_add(time::EPOCH_DAYS).filter(|_| !infinite);
                values.append_value(days.ok_or(INFINITE)?);
            }
            Self::Instant(values) => {
                let micros = time::from_wire(i64::from_be_bytes(sized(bytes)?));
                values.append_value(micros.ok_or(INFINITE)?);
            }
            Self::Text(values, scalar, scratch) => push_text(values, *scalar, scratch, bytes)?,
            Self::List { items, ends, valid, .. } => {
                let count = push_items(items, bytes)?;
                let end = ends.last().copied().unwrap_or(0).checked_add(count);
                ends.push(end.ok_or("has more than 2^31 array elements in one batch")?);
                valid.append_non_null();
            }
        }
        Ok(())
    }

    fn push_null(&mut self) {
        match self {
            Self::Bool(values) => values.append_null(),
            Self::Int2(values) => values.append_null(),
            Self::Int4(values) => values.append_null(),
            Self::Int8(values) | Self::Oid(values) => values.append_null(),
            Self::Float4(values) => values.append_null(),
            Self::Float8(values) => values.append_null(),
            Self::Decimal(values, _) => values.append_null(),
            Self::Text(values, ..) => values.append_null(),
            Self::Bytes(values) => values.append_null(),
            Self::Date(values) => values.append_null(),
            Self::Instant(values) => values.append_null(),
            Self::List { ends, valid, .. } => {
                ends.push(ends.last().copied().unwrap_or(0));
                valid.append_null();
            }
        }
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(match self {
            Self::Bool(values) => Arc::new(values.finish()),
            Self::Int2(values) => Arc::new(values.finish()),
            Self::Int4(values) => Arc::new(values.finish()),
            Self::Int8(values) | Self::Oid(values) => Arc::new(values.finish()),
            Self::Float4(values) => Arc::new(values.finish()),
            Self::Float8(values) => Arc::new(values.finish()),
            Self::Decimal(values, _) => Arc::new(values.finish()),
            Self::Text(values, ..) => Arc::new(values.finish()),
            Self::Bytes(values) => Arc::new(values.finish()),
            Self::Date(values) => Arc::new(values.finish()),
            Self::Instant(values) => Arc::new(values.finish()),
            Self::List {
                items,
                item,
                ends,
                valid,
            } => {
                let field = Arc::new(Field::new_list_field(item.clone(), true));
                let ends = std::mem::replace(ends, vec![0]);
                Arc::new(ListArray::try_new(
                    field,
                    OffsetBuffer::new(ends.into()),
                    items.finish()?,
                    valid.finish(),
                )?)
            }
        })
    }
}

fn push_text(values: &mut StringBuilder, scalar: Scalar, scratch: &mut String, bytes: &[u8]) -> Result<(), Wrong> {
    scratch.clear();
    match scalar {
        Scalar::Numeric => numeric::text(bytes, scratch).ok_or(MALFORMED)?,
        Scalar::Time => time::time_of_day(i64::from_be_bytes(sized(bytes)?), scratch),
        Scalar::Uuid => {
            let uuid = uuid::Uuid::from_slice(bytes).map_err(|_| MALFORMED)?;
            values.append_value(uuid.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
            return Ok(());
        }
        _ => {
            // A jsonb begins with the version of its form.
            let text = if scalar == Scalar::Jsonb {
                bytes.strip_prefix(&[1]).ok_or(MALFORMED)?
            } else {
                bytes
            };
            values.append_value(std::str::from_utf8(text).map_err(|_| "holds text that is not UTF-8")?);
            return Ok(());
        }
    }
    values.append_value(&scratch);
    Ok(())
}

/// Appends the items of an array and returns how many there are.
fn push_items(items: &mut Values, mut bytes: &[u8]) -> Result<i32, Wrong> {
    let mut word = || -> Result<i32, Wrong> {
        let (word, rest) = bytes.split_first_chunk::<4>().ok_or(MALFORMED)?;
        bytes = rest;
        Ok(i32::from_be_bytes(*word))
    };
    let (dimensions, _flags, _type) = (word()?, word()?, word()?);
    match dimensions {
        0 => return Ok(0),
        1 => {}
        _ => return Err("holds an array of several dimensions: select to_jsonb(column) in the source's query"),
    }
    let (count, _lower) = (word()?, word()?);
    for _ in 0..count {
        items.push(take_value(&mut bytes).ok_or(MALFORMED)?)?;
    }
    Ok(count)
}

fn sized<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Wrong> {
    bytes.try_into().map_err(|_| MALFORMED)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::{Int32Type, Schema};
    use tokio_postgres::types::Type;

    use super::*;

    fn rows() -> (SchemaRef, Vec<Wire>, Vec<u8>) {
        let wires = vec![Wire::of(&Type::INT4, -1).unwrap(), Wire::of(&Type::TEXT, -1).unwrap()];
        let fields: Vec<_> = wires.iter().map(|wire| Field::new("c", wire.arrow(), true)).collect();
        let mut bytes = HEADER.to_vec();
        for value in [1_i32, 2, 3] {
            bytes.extend([0, 2, 0, 0, 0, 4]);
            bytes.extend(value.to_be_bytes());
            bytes.extend(if value == 2 {
                vec![255; 4]
            } else {
                vec![0, 0, 0, 1, b'a']
            });
        }
        bytes.extend([255, 255]);
        (Arc::new(Schema::new(fields)), wires, bytes)
    }

    #[test]
    fn a_stream_may_be_cut_anywhere() {
        let (schema, wires, bytes) = rows();
        for size in 1..bytes.len() {
            let mut rows = Rows::new(schema.clone(), &wires);
            for part in bytes.chunks(size) {
                rows.push(part).unwrap();
            }
            let batch = rows.finish().unwrap().unwrap();
            assert_eq!(batch.column(0).as_primitive::<Int32Type>().values(), &[1, 2, 3]);
            let texts: Vec<_> = batch.column(1).as_string::<i32>().iter().collect();
            assert_eq!(texts, [Some("a"), None, Some("a")], "{size}");
            assert!(rows.finish().unwrap().is_none());
        }
    }

    #[test]
    fn damaged_streams_are_errors_and_no_panics() {
        let (schema, wires, bytes) = rows();
        for at in HEADER.len()..bytes.len() {
            for bad in [0, 1, 127, 128, 255] {
                let mut damaged = bytes.clone();
                damaged[at] = bad;
                let mut rows = Rows::new(schema.clone(), &wires);
                let _ = rows.push(&damaged).and_then(|()| rows.finish());
            }
        }
    }
}
