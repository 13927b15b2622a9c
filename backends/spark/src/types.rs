//! Spark's types and Arrow's.

mod batch;
mod incoming;

use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field, Schema, SchemaRef, TimeUnit};
use hybrid_core::sql::{SQL_TYPE, sql_type_of};
use hybrid_core::{Result, timestamp_type};

pub(crate) use batch::BatchReader;
pub(crate) use incoming::Incoming;

use crate::error::unexpected;
use crate::protocol::{DataType, Kind, StructField};

/// Types whose values travel as text, by [`selected`](crate::SparkDialect): what Arrow has for them is no
/// type that core knows.
pub(crate) const AS_TEXT: [&str; 6] = ["variant", "interval", "time", "geometry", "geography", "udt"];
/// Timestamps finer than microseconds, which are selected as plain ones.
pub(crate) const NANOS: [&str; 2] = ["timestamp_ns", "timestamp_ntz_ns"];

/// How the metadata of a column of a table says that it is a char(n), which its type does not. Quotes inside of a comment
/// are escaped there, so that none says the same.
const CHAR: &str = "\"__CHAR_VARCHAR_TYPE_STRING\":\"char(";

/// The columns of a plan, as its rows come in Arrow.
pub(crate) fn schema(of: Option<&DataType>) -> Result<SchemaRef> {
    let Some(Kind::Struct(columns)) = of.and_then(|of| of.kind.as_ref()) else {
        return Err(unexpected("Spark described a plan by something else than its columns"));
    };
    let fields = columns.fields.iter().map(column).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(Schema::new(fields)))
}

/// A column of a plan: text of a fixed length is `char`, or `char collate …`.
fn column(of: &StructField) -> Result<Field> {
    let field = field(&of.name, of.data_type.as_ref())?;
    let is_char = of.metadata.as_deref().is_some_and(|noted| noted.contains(CHAR));
    let said = match sql_type_of(&field) {
        "" if is_char => "char".to_owned(),
        said if is_char => said.replacen("string", "char", 1),
        _ => return Ok(field),
    };
    Ok(saying(field, said))
}

/// A column or a part of one; Spark's own name of its type where Arrow's does not say it all.
fn field(name: &str, of: Option<&DataType>) -> Result<Field> {
    let (data_type, said) = arrow_type(of)?;
    let field = Field::new(name, data_type, true);
    Ok(match said.is_empty() {
        true => field,
        false => saying(field, said),
    })
}

fn saying(field: Field, said: String) -> Field {
    field.with_metadata([(SQL_TYPE.to_owned(), said)].into())
}

/// The Arrow type of a Spark type, and Spark's name where that is not all.
fn arrow_type(of: Option<&DataType>) -> Result<(ArrowType, String)> {
    use ArrowType as A;
    let Some(kind) = of.and_then(|of| of.kind.as_ref()) else {
        return Err(unexpected(
            "Spark described a column without a type: the server is newer than this client knows",
        ));
    };
    let text = |said: &str| (A::Utf8, said.to_owned());
    Ok(match kind {
        Kind::Null(_) => (A::Null, String::new()),
        Kind::Boolean(_) => (A::Boolean, String::new()),
        Kind::Byte(_) => (A::Int8, String::new()),
        Kind::Short(_) => (A::Int16, String::new()),
        Kind::Integer(_) => (A::Int32, String::new()),
        Kind::Long(_) => (A::Int64, String::new()),
        Kind::Float(_) => (A::Float32, String::new()),
        Kind::Double(_) => (A::Float64, String::new()),
        Kind::Decimal(d) => (decimal(d.precision.unwrap_or(10), d.scale.unwrap_or(0))?, String::new()),
        Kind::Binary(_) => (A::Binary, String::new()),
        Kind::Date(_) => (A::Date32, String::new()),
        Kind::Timestamp(_) => (timestamp_type(), String::new()),
        Kind::TimestampNtz(_) => (A::Timestamp(TimeUnit::Microsecond, None), String::new()),
        Kind::TimestampNanos(_) => (timestamp_type(), "timestamp_ns".to_owned()),
        Kind::TimestampNtzNanos(_) => (A::Timestamp(TimeUnit::Microsecond, None), "timestamp_ntz_ns".to_owned()),
        Kind::String(s) if s.collation.is_empty() || s.collation == "UTF8_BINARY" => (A::Utf8, String::new()),
        Kind::String(s) => text(&format!("string collate {}", s.collation)),
        Kind::Char(_) => text("char"),
        Kind::VarChar(_) => text("varchar"),
        Kind::Variant(_) => text("variant"),
        Kind::CalendarInterval(_) | Kind::YearMonthInterval(_) | Kind::DayTimeInterval(_) => text("interval"),
        Kind::Time(_) => text("time"),
        Kind::Geometry(_) => text("geometry"),
        Kind::Geography(_) => text("geography"),
        Kind::Udt(_) | Kind::Unparsed(_) => text("udt"),
        Kind::Array(_) | Kind::Struct(_) | Kind::Map(_) => nested(kind)?,
    })
}

