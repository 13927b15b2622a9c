//! Columns of a table in the form that the operations need.

use hybrid_core::arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, UInt64Array};
use hybrid_core::arrow::compute::{CastOptions, cast_with_options, take};
use hybrid_core::arrow::datatypes::{DataType, Field, Int64Type, TimeUnit};
use hybrid_core::arrow::row::{RowConverter, SortField};
use hybrid_core::{Error, ErrorKind, OutputColumn, Result};

/// A join key of a row in comparable bytes; none where one of its parts is NULL.
pub(crate) type Key = Option<Vec<u8>>;

/// The column of that name.
pub(crate) fn column<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    rows.column_by_name(name).ok_or_else(|| {
        let known: Vec<&str> = rows
            .schema_ref()
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        Error::new(ErrorKind::NotFound, format!("column `{name}` does not exist"))
            .with_help(format!("the table has {}", known.join(", ")))
    })
}

/// The column in another type; a value that does not fit is an error, not NULL.
pub(crate) fn cast(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    let checked = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(array, data_type, &checked)
        .map_err(|error| Error::new(ErrorKind::InvalidInput, format!("a value is no {data_type}")).with_cause(error))
}

/// One key per row. Without key columns every row has the same, empty key.
pub(crate) fn keys(columns: &[ArrayRef], rows: usize) -> Result<Vec<Key>> {
    if columns.is_empty() {
        return Ok(vec![Some(Vec::new()); rows]);
    }
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone()));
    let encoded = RowConverter::new(fields.collect())?.convert_columns(columns)?;
    let key = |row| {
        let whole = columns.iter().all(|column| column.is_valid(row));
        whole.then(|| encoded.row(row).as_ref().to_vec())
    };
    Ok((0..rows).map(key).collect())
}

/// A timestamp column in microseconds. Arrow counts a zoned one in UTC, and a naive one is UTC.
pub(crate) fn micros(rows: &RecordBatch, name: &str) -> Result<Int64Array> {
    let times = column(rows, name)?;
    let DataType::Timestamp(unit, _) = times.data_type() else {
        let message = format!("column `{name}` is a {}, not a timestamp", times.data_type());
        return Err(Error::new(ErrorKind::InvalidInput, message));
    };
    let raw = cast(times, &DataType::Int64)?;
    let raw = raw.as_primitive::<Int64Type>();
    Ok(match unit {
        TimeUnit::Second => raw.unary_opt(|time| time.checked_mul(1_000_000)),
        TimeUnit::Millisecond => raw.unary_opt(|time| time.checked_mul(1_000)),
        TimeUnit::Microsecond => raw.clone(),
        TimeUnit::Nanosecond => raw.unary(|time| time.div_euclid(1_000)),
    })
}

/// The value of an optional column in one row.
pub(crate) fn value(column: &Int64Array, row: usize) -> Option<i64> {
    column.is_valid(row).then(|| column.value(row))
}

/// These rows of a column, NULL where there is none, under the name and in the type asked for.
pub(crate) fn output(rows: &RecordBatch, asked: &OutputColumn, picked: &UInt64Array) -> Result<(Field, ArrayRef)> {
    let values = take(column(rows, &asked.source)?, picked, None)?;
    let values = match &asked.data_type {
        Some(data_type) => cast(&values, data_type)?,
        None => values,
    };
    Ok((Field::new(&asked.name, values.data_type().clone(), true), values))
}
