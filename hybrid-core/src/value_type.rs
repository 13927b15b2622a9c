//! Feast's value types, their names, and the Arrow types that hold them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

use crate::{Error, ErrorKind, Result};

/// The type of a feature or an entity key: Feast's types, under Feast's names.
///
/// `Display` and `FromStr` use the names that Feast's Python API uses: `Float32`, `Array(Int64)`,
/// `Set(String)`, `Struct({a: Int64, b: String})`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// Raw bytes; Arrow Binary.
    Bytes,
    /// Text; Arrow Utf8.
    String,
    /// Arrow Int32.
    Int32,
    /// Arrow Int64.
    Int64,
    /// Arrow Float64.
    Float64,
    /// Arrow Float32.
    Float32,
    /// Arrow Boolean.
    Bool,
    /// An instant to the microsecond; Arrow Timestamp(us, UTC).
    UnixTimestamp,
    /// A PDF document; Arrow Binary.
    PdfBytes,
    /// An image; Arrow Binary.
    ImageBytes,
    /// Text to text; Arrow Map(Utf8, Utf8).
    Map,
    /// A JSON document; Arrow LargeUtf8.
    Json,
    /// A UUID as text; Arrow Utf8.
    Uuid,
    /// A time-based UUID as text; Arrow Utf8.
    TimeUuid,
    /// An exact decimal number as text; Arrow Utf8, as in Feast.
    Decimal,
    /// A map whose values are scalars of any type; Arrow Map(Utf8, Utf8).
    ScalarMap,
    /// An instant whose zone travels beside it; Arrow Timestamp(us, UTC).
    ZonedTimestamp,
    /// A list; Arrow List.
    Array(Box<ValueType>),
    /// A set; Arrow List, as in Feast.
    Set(Box<ValueType>),
    /// Named fields; Arrow Struct.
    Struct(Vec<(String, ValueType)>),
}

/// Every scalar type with its name; aliases are the upper-case names of Feast's `ValueType` enum.
const SCALARS: [(ValueType, &str, &str); 17] = [
    (ValueType::Bytes, "Bytes", "BYTES"),
    (ValueType::String, "String", "STRING"),
    (ValueType::Int32, "Int32", "INT32"),
    (ValueType::Int64, "Int64", "INT64"),
    (ValueType::Float64, "Float64", "DOUBLE"),
    (ValueType::Float32, "Float32", "FLOAT"),
    (ValueType::Bool, "Bool", "BOOL"),
    (ValueType::UnixTimestamp, "UnixTimestamp", "UNIX_TIMESTAMP"),
    (ValueType::PdfBytes, "PdfBytes", "PDF_BYTES"),
    (ValueType::ImageBytes, "ImageBytes", "IMAGE_BYTES"),
    (ValueType::Map, "Map", "MAP"),
    (ValueType::Json, "Json", "JSON"),
    (ValueType::Uuid, "Uuid", "UUID"),
    (ValueType::TimeUuid, "TimeUuid", "TIME_UUID"),
    (ValueType::Decimal, "Decimal", "DECIMAL"),
    (ValueType::ScalarMap, "ScalarMap", "SCALAR_MAP"),
    (ValueType::ZonedTimestamp, "ZonedTimestamp", "ZONED_TIMESTAMP"),
];

/// Nesting deeper than this is refused when a type is read.
const MAX_DEPTH: usize = 16;

/// The Arrow type of every instant in this workspace: microseconds, UTC.
pub fn timestamp_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

impl ValueType {
    /// Every scalar type, in Feast's order.
    pub fn scalars() -> impl Iterator<Item = ValueType> {
        SCALARS.iter().map(|(value_type, _, _)| value_type.clone())
    }

    /// The Arrow type that holds values of this type.
    pub fn to_arrow(&self) -> DataType {
        match self {
            Self::Bytes | Self::PdfBytes | Self::ImageBytes => DataType::Binary,
            Self::String | Self::Uuid | Self::TimeUuid | Self::Decimal => DataType::Utf8,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Float64 => DataType::Float64,
            Self::Float32 => DataType::Float32,
            Self::Bool => DataType::Boolean,
            Self::UnixTimestamp | Self::ZonedTimestamp => timestamp_type(),
            Self::Json => DataType::LargeUtf8,
            Self::Map | Self::ScalarMap => map_type(),
            Self::Array(item) | Self::Set(item) => DataType::new_list(item.to_arrow(), true),
            Self::Struct(fields) => DataType::Struct(
                fields
                    .iter()
                    .map(|(name, t)| Field::new(name, t.to_arrow(), true))
                    .collect(),
            ),
        }
    }

