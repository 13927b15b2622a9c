use arrow::datatypes::{DataType, Field, Schema};

use super::OutputColumn;
use crate::error::nearest;
use crate::{Error, ErrorKind, Result};

/// The key of a field's metadata in what a session describes: the engine's own name of the column's type,
/// where Arrow's type does not say it all (`uuid`, `jsonb`, `timestamp(9) with time zone`).
pub const SQL_TYPE: &str = "hybrid.sql_type";

/// The engine's own name of a described column's type, or nothing.
pub fn sql_type_of(field: &Field) -> &str {
    field.metadata().get(SQL_TYPE).map_or("", String::as_str)
}

/// Checks the columns of rows that are to be appended, for a store's `offline_write_batch`. They are
/// matched by name, in any order: all of `required` must be there; what the source has beyond
/// them (`existing`, where there is a source) may be given or left out; what neither knows is
/// refused, and so is a type whose values cannot stand in the source's column.
///
/// # Errors
/// InvalidInput, listing every column that is missing, unknown, repeated or of the wrong type.
pub fn check_write_columns(rows: &Schema, required: &[OutputColumn], existing: Option<&Schema>) -> Result<()> {
    let mut problems = Vec::new();
    for column in required {
        match rows.field_with_name(&column.source) {
            Err(_) => problems.push(format!("column `{}` is missing", column.source)),
            Ok(field) => {
                let declared = column.data_type.as_ref();
                let declared = declared.map(|data_type| Field::new(&column.source, data_type.clone(), true));
                let wanted = existing
                    .and_then(|schema| schema.field_with_name(&column.source).ok())
                    // A column without any value does not say its type.
                    .filter(|field| *field.data_type() != DataType::Null)
                    .or(declared.as_ref());
                problems.extend(wanted.and_then(|wanted| wrong_type(field, wanted)));
            }
        }
    }
    for (index, field) in rows.fields().iter().enumerate() {
        let name = field.name();
        if rows.fields().find(name).is_none_or(|(first, _)| first != index) {
            problems.push(format!("column `{name}` is there twice"));
            continue;
        }
        if required.iter().any(|column| column.source == *name) {
            continue;
        }
        match existing.map(|schema| schema.field_with_name(name)) {
            Some(Ok(known)) if known.data_type() == &DataType::Null => {}
            Some(Ok(known)) => problems.extend(wrong_type(field, known)),
            _ => problems.push(unknown_column(name, required, existing)),
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidInput,
        format!("the rows do not fit the source: {}", problems.join("; ")),
    )
    .with_help("columns are matched by the source's own names, in any order; nothing was written"))
}

fn unknown_column(name: &str, required: &[OutputColumn], existing: Option<&Schema>) -> String {
    let known = required.iter().map(|column| column.source.as_str());
    let known = known.chain(
        existing
            .into_iter()
            .flat_map(|schema| schema.fields().iter().map(|field| field.name().as_str())),
    );
    match nearest(name, known) {
        Some(near) => format!("column `{name}` is unknown (did you mean `{near}`?)"),
        None => format!("column `{name}` is unknown"),
    }
}

fn wrong_type(given: &Field, wanted: &Field) -> Option<String> {
    let (data_type, source) = (given.data_type(), wanted.data_type());
    let fits = fits(data_type, source) || (matches!(data_type, DataType::Decimal128(..)) && is_wide_number(wanted));
    (!fits).then(|| {
        format!(
            "column `{}` has type {data_type}, the source has {source}",
            given.name()
        )
    })
}

/// Whether the column holds exact numbers that no Arrow type has room for, so that they come as text.
fn is_wide_number(column: &Field) -> bool {
    const NUMBERS: [&str; 5] = ["numeric", "decimal", "number", "bignumeric", "bigdecimal"];
    let name = sql_type_of(column).split('(').next().unwrap_or_default().trim();
    *column.data_type() == DataType::Utf8 && NUMBERS.iter().any(|number| name.eq_ignore_ascii_case(number))
}

/// Whether values of `given` can stand in a column of `wanted` without loss of meaning; a value
/// that does not fit after all is the store's error.
fn fits(given: &DataType, wanted: &DataType) -> bool {
    use DataType as T;
    let text = |t: &T| matches!(t, T::Utf8 | T::LargeUtf8 | T::Utf8View);
    let bytes = |t: &T| matches!(t, T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_));
    match (given, wanted) {
        (given, wanted) if given == wanted => true,
        (T::Null, _) => true,
        (T::Dictionary(_, values), wanted) => fits(values, wanted),
        (given, T::Dictionary(_, values)) => fits(given, values),
        (given, wanted) if given.is_integer() && wanted.is_integer() => true,
        (given, T::Float64) if given.is_integer() || given.is_floating() => true,
        (T::Float16, T::Float32) => true,
        (given, wanted) if text(given) && text(wanted) => true,
        (given, wanted) if bytes(given) && bytes(wanted) => true,
        (T::Timestamp(..), T::Timestamp(..)) => true,
        // A time column may hold dates or RFC 3339 text, in the source and in the rows.
        (T::Timestamp(..), wanted) if text(wanted) => true,
        (T::Date32 | T::Date64, T::Date32 | T::Date64 | T::Timestamp(..)) => true,
        (T::Decimal128(..), T::Decimal128(..)) => true,
        (T::List(a) | T::LargeList(a), T::List(b) | T::LargeList(b)) => fits(a.data_type(), b.data_type()),
        (T::Struct(a), T::Struct(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|(a, b)| a.name() == b.name() && fits(a.data_type(), b.data_type()))
        }
        (T::Map(a, _), T::Map(b, _)) => match (a.data_type(), b.data_type()) {
            (T::Struct(a), T::Struct(b)) => a.iter().zip(b).all(|(a, b)| fits(a.data_type(), b.data_type())),
            _ => false,
        },
        _ => false,
    }
}
