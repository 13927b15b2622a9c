//! Trino's types and Arrow's.

mod columns;
mod decode;
mod encode;
mod json;
mod normal;
mod signature;
mod time;

pub(crate) use decode::{Decoder, Described};
pub(crate) use encode::{Carried, carried, writer};
pub(crate) use json::Reader;
pub(crate) use normal::{normal_batch, normal_schema};
pub(crate) use signature::Signature;
pub(crate) use time::{date_text, timestamp_text};

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use hybrid_core::{Error, ErrorKind, Result, timestamp_type};

/// A type of Trino as far as its values differ in results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    Boolean,
    TinyInt,
    SmallInt,
    Integer,
    BigInt,
    Real,
    Double,
    Decimal(u8, i8),
    /// Everything that travels as text and stays it.
    Text,
    VarBinary,
    Date,
    Time,
    /// With a zone or without.
    Timestamp(bool),
    Array(Box<Type>),
    /// Keys are text, whatever their type.
    Map(Box<Type>),
    Row(Vec<(String, Type)>),
    /// The type of a bare NULL.
    Unknown,
}

impl Type {
    /// The table of types, from Trino's side.
    pub(crate) fn of(signature: &Signature) -> Self {
        match signature.raw.as_str() {
            "boolean" => Self::Boolean,
            "tinyint" => Self::TinyInt,
            "smallint" => Self::SmallInt,
            "integer" => Self::Integer,
            "bigint" => Self::BigInt,
            "real" => Self::Real,
            "double" => Self::Double,
            "decimal" => signature.decimal().map_or(Self::Text, |(p, s)| Self::Decimal(p, s)),
            "varbinary" => Self::VarBinary,
            "date" => Self::Date,
            "time" => Self::Time,
            "timestamp" => Self::Timestamp(false),
            "timestamp with time zone" => Self::Timestamp(true),
            "array" => Self::Array(Box::new(signature.item(0))),
            "map" => Self::Map(Box::new(signature.item(1))),
            "row" => Self::Row(signature.fields()),
            "unknown" => Self::Unknown,
            // varchar, char, json, uuid, ipaddress, intervals, time with time zone, and what is to come.
            _ => Self::Text,
        }
    }

    /// The Arrow type that values come back in.
    pub(crate) fn arrow(&self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::TinyInt => DataType::Int8,
            Self::SmallInt => DataType::Int16,
            Self::Integer => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::Real => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Decimal(precision, scale) => DataType::Decimal128(*precision, *scale),
            Self::Text => DataType::Utf8,
            Self::VarBinary => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp(true) => timestamp_type(),
            Self::Timestamp(false) => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Array(item) => DataType::new_list(item.arrow(), true),
            Self::Map(value) => map_of(value.arrow()),
            Self::Row(fields) => DataType::Struct(row_fields(fields)),
            Self::Unknown => DataType::Null,
        }
    }
}

pub(crate) fn row_fields(fields: &[(String, Type)]) -> Fields {
    fields
        .iter()
        .map(|(name, field)| Field::new(name, field.arrow(), true))
        .collect()
}

/// The map type with the field names that Arrow's builders use elsewhere in this workspace.
pub(crate) fn map_of(value: DataType) -> DataType {
    let entries = Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", value, true),
    ]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false)
}

/// The type of Trino that holds every value of an Arrow type.
pub(crate) fn sql_type(data_type: &DataType) -> Result<String> {
    use DataType as T;
    Ok(match data_type {
        T::Null => "unknown".to_owned(),
        T::Boolean => "boolean".to_owned(),
        T::Int8 => "tinyint".to_owned(),
        T::Int16 | T::UInt8 => "smallint".to_owned(),
        T::Int32 | T::UInt16 => "integer".to_owned(),
        // Of UInt64 the half that a key can be; a larger number is an error when it is written.
        T::Int64 | T::UInt32 | T::UInt64 => "bigint".to_owned(),
        T::Float16 | T::Float32 => "real".to_owned(),
        T::Float64 => "double".to_owned(),
        T::Utf8 | T::LargeUtf8 | T::Utf8View => "varchar".to_owned(),
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => "varbinary".to_owned(),
        T::Date32 => "date".to_owned(),
        T::Time32(_) | T::Time64(_) => "time(6)".to_owned(),
        T::Date64 => "timestamp(3)".to_owned(),
        T::Timestamp(unit, None) => format!("timestamp({})", digits(*unit)),
        T::Timestamp(unit, Some(_)) => format!("timestamp({}) with time zone", digits(*unit)),
        T::Decimal32(p, s) | T::Decimal64(p, s) | T::Decimal128(p, s) if *s >= 0 => format!("decimal({p},{s})"),
        T::Dictionary(_, values) => sql_type(values)?,
        T::List(item) | T::LargeList(item) | T::FixedSizeList(item, _) => {
            format!("array({})", sql_type(item.data_type())?)
        }
        T::Map(entries, _) => match entries.data_type() {
            T::Struct(pair) if pair.len() == 2 => {
                format!(
                    "map({}, {})",
                    sql_type(pair[0].data_type())?,
                    sql_type(pair[1].data_type())?
                )
            }
            _ => return Err(no_type(data_type)),
        },
        T::Struct(fields) if !fields.is_empty() => {
            let field = |field: &Arc<Field>| {
                Ok(format!(
                    "{} {}",
                    crate::names::quoted(field.name()),
                    sql_type(field.data_type())?
                ))
            };
            format!(
                "row({})",
                fields.iter().map(field).collect::<Result<Vec<_>>>()?.join(", ")
            )
        }
        _ => return Err(no_type(data_type)),
    })
}

fn no_type(data_type: &DataType) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("Trino has no type for Arrow's {data_type}"),
    )
}

fn digits(unit: TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}
