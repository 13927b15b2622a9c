//! Redshift's types and Arrow's: the one table of both, and what follows from it.

mod staged;
mod text;
mod time;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use hybrid_core::sql::{SQL_TYPE, sql_type_of};
use hybrid_core::{Error, ErrorKind, Result, timestamp_type};

pub(crate) use staged::Staged;
pub(crate) use text::{Rows, bytes as bytes_of};
pub(crate) use time::literal;

const NAIVE: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// The engine's names of a type, ours, and what it is in Arrow; `None` where precision or zone say more.
#[rustfmt::skip]
const TYPES: [(&[&str], &str, Option<DataType>); 19] = [
    (&["bool", "boolean"],                                  "boolean",          Some(DataType::Boolean)),
    (&["int2", "smallint"],                                 "smallint",         Some(DataType::Int16)),
    (&["int4", "integer", "int"],                           "integer",          Some(DataType::Int32)),
    (&["int8", "bigint"],                                   "bigint",           Some(DataType::Int64)),
    (&["oid"],                                              "oid",              Some(DataType::Int64)),
    (&["float4", "real"],                                   "real",             Some(DataType::Float32)),
    (&["float8", "double precision"],                       "double precision", Some(DataType::Float64)),
    (&["numeric", "decimal"],                               "numeric",          None),
    (&["varchar", "text", "character varying", "unknown", "name"], "varchar",   Some(DataType::Utf8)),
    (&["bpchar", "char", "character"],                      "bpchar",           Some(DataType::Utf8)),
    (&["date"],                                             "date",             Some(DataType::Date32)),
    (&["timestamp", "timestamp without time zone"],         "timestamp",        Some(NAIVE)),
    (&["timestamptz", "timestamp with time zone"],          "timestamptz",      None),
    (&["varbyte", "varbinary", "bytea"],                    "varbyte",          Some(DataType::Binary)),
    (&["super", "json", "jsonb"],                           "super",            Some(DataType::Utf8)),
    (&["time", "time without time zone"],                   "time",             Some(DataType::Utf8)),
    (&["timetz", "time with time zone"],                    "timetz",           Some(DataType::Utf8)),
    (&["interval", "intervaly2m", "intervald2s"],           "interval",         Some(DataType::Utf8)),
    (&["geometry", "geography", "hllsketch"],               "geometry",         Some(DataType::Utf8)),
];

/// A column that the engine calls so, of a type that it calls so; precision and scale of a numeric where they are known.
pub(crate) fn field(name: &str, engine: &str, numeric: Option<(u8, i8)>) -> Field {
    let engine = engine.to_ascii_lowercase();
    let known = TYPES.iter().find(|(names, ..)| names.contains(&engine.as_str()));
    let (sql, data_type) = match known {
        Some((_, "timestamptz", _)) => ("timestamptz".to_owned(), timestamp_type()),
        Some((_, "numeric", _)) => match numeric.filter(|(p, s)| fits_decimal(*p, *s)) {
            Some((p, s)) => (format!("numeric({p},{s})"), DataType::Decimal128(p, s)),
            None => ("numeric".to_owned(), DataType::Utf8),
        },
        Some((_, sql, Some(data_type))) => ((*sql).to_owned(), data_type.clone()),
        _ => (engine, DataType::Utf8),
    };
    Field::new(name, data_type, true).with_metadata([(SQL_TYPE.to_owned(), sql)].into())
}

