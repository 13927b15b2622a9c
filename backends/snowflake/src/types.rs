//! Snowflake's types and Arrow's.

mod decode;
mod encode;
mod json;
mod texts;

pub(crate) use decode::Decoder;
pub(crate) use encode::{normal_batch, normal_schema};
pub(crate) use texts::from_texts;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use hybrid_core::sql::SQL_TYPE;
use hybrid_core::{Error, ErrorKind, Result, timestamp_type};

use crate::client::message::Column;

/// The key of a field's metadata with its collation.
const COLLATION: &str = "hybrid.collation";

/// A type of Snowflake as far as its values differ in results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Boolean,
    /// A whole number of 64 bits.
    Integer,
    Decimal(u8, i8),
    Real,
    /// Text, and what travels as text and stays it.
    Text,
    Binary,
    Date,
    /// Digits behind the second.
    Time(u32),
    /// Digits behind the second, and whether it is an instant.
    Timestamp(u32, bool),
}

impl Type {
    /// The table of types, from Snowflake's side.
    pub(crate) fn of(column: &Column) -> Self {
        let scale = column.scale.unwrap_or_default();
        let digits = u32::try_from(column.scale.unwrap_or(9)).unwrap_or(9).min(9);
        match column.kind.to_ascii_lowercase().as_str() {
            "boolean" => Self::Boolean,
            "fixed" => number(column.precision.unwrap_or(38), scale),
            "real" => Self::Real,
            "binary" => Self::Binary,
            "date" => Self::Date,
            "time" => Self::Time(digits),
            "timestamp_ntz" => Self::Timestamp(digits, false),
            "timestamp_ltz" | "timestamp_tz" => Self::Timestamp(digits, true),
            // text, variant, object, array, geography, and what is to come.
            _ => Self::Text,
        }
    }

    /// The Arrow type that values come back in.
    pub(crate) fn arrow(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Integer => DataType::Int64,
            Self::Decimal(precision, scale) => DataType::Decimal128(precision, scale),
            Self::Real => DataType::Float64,
            Self::Text => DataType::Utf8,
            Self::Binary => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Time(_) => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp(_, true) => timestamp_type(),
            Self::Timestamp(_, false) => DataType::Timestamp(TimeUnit::Microsecond, None),
        }
    }
}

/// NUMBER(38, 0) is what every integer type of Snowflake is, and other tools make NUMBER(19, 0) or (20, 0) of them: whole
/// numbers of 64 bits.
fn number(precision: i64, scale: i64) -> Type {
    match (precision, scale) {
        (_, 0) => Type::Integer,
        (precision, scale) => {
            let precision = u8::try_from(precision).unwrap_or(38).clamp(1, 38);
            Type::Decimal(precision, i8::try_from(scale).unwrap_or_default())
        }
    }
}

/// Columns as fields that know Snowflake's own name of their type, and their collation.
pub(crate) fn described(columns: &[Column]) -> SchemaRef {
    let field = |column: &Column| {
        let mut said = HashMap::from([(SQL_TYPE.to_owned(), name_of(column))]);
        let collation = column.collation.clone().filter(|collation| !collation.is_empty());
        said.extend(collation.map(|collation| (COLLATION.to_owned(), collation)));
        Field::new(&column.name, Type::of(column).arrow(), true).with_metadata(said)
    };
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

/// Whether a described column's texts are compared in another way than letter by letter.
pub(crate) fn is_collated(column: &Field) -> bool {
    column.metadata().contains_key(COLLATION)
}

/// A type as statements write it.
fn name_of(column: &Column) -> String {
    let kind = column.kind.to_ascii_uppercase();
    match Type::of(column) {
        Type::Integer | Type::Decimal(..) => {
            format!(
                "NUMBER({},{})",
                column.precision.unwrap_or(38),
                column.scale.unwrap_or_default()
            )
        }
        Type::Time(digits) | Type::Timestamp(digits, _) => format!("{kind}({digits})"),
        Type::Real => "FLOAT".to_owned(),
        Type::Text if kind == "TEXT" => "VARCHAR".to_owned(),
        _ => kind,
    }
}

/// The type of Snowflake that holds every value of an Arrow type.
pub(crate) fn sql_type(data_type: &DataType) -> Result<String> {
    use DataType as T;
    Ok(match data_type {
        T::Boolean => "BOOLEAN".to_owned(),
        // Of UInt64 the half that a key can be; a larger number is an error when it is written.
        T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64 => {
            "NUMBER(38,0)".to_owned()
        }
        T::Float16 | T::Float32 | T::Float64 => "FLOAT".to_owned(),
        T::Null | T::Utf8 | T::LargeUtf8 | T::Utf8View => "VARCHAR".to_owned(),
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => "BINARY".to_owned(),
        T::Date32 => "DATE".to_owned(),
        T::Date64 => "TIMESTAMP_NTZ(3)".to_owned(),
        T::Time32(_) | T::Time64(_) => "TIME(6)".to_owned(),
        T::Timestamp(_, None) => "TIMESTAMP_NTZ(6)".to_owned(),
        T::Timestamp(_, Some(_)) => "TIMESTAMP_TZ(6)".to_owned(),
        T::Decimal32(precision, scale) | T::Decimal64(precision, scale) | T::Decimal128(precision, scale)
            if *scale >= 0 && *scale <= 37 =>
        {
            format!("NUMBER({precision},{scale})")
        }
        T::Dictionary(_, values) => sql_type(values)?,
        T::List(_) | T::LargeList(_) | T::FixedSizeList(..) => "ARRAY".to_owned(),
        T::Map(..) | T::Struct(_) => "OBJECT".to_owned(),
        other => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("Snowflake has no type for Arrow's {other}"),
            ));
        }
    })
}

#[cfg(test)]
mod tests;