/// A type made of others; as text where one of them travels so.
fn nested(kind: &Kind) -> Result<(ArrowType, String)> {
    let mut parts = Vec::new();
    let data_type = match kind {
        Kind::Array(array) => {
            let element = field("item", array.element.as_deref())?;
            parts.push(element.clone());
            ArrowType::List(Arc::new(element))
        }
        Kind::Struct(columns) => {
            let fields = columns
                .fields
                .iter()
                .map(|column| field(&column.name, column.data_type.as_ref()));
            parts = fields.collect::<Result<Vec<_>>>()?;
            ArrowType::Struct(parts.clone().into())
        }
        Kind::Map(map) => {
            let key = field("key", map.key.as_deref())?.with_nullable(false);
            parts = vec![key, field("value", map.value.as_deref())?];
            let entries = Field::new("entries", ArrowType::Struct(parts.clone().into()), false);
            ArrowType::Map(Arc::new(entries), false)
        }
        _ => return Err(unexpected("not a nested type")),
    };
    let odd = parts.iter().any(|part| {
        let said = sql_type_of(part);
        AS_TEXT.contains(&said) || NANOS.contains(&said)
    });
    Ok(match odd {
        true => (ArrowType::Utf8, "nested".to_owned()),
        false => (data_type, String::new()),
    })
}

fn decimal(precision: i32, scale: i32) -> Result<ArrowType> {
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(precision @ 1..=38), Ok(scale)) => Ok(ArrowType::Decimal128(precision, scale)),
        _ => Err(unexpected(format!("Spark described a decimal({precision}, {scale})"))),
    }
}

/// Spark's type that holds every value of an Arrow type.
pub(crate) fn sql_type(data_type: &ArrowType) -> Result<String> {
    use ArrowType as A;
    Ok(match data_type {
        A::Null => "VOID".to_owned(),
        A::Boolean => "BOOLEAN".to_owned(),
        A::Int8 => "TINYINT".to_owned(),
        A::Int16 | A::UInt8 => "SMALLINT".to_owned(),
        A::Int32 | A::UInt16 => "INT".to_owned(),
        A::Int64 | A::UInt32 | A::UInt64 => "BIGINT".to_owned(),
        A::Float16 | A::Float32 => "FLOAT".to_owned(),
        A::Float64 => "DOUBLE".to_owned(),
        A::Utf8 | A::LargeUtf8 | A::Utf8View => "STRING".to_owned(),
        A::Binary | A::LargeBinary | A::BinaryView | A::FixedSizeBinary(_) => "BINARY".to_owned(),
        A::Date32 | A::Date64 => "DATE".to_owned(),
        A::Timestamp(_, Some(_)) => "TIMESTAMP".to_owned(),
        A::Timestamp(_, None) => "TIMESTAMP_NTZ".to_owned(),
        A::Decimal32(p, s) | A::Decimal64(p, s) | A::Decimal128(p, s) if (0..=38).contains(s) => {
            format!("DECIMAL({}, {s})", (*p).max(u8::try_from(*s).unwrap_or(*p)))
        }
        A::Dictionary(_, values) => sql_type(values)?,
        A::List(item) | A::LargeList(item) | A::FixedSizeList(item, _) => {
            format!("ARRAY<{}>", sql_type(item.data_type())?)
        }
        A::Struct(fields) => {
            let field = |field: &Arc<Field>| {
                Ok(format!(
                    "`{}`: {}",
                    field.name().replace('`', "``"),
                    sql_type(field.data_type())?
                ))
            };
            format!(
                "STRUCT<{}>",
                fields.iter().map(field).collect::<Result<Vec<_>>>()?.join(", ")
            )
        }
        A::Map(entries, _) => match entries.data_type() {
            A::Struct(parts) if parts.len() == 2 => {
                format!(
                    "MAP<{}, {}>",
                    sql_type(parts[0].data_type())?,
                    sql_type(parts[1].data_type())?
                )
            }
            other => return Err(unexpected(format!("a map of {other}"))),
        },
        other => {
            return Err(crate::error::unsupported(format!(
                "Spark has no type for Arrow's {other}"
            )));
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::protocol::{Collated, StructType};

    fn described(collation: &str, metadata: Option<&str>) -> String {
        let text = Kind::String(Collated {
            collation: collation.to_owned(),
        });
        let column = StructField {
            name: "k".to_owned(),
            data_type: Some(DataType { kind: Some(text) }),
            nullable: true,
            metadata: metadata.map(str::to_owned),
        };
        let columns = Kind::Struct(StructType { fields: vec![column] });
        let schema = schema(Some(&DataType { kind: Some(columns) })).unwrap();
        assert_eq!(schema.field(0).data_type(), &ArrowType::Utf8);
        sql_type_of(schema.field(0)).to_owned()
    }

    #[test]
    fn text_of_a_fixed_length_is_told_by_its_metadata() {
        let fixed = r#"{"comment":"said","__CHAR_VARCHAR_TYPE_STRING":"char(5)"}"#;
        assert_eq!(described("", Some(fixed)), "char");
        assert_eq!(described("UTF8_LCASE", Some(fixed)), "char collate UTF8_LCASE");
        for other in [
            r#"{"__CHAR_VARCHAR_TYPE_STRING":"varchar(5)"}"#,
            r#"{"__CHAR_VARCHAR_TYPE_STRING":"array<char(5)>"}"#,
            r#"{"comment":"\"__CHAR_VARCHAR_TYPE_STRING\":\"char(5)\""}"#,
        ] {
            assert_eq!(described("", Some(other)), "", "{other}");
        }
        assert_eq!(described("UTF8_LCASE", None), "string collate UTF8_LCASE");
    }
}
