//! BigQuery's types and Arrow's.

mod incoming;
mod outgoing;
mod stored;

pub(crate) use incoming::Incoming;
pub(crate) use outgoing::Outgoing;
pub(crate) use stored::{is_made_as_it_is, loads_as_it_is, made, narrow, stored};

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use hybrid_core::sql::SQL_TYPE;
use hybrid_core::{Error, ErrorKind, Result, timestamp_type};

use crate::client::{FieldSchema, TimePartitioning};
use crate::names;

/// The field of a struct around an array: BigQuery's results hold no NULL in the place of an array, and so an entity
/// row without a match would get an empty one.
pub(crate) const ARRAY: &str = "__hybrid_array";

/// Types whose values are selected as text: Arrow has none for them that core knows.
pub(crate) const AS_TEXT: [&str; 3] = ["BIGNUMERIC", "INTERVAL", "RANGE"];

/// The pseudo-column of partitions of several days: all rows of one are called by its first moment. BigQuery says
/// TIMESTAMP; these names are ours, so that the dialect knows the columns by them.
pub(crate) const MONTHLY: &str = "TIMESTAMP BY MONTH";
pub(crate) const YEARLY: &str = "TIMESTAMP BY YEAR";

/// Digits before and behind the point that NUMERIC and BIGNUMERIC hold, whatever the number.
const NUMERIC: (u8, u8) = (29, 9);
const BIGNUMERIC: (u8, u8) = (38, 38);

/// The columns of a query or a table, as their rows come in Arrow.
pub(crate) fn described(fields: &[FieldSchema]) -> SchemaRef {
    Arc::new(Schema::new(fields.iter().map(field).collect::<Vec<_>>()))
}

fn field(column: &FieldSchema) -> Field {
    let (mut data_type, mut name) = scalar(column);
    if column.is_repeated() {
        data_type = DataType::new_list(data_type, true);
        name = "ARRAY";
    }
    named(&column.name, data_type, name)
}

fn named(column: &str, data_type: DataType, sql_type: &str) -> Field {
    Field::new(column, data_type, true).with_metadata([(SQL_TYPE.to_owned(), sql_type.to_owned())].into())
}

/// The pseudo-column of that name, where a table is partitioned by when its rows come in.
pub(crate) fn pseudo_column(name: &str, partitioning: &TimePartitioning) -> Option<Field> {
    if partitioning.field.is_some() {
        return None;
    }
    let (data_type, sql_type) = match (name.to_ascii_uppercase().as_str(), partitioning.kind.as_str()) {
        ("_PARTITIONDATE", "DAY") => (DataType::Date32, "DATE"),
        ("_PARTITIONTIME", "DAY" | "HOUR") => (timestamp_type(), "TIMESTAMP"),
        ("_PARTITIONTIME", "MONTH") => (timestamp_type(), MONTHLY),
        ("_PARTITIONTIME", "YEAR") => (timestamp_type(), YEARLY),
        _ => return None,
    };
    Some(named(name, data_type, sql_type))
}

/// The table of types, from BigQuery's side: both its names for them, old and new.
fn scalar(column: &FieldSchema) -> (DataType, &'static str) {
    match column.kind.as_str() {
        "STRING" => (DataType::Utf8, "STRING"),
        "BYTES" => (DataType::Binary, "BYTES"),
        "INTEGER" | "INT64" => (DataType::Int64, "INT64"),
        "FLOAT" | "FLOAT64" => (DataType::Float64, "FLOAT64"),
        "BOOLEAN" | "BOOL" => (DataType::Boolean, "BOOL"),
        "TIMESTAMP" => (timestamp_type(), "TIMESTAMP"),
        "DATETIME" => (DataType::Timestamp(TimeUnit::Microsecond, None), "DATETIME"),
        "DATE" => (DataType::Date32, "DATE"),
        "TIME" => (DataType::Time64(TimeUnit::Microsecond), "TIME"),
        "NUMERIC" | "DECIMAL" => (DataType::Decimal128(38, 9), "NUMERIC"),
        "BIGNUMERIC" | "BIGDECIMAL" => (DataType::Utf8, "BIGNUMERIC"),
        "JSON" => (DataType::Utf8, "JSON"),
        "GEOGRAPHY" => (DataType::Utf8, "GEOGRAPHY"),
        "INTERVAL" => (DataType::Utf8, "INTERVAL"),
        "RANGE" => (DataType::Utf8, "RANGE"),
        "RECORD" | "STRUCT" => {
            let inner = column
                .fields
                .iter()
                .map(|inner| field(inner).with_metadata(Default::default()));
            (DataType::Struct(inner.collect()), "STRUCT")
        }
        // What is to come travels as text, or is an error where it does not.
        _ => (DataType::Utf8, "OTHER"),
    }
}