/// The columns of a prepared statement.
pub(crate) fn described(columns: &[tokio_postgres::Column]) -> SchemaRef {
    let fields = columns
        .iter()
        .map(|column| field(column.name(), column.type_().name(), modifier(column.type_modifier())));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Precision and scale out of a numeric's type modifier.
fn modifier(modifier: i32) -> Option<(u8, i8)> {
    let packed = modifier.checked_sub(4).filter(|packed| *packed >= 0)?;
    let precision = u8::try_from((packed >> 16) & 0xffff).ok()?;
    let scale = i8::try_from(((packed & 0x7ff) ^ 1024) - 1024).ok()?;
    Some((precision, scale))
}

fn fits_decimal(precision: u8, scale: i8) -> bool {
    (1..=38).contains(&precision) && scale >= 0 && scale.unsigned_abs() <= precision
}

/// The column type that holds every value of an Arrow type.
///
/// # Errors
/// Unsupported, where there is none.
#[rustfmt::skip]
pub(crate) fn natural(data_type: &DataType) -> Result<String> {
    use DataType as T;
    Ok(match data_type {
        T::Boolean                                     => "boolean",
        T::Int8 | T::UInt8 | T::Int16                  => "smallint",
        T::UInt16 | T::Int32                           => "integer",
        T::UInt32 | T::Int64 | T::UInt64               => "bigint",
        T::Float16 | T::Float32                        => "real",
        T::Float64                                     => "double precision",
        T::Null | T::Utf8 | T::LargeUtf8 | T::Utf8View => "varchar(65535)",
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => "varbyte",
        T::Date32 | T::Date64                          => "date",
        T::Timestamp(_, None)                          => "timestamp",
        T::Timestamp(_, Some(_))                       => "timestamptz",
        T::Decimal32(p, s) | T::Decimal64(p, s) | T::Decimal128(p, s) if fits_decimal(*p, *s)
                                                       => return Ok(format!("numeric({p},{s})")),
        T::Dictionary(_, values)                       => return natural(values),
        T::Map(..) | T::Struct(_) | T::List(_) | T::LargeList(_) | T::ListView(_) | T::FixedSizeList(..) => "super",
        other => {
            let message = format!("Redshift has no type for Arrow's {other}");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
    }
    .to_owned())
}

/// How UNLOAD writes a column to Parquet whole: the type itself, or text where it has no form there.
pub(crate) fn unloadable(expr: &str, column: &Field) -> Option<String> {
    match sql_type_of(column) {
        "boolean" | "smallint" | "integer" | "bigint" | "real" | "double precision" | "varchar" | "date"
        | "timestamp" => None,
        sql if sql.starts_with("numeric(") => None,
        "bpchar" => Some(format!("({expr})::varchar(65535)")),
        "timestamptz" => Some(format!("({expr} AT TIME ZONE 'UTC')")),
        "varbyte" => Some(format!("TO_HEX({expr})")),
        "super" => Some(format!("JSON_SERIALIZE({expr})")),
        "oid" => Some(format!("({expr})::bigint")),
        _ => Some(format!("({expr})::varchar(65535)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_both_ways_in_are_known() {
        for (engine, numeric, sql, data_type) in [
            ("int8", None, "bigint", DataType::Int64),
            ("BIGINT", None, "bigint", DataType::Int64),
            ("numeric", Some((10, 2)), "numeric(10,2)", DataType::Decimal128(10, 2)),
            ("numeric", Some((0, 0)), "numeric", DataType::Utf8),
            ("timestamptz", None, "timestamptz", timestamp_type()),
            ("timestamp without time zone", None, "timestamp", NAIVE),
            ("bytea", None, "varbyte", DataType::Binary),
            ("super", None, "super", DataType::Utf8),
            ("something_new", None, "something_new", DataType::Utf8),
        ] {
            let field = field("c", engine, numeric);
            assert_eq!((sql_type_of(&field), field.data_type()), (sql, &data_type), "{engine}");
        }
    }

    #[test]
    fn modifiers_of_numerics() {
        assert_eq!(modifier(((10 << 16) | 2) + 4), Some((10, 2)));
        assert_eq!(modifier(-1), None);
    }

    #[test]
    fn what_parquet_has_no_form_for_is_unloaded_as_text() {
        let unloaded = |engine| unloadable("\"c\"", &field("c", engine, None));
        assert_eq!(unloaded("int4"), None);
        assert_eq!(unloaded("varbyte").as_deref(), Some("TO_HEX(\"c\")"));
        assert_eq!(unloaded("timestamptz").as_deref(), Some("(\"c\" AT TIME ZONE 'UTC')"));
        assert_eq!(unloaded("time").as_deref(), Some("(\"c\")::varchar(65535)"));
    }
}