    /// The value type that `data_type` is inferred to be, when a view has no schema; `None` when
    /// Feast has no type for it.
    pub fn from_arrow(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Boolean => Self::Bool,
            DataType::Int8 | DataType::Int16 | DataType::UInt8 | DataType::UInt16 | DataType::Int32 => Self::Int32,
            DataType::UInt32 | DataType::Int64 | DataType::UInt64 => Self::Int64,
            DataType::Float16 | DataType::Float32 => Self::Float32,
            DataType::Float64 => Self::Float64,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::String,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                Self::Bytes
            }
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => Self::UnixTimestamp,
            DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
                Self::Decimal
            }
            DataType::Dictionary(_, values) => return Self::from_arrow(values),
            DataType::List(f) | DataType::LargeList(f) | DataType::ListView(f) | DataType::FixedSizeList(f, _) => {
                Self::Array(Box::new(Self::from_arrow(f.data_type())?))
            }
            DataType::Map(..) => Self::Map,
            DataType::Struct(fields) => Self::Struct(struct_fields(fields)?),
            _ => return None,
        })
    }

    fn parse(text: &str, depth: usize) -> Result<Self> {
        let text = text.trim();
        if depth > MAX_DEPTH {
            return Err(Error::new(
                ErrorKind::Definition,
                format!("dtype is nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        if let Some((value_type, ..)) = SCALARS.iter().find(|(_, name, feast)| *name == text || *feast == text) {
            return Ok(value_type.clone());
        }
        if let Some(item) = inside(text, "Array(", ")") {
            return Ok(Self::Array(Box::new(Self::parse(item, depth + 1)?)));
        }
        if let Some(item) = inside(text, "Set(", ")") {
            return Ok(Self::Set(Box::new(Self::parse(item, depth + 1)?)));
        }
        if let Some(fields) = inside(text, "Struct({", "})") {
            return Self::parse_struct(fields, depth);
        }
        if let Some(item) = text.strip_suffix("_LIST") {
            return Ok(Self::Array(Box::new(Self::parse(item, depth + 1)?)));
        }
        if let Some(item) = text.strip_suffix("_SET") {
            return Ok(Self::Set(Box::new(Self::parse(item, depth + 1)?)));
        }
        Err(unknown(text))
    }

    fn parse_struct(fields: &str, depth: usize) -> Result<Self> {
        let parse_field = |field: &str| -> Result<(String, ValueType)> {
            let (name, value_type) = field.split_once(':').ok_or_else(|| unknown(field))?;
            Ok((name.trim().to_owned(), Self::parse(value_type, depth + 1)?))
        };
        split_top_level(fields)
            .into_iter()
            .map(parse_field)
            .collect::<Result<_>>()
            .map(Self::Struct)
    }
}

fn map_type() -> DataType {
    let entries = Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::Utf8, true),
    ]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false)
}

fn struct_fields(fields: &Fields) -> Option<Vec<(String, ValueType)>> {
    fields
        .iter()
        .map(|f| Some((f.name().clone(), ValueType::from_arrow(f.data_type())?)))
        .collect()
}

fn inside<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    text.strip_prefix(open)?.strip_suffix(close)
}

/// Splits at the commas that stand outside any bracket.
fn split_top_level(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '{' => depth += 1,
            ')' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn unknown(text: &str) -> Error {
    let names: Vec<&str> = SCALARS.iter().map(|(_, name, _)| *name).collect();
    let error = Error::new(ErrorKind::Definition, format!("unknown dtype `{text}`"));
    let error = match crate::error::nearest(text, names.iter().copied()) {
        Some(name) => error.with_help(format!("did you mean `{name}`?")),
        None => error,
    };
    error.with_help(format!(
        "the types are {}, and Array(…), Set(…), Struct({{name: …}}) of them",
        names.join(", ")
    ))
}

impl FromStr for ValueType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text, 0)
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Array(item) => write!(f, "Array({item})"),
            Self::Set(item) => write!(f, "Set({item})"),
            Self::Struct(fields) => {
                let fields: Vec<String> = fields.iter().map(|(name, t)| format!("{name}: {t}")).collect();
                write!(f, "Struct({{{}}})", fields.join(", "))
            }
            scalar => {
                let name = SCALARS
                    .iter()
                    .find(|(t, ..)| t == scalar)
                    .map_or("Unknown", |(_, name, _)| *name);
                f.write_str(name)
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        let nested = [
            "Array(Int64)",
            "Set(String)",
            "Array(Array(Float32))",
            "Struct({a: Int64, b: Array(String)})",
        ];
        let names = SCALARS.iter().map(|(_, name, _)| *name).chain(nested);
        for name in names {
            assert_eq!(name.parse::<ValueType>().unwrap().to_string(), name);
        }
        assert_eq!(
            "DOUBLE_LIST".parse::<ValueType>().unwrap().to_string(),
            "Array(Float64)"
        );
    }

    #[test]
    fn unknown_names_are_errors_with_the_nearest() {
        let error = "Flaot32".parse::<ValueType>().unwrap_err().to_string();
        assert!(error.contains("did you mean `Float32`?"), "{error}");
        let deep = format!("{}Int64{}", "Array(".repeat(100), ")".repeat(100));
        assert!(deep.parse::<ValueType>().is_err());
    }
}
