//! Values as the engine prints them, into Arrow columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, PrimitiveBuilder, RecordBatch,
    RecordBatchOptions, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::compute::kernels::cast_utils::parse_decimal;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, SchemaRef,
    TimeUnit,
};
use hybrid_core::{Error, ErrorKind, Result};

use super::time;

/// A batch is given when it has that many rows or bytes.
const BATCH_ROWS: usize = 65_536;
const BATCH_BYTES: usize = 4 << 20;

/// Rows as they come, until they are a batch.
pub(crate) struct Rows {
    schema: SchemaRef,
    columns: Vec<Values>,
    rows: usize,
    bytes: usize,
    before: u64,
}

impl Rows {
    pub(crate) fn new(schema: SchemaRef) -> Result<Self> {
        let columns = schema.fields().iter().map(|field| Values::new(field.data_type()));
        Ok(Self {
            columns: columns.collect::<Result<_>>()?,
            schema,
            rows: 0,
            bytes: 0,
            before: 0,
        })
    }

    /// Takes one row: `None` is NULL.
    pub(crate) fn push<'a>(&mut self, row: impl ExactSizeIterator<Item = Option<&'a str>>) -> Result<()> {
        if row.len() != self.columns.len() {
            let message = format!(
                "Redshift sent a row of {} values, not {}",
                row.len(),
                self.columns.len()
            );
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        for (index, (column, value)) in self.columns.iter_mut().zip(row).enumerate() {
            self.bytes += value.map_or(1, str::len);
            if column.push(value).is_none() {
                let field = self.schema.field(index);
                let message = format!(
                    "column `{}` holds a value that {} does not hold",
                    field.name(),
                    field.data_type()
                );
                return Err(Error::new(ErrorKind::InvalidInput, message).with_help(format!(
                    "it stands in row {} of the result",
                    self.before + self.rows as u64 + 1
                )));
            }
        }
        self.rows += 1;
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
        let columns = self.columns.iter_mut().map(Values::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.before += self.rows as u64;
        (self.rows, self.bytes) = (0, 0);
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?;
        Ok(Some(batch))
    }
}

/// The values of one column.
enum Values {
    Bool(BooleanBuilder),
    Int16(PrimitiveBuilder<Int16Type>),
    Int32(PrimitiveBuilder<Int32Type>),
    Int64(PrimitiveBuilder<Int64Type>),
    Float32(PrimitiveBuilder<Float32Type>),
    Float64(PrimitiveBuilder<Float64Type>),
    Decimal(Decimal128Builder, u8, i8),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    Instant(TimestampMicrosecondBuilder),
}

impl Values {
    fn new(data_type: &DataType) -> Result<Self> {
        Ok(match data_type {
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::Int16 => Self::Int16(PrimitiveBuilder::new()),
            DataType::Int32 => Self::Int32(PrimitiveBuilder::new()),
            DataType::Int64 => Self::Int64(PrimitiveBuilder::new()),
            DataType::Float32 => Self::Float32(PrimitiveBuilder::new()),
            DataType::Float64 => Self::Float64(PrimitiveBuilder::new()),
            DataType::Decimal128(p, s) => {
                Self::Decimal(Decimal128Builder::new().with_data_type(data_type.clone()), *p, *s)
            }
            DataType::Utf8 => Self::Text(StringBuilder::new()),
            DataType::Binary => Self::Bytes(BinaryBuilder::new()),
            DataType::Date32 => Self::Date(Date32Builder::new()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Self::Instant(TimestampMicrosecondBuilder::new().with_data_type(data_type.clone()))
            }
            other => {
                let message = format!("Redshift has no values of {other}");
                return Err(Error::new(ErrorKind::Unexpected, message));
            }
        })
    }

    /// `None` when the text is no value.
    fn push(&mut self, text: Option<&str>) -> Option<()> {
        match self {
            Self::Bool(values) => values.append_option(parsed(text, boolean)?),
            Self::Int16(values) => number(values, text)?,
            Self::Int32(values) => number(values, text)?,
            Self::Int64(values) => number(values, text)?,
            Self::Float32(values) => number(values, text)?,
            Self::Float64(values) => number(values, text)?,
            Self::Decimal(values, p, s) => {
                let (precision, scale) = (*p, *s);
                values.append_option(parsed(text, |text| {
                    parse_decimal::<Decimal128Type>(text, precision, scale).ok()
                })?);
            }
            Self::Text(values) => values.append_option(text),
            Self::Bytes(values) => values.append_option(parsed(text, bytes)?),
            Self::Date(values) => values.append_option(parsed(text, time::date)?),
            Self::Instant(values) => values.append_option(parsed(text, time::timestamp)?),
        }
        Some(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Bool(values) => Arc::new(values.finish()),
            Self::Int16(values) => Arc::new(values.finish()),
            Self::Int32(values) => Arc::new(values.finish()),
            Self::Int64(values) => Arc::new(values.finish()),
            Self::Float32(values) => Arc::new(values.finish()),
            Self::Float64(values) => Arc::new(values.finish()),
            Self::Decimal(values, ..) => Arc::new(values.finish()),
            Self::Text(values) => Arc::new(values.finish()),
            Self::Bytes(values) => Arc::new(values.finish()),
            Self::Date(values) => Arc::new(values.finish()),
            Self::Instant(values) => Arc::new(values.finish()),
        }
    }
}

/// NULL stays NULL; outer `None` when the text is no value.
fn parsed<T>(text: Option<&str>, parse: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    match text {
        None => Some(None),
        Some(text) => parse(text).map(Some),
    }
}

fn number<T: ArrowPrimitiveType<Native: std::str::FromStr>>(
    values: &mut PrimitiveBuilder<T>,
    text: Option<&str>,
) -> Option<()> {
    values.append_option(parsed(text, |text| text.parse().ok())?);
    Some(())
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "t" | "true" | "1" => Some(true),
        "f" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// Hexadecimal digits, as Redshift prints bytes; PostgreSQL puts `\x` before them.
pub(crate) fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x").unwrap_or(text).as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::AsArray;

    use super::super::field;
    use super::*;

    fn rows(types: &[&str]) -> Rows {
        let numeric = Some((10, 2));
        let fields: Vec<_> = types.iter().map(|name| field(name, name, numeric)).collect();
        Rows::new(Arc::new(arrow::datatypes::Schema::new(fields))).unwrap()
    }

    #[test]
    fn texts_become_values() {
        let types = [
            "bool",
            "int2",
            "int8",
            "float8",
            "numeric",
            "varchar",
            "varbyte",
            "date",
            "timestamptz",
        ];
        let mut rows = rows(&types);
        let row = [
            "t",
            "-7",
            "9223372036854775807",
            "Infinity",
            "-12.30",
            "ü",
            "\\x00ff",
            "1970-01-02",
            "1970-01-01 00:00:00+00",
        ];
        rows.push(row.into_iter().map(Some)).unwrap();
        rows.push(types.iter().map(|_| None)).unwrap();
        let batch = rows.finish().unwrap().unwrap();
        assert_eq!(batch.num_rows(), 2);
        assert!(
            batch
                .columns()
                .iter()
                .all(|column| column.is_null(1) && !column.is_null(0))
        );
        assert_eq!(batch.column(3).as_primitive::<Float64Type>().value(0), f64::INFINITY);
        assert_eq!(batch.column(4).as_primitive::<Decimal128Type>().value(0), -1230);
        assert_eq!(batch.column(6).as_binary::<i32>().value(0), [0, 255]);
    }

    #[test]
    fn what_is_no_value_is_an_error_with_its_place() {
        for (name, text) in [
            ("bool", "x"),
            ("int2", "40000"),
            ("date", "infinity"),
            ("varbyte", "0"),
            ("float4", ""),
        ] {
            let error = rows(&[name]).push([Some(text)].into_iter()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("row 1"), "{error}");
        }
        assert_eq!(
            rows(&["int2"]).push([].into_iter()).unwrap_err().kind(),
            ErrorKind::Corrupt
        );
    }
}