impl FieldSchema {
    pub(crate) fn is_repeated(&self) -> bool {
        self.mode.as_deref() == Some("REPEATED")
    }

    pub(crate) fn is_required(&self) -> bool {
        self.mode.as_deref() == Some("REQUIRED")
    }
}

/// The type of BigQuery that holds every value of an Arrow type.
pub(crate) fn sql_type(data_type: &DataType) -> Result<String> {
    use DataType as T;
    Ok(match data_type {
        T::Null | T::Utf8 | T::LargeUtf8 | T::Utf8View => "STRING",
        T::Boolean => "BOOL",
        T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64 => "INT64",
        T::Float16 | T::Float32 | T::Float64 => "FLOAT64",
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => "BYTES",
        T::Date32 | T::Date64 => "DATE",
        T::Time32(_) | T::Time64(_) => "TIME",
        T::Timestamp(_, Some(_)) => "TIMESTAMP",
        T::Timestamp(_, None) => "DATETIME",
        T::Decimal32(p, s) | T::Decimal64(p, s) | T::Decimal128(p, s) | T::Decimal256(p, s) => {
            decimal_type(*p, *s).ok_or_else(|| no_type(data_type))?
        }
        T::Dictionary(_, values) => return sql_type(values),
        T::Map(..) => "JSON",
        T::List(item) | T::LargeList(item) | T::FixedSizeList(item, _) => {
            return match item.data_type() {
                T::List(_) | T::LargeList(_) | T::FixedSizeList(..) | T::Map(..) => Err(no_type(data_type)),
                item => Ok(format!("ARRAY<{}>", sql_type(item)?)),
            };
        }
        T::Struct(fields) if !fields.is_empty() => {
            let field = |field: &Arc<Field>| match field.data_type() {
                T::Map(..) => Err(no_type(data_type)),
                inner => Ok(format!("{} {}", names::quoted(field.name()), sql_type(inner)?)),
            };
            let fields = fields.iter().map(field).collect::<Result<Vec<_>>>()?;
            return Ok(format!("STRUCT<{}>", fields.join(", ")));
        }
        _ => return Err(no_type(data_type)),
    }
    .to_owned())
}

fn decimal_type(precision: u8, scale: i8) -> Option<&'static str> {
    let scale = u8::try_from(scale).ok().filter(|scale| *scale <= precision)?;
    let fits = |(whole, fraction): (u8, u8)| precision - scale <= whole && scale <= fraction;
    match (fits(NUMERIC), fits(BIGNUMERIC)) {
        (true, _) => Some("NUMERIC"),
        (false, true) => Some("BIGNUMERIC"),
        _ => None,
    }
}

/// A column of a table that is made for values of an Arrow type.
fn column(name: &str, data_type: &DataType) -> Result<FieldSchema> {
    let plain = |kind: &str| FieldSchema {
        name: name.to_owned(),
        kind: kind.to_owned(),
        ..FieldSchema::default()
    };
    Ok(match data_type {
        DataType::Dictionary(_, values) => column(name, values)?,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            sql_type(data_type)?;
            FieldSchema {
                mode: Some("REPEATED".to_owned()),
                ..column(name, item.data_type())?
            }
        }
        DataType::Struct(fields) => {
            sql_type(data_type)?;
            let fields = fields.iter().map(|field| column(field.name(), field.data_type()));
            FieldSchema {
                fields: fields.collect::<Result<_>>()?,
                ..plain("RECORD")
            }
        }
        other => plain(match sql_type(other)?.as_str() {
            "INT64" => "INTEGER",
            "FLOAT64" => "FLOAT",
            "BOOL" => "BOOLEAN",
            other => other,
        }),
    })
}

fn no_type(data_type: &DataType) -> Error {
    let error = Error::new(
        ErrorKind::Unsupported,
        format!("BigQuery has no type for Arrow's {data_type}"),
    );
    match data_type {
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
            error.with_help("an array holds no arrays and no maps: put a struct around the inner one")
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests;
