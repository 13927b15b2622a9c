//! Postgres' types and Arrow's: the one table of both, and what follows from it.

mod decode;
mod encode;
mod json;
mod numeric;
mod time;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use hybrid_core::sql::SQL_TYPE;
use hybrid_core::{Error, ErrorKind, Result, timestamp_type};
use tokio_postgres::Column;
use tokio_postgres::types::{Kind, Type};

pub(crate) use decode::Rows;
pub(crate) use encode::{Cells, HEADER, TRAILER};
pub use json::texts as json_texts;
pub(crate) use time::literal;

/// The key of a described field's metadata: the type to cast to, where the binary form is not read here.
pub(crate) const CAST: &str = "hybrid.postgres.cast";

/// What one value is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    Bool,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Numeric,
    Text,
    Json,
    Jsonb,
    Bytea,
    Uuid,
    Date,
    Time,
    Timestamp,
    TimestampTz,
}

/// Type, its array, its name, what it is on the wire.
#[rustfmt::skip]
const TYPES: [(Type, Type, &str, Scalar); 21] = [
    (Type::BOOL,        Type::BOOL_ARRAY,        "boolean",          Scalar::Bool),
    (Type::INT2,        Type::INT2_ARRAY,        "smallint",         Scalar::Int2),
    (Type::INT4,        Type::INT4_ARRAY,        "integer",          Scalar::Int4),
    (Type::INT8,        Type::INT8_ARRAY,        "bigint",           Scalar::Int8),
    (Type::OID,         Type::OID_ARRAY,         "oid",              Scalar::Oid),
    (Type::FLOAT4,      Type::FLOAT4_ARRAY,      "real",             Scalar::Float4),
    (Type::FLOAT8,      Type::FLOAT8_ARRAY,      "double precision", Scalar::Float8),
    (Type::NUMERIC,     Type::NUMERIC_ARRAY,     "numeric",          Scalar::Numeric),
    (Type::TEXT,        Type::TEXT_ARRAY,        "text",             Scalar::Text),
    (Type::VARCHAR,     Type::VARCHAR_ARRAY,     "varchar",          Scalar::Text),
    (Type::BPCHAR,      Type::BPCHAR_ARRAY,      "bpchar",           Scalar::Text),
    (Type::NAME,        Type::NAME_ARRAY,        "name",             Scalar::Text),
    (Type::UNKNOWN,     Type::TEXT_ARRAY,        "text",             Scalar::Text),
    (Type::JSON,        Type::JSON_ARRAY,        "json",             Scalar::Json),
    (Type::JSONB,       Type::JSONB_ARRAY,       "jsonb",            Scalar::Jsonb),
    (Type::BYTEA,       Type::BYTEA_ARRAY,       "bytea",            Scalar::Bytea),
    (Type::UUID,        Type::UUID_ARRAY,        "uuid",             Scalar::Uuid),
    (Type::DATE,        Type::DATE_ARRAY,        "date",             Scalar::Date),
    (Type::TIME,        Type::TIME_ARRAY,        "time",             Scalar::Time),
    (Type::TIMESTAMP,   Type::TIMESTAMP_ARRAY,   "timestamp",        Scalar::Timestamp),
    (Type::TIMESTAMPTZ, Type::TIMESTAMPTZ_ARRAY, "timestamptz",      Scalar::TimestampTz),
];

/// The Arrow type of a value; of a numeric with precision and scale where they are known.
#[rustfmt::skip]
fn arrow_scalar(scalar: Scalar, decimal: Option<(u8, i8)>) -> DataType {
    match scalar {
        Scalar::Bool                            => DataType::Boolean,
        Scalar::Int2                            => DataType::Int16,
        Scalar::Int4                            => DataType::Int32,
        Scalar::Int8 | Scalar::Oid              => DataType::Int64,
        Scalar::Float4                          => DataType::Float32,
        Scalar::Float8                          => DataType::Float64,
        Scalar::Numeric                         => decimal.map_or(DataType::Utf8, |(p, s)| DataType::Decimal128(p, s)),
        Scalar::Text | Scalar::Json | Scalar::Jsonb | Scalar::Uuid | Scalar::Time
                                                => DataType::Utf8,
        Scalar::Bytea                           => DataType::Binary,
        Scalar::Date                            => DataType::Date32,
        Scalar::Timestamp                       => DataType::Timestamp(TimeUnit::Microsecond, None),
        Scalar::TimestampTz                     => timestamp_type(),
    }
}

/// How a column's values are on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wire {
    pub(crate) scalar: Scalar,
    pub(crate) array: bool,
    pub(crate) decimal: Option<(u8, i8)>,
    /// The decimal places that the server rounds to and the Arrow type does not tell: of seconds in times, and of a
    /// numeric that no Decimal128 is.
    places: Option<i32>,
    /// The type of one value.
    oid: u32,
}

impl Wire {
    /// How values of a type are read and written here; `None` where they are not.
    pub(crate) fn of(found: &Type, modifier: i32) -> Option<Self> {
        let (value, array, _, scalar) = TYPES
            .iter()
            .find(|(value, array, ..)| value == found || array == found)?;
        let (decimal, places) = match scalar {
            Scalar::Numeric => match decimal(modifier) {
                None => (None, precision_and_scale(modifier).map(|(_, scale)| scale)),
                decimal => (decimal, None),
            },
            Scalar::Timestamp | Scalar::TimestampTz => (None, Some(modifier).filter(|digits| *digits >= 0)),
            _ => (None, None),
        };
        Some(Self {
            scalar: *scalar,
            array: array == found,
            decimal,
            places,
            oid: value.oid(),
        })
    }

    pub(crate) fn arrow(&self) -> DataType {
        let value = arrow_scalar(self.scalar, self.decimal);
        if self.array {
            DataType::new_list(value, true)
        } else {
            value
        }
    }

    /// A column of this type in CREATE TABLE.
    pub(crate) fn sql(&self) -> String {
        let name = TYPES
            .iter()
            .find(|(value, ..)| value.oid() == self.oid)
            .map_or("text", |(_, _, name, _)| name);
        let modifier = match (self.scalar, self.decimal, self.places) {
            (_, Some((p, s)), _) => format!("({p},{s})"),
            (Scalar::Timestamp | Scalar::TimestampTz, _, Some(digits)) => format!("({digits})"),
            _ => String::new(),
        };
        format!("{name}{modifier}{}", if self.array { "[]" } else { "" })
    }

    /// The column type that holds every value of an Arrow type.
    ///
    /// # Errors
    /// Unsupported, where there is none.
    #[rustfmt::skip]
    pub(crate) fn natural(data_type: &DataType) -> Result<Self> {
        use DataType as T;
        let scalar = match data_type {
            T::Boolean                                          => Scalar::Bool,
            T::Int8 | T::UInt8 | T::Int16                       => Scalar::Int2,
            T::UInt16 | T::Int32                                => Scalar::Int4,
            T::UInt32 | T::Int64 | T::UInt64                    => Scalar::Int8,
            T::Float16 | T::Float32                             => Scalar::Float4,
            T::Float64                                          => Scalar::Float8,
            T::Null | T::Utf8 | T::LargeUtf8 | T::Utf8View      => Scalar::Text,
            T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => Scalar::Bytea,
            T::Date32 | T::Date64                               => Scalar::Date,
            T::Timestamp(_, None)                               => Scalar::Timestamp,
            T::Timestamp(_, Some(_))                            => Scalar::TimestampTz,
            T::Decimal32(p, s) | T::Decimal64(p, s) | T::Decimal128(p, s) => return Ok(Self::numeric(*p, *s)),
            T::Map(..) | T::Struct(_)                           => Scalar::Jsonb,
            T::Dictionary(_, values)                            => return Self::natural(values),
            T::List(item) | T::LargeList(item) | T::ListView(item) | T::FixedSizeList(item, _) => {
                return Ok(match Self::natural(item.data_type())? {
                    // Arrays of arrays are rectangular in Postgres, and lists of lists are not.
                    item if item.array || item.scalar == Scalar::Jsonb => Self::scalar(Scalar::Jsonb),
                    item => Self { array: true, ..item },
                });
            }
            other => {
                let message = format!("Postgres has no type for Arrow's {other}");
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        };
        Ok(Self::scalar(scalar))
    }

    fn scalar(scalar: Scalar) -> Self {
        let oid = TYPES
            .iter()
            .find(|(_, _, _, of)| *of == scalar)
            .map_or(0, |(value, ..)| value.oid());
        Self {
            scalar,
            array: false,
            decimal: None,
            places: None,
            oid,
        }
    }

    fn numeric(precision: u8, scale: i8) -> Self {
        let decimal = fits_decimal(precision, scale).then_some((precision, scale));
        Self {
            decimal,
            ..Self::scalar(Scalar::Numeric)
        }
    }

    /// Whether values of an Arrow type are written as this type without the server's help.
    pub(crate) fn takes(&self, data_type: &DataType) -> bool {
        use DataType as T;
        match data_type {
            T::Dictionary(_, values) => self.takes(values),
            T::Null => true,
            T::List(item) | T::LargeList(item) if self.array => {
                let scalar = Self {
                    array: false,
                    ..self.clone()
                };
                scalar.scalar != Scalar::Jsonb && scalar.takes(item.data_type())
            }
            T::List(_) | T::LargeList(_) | T::Map(..) | T::Struct(_) => {
                matches!(self.scalar, Scalar::Json | Scalar::Jsonb) && !self.array
            }
            _ if self.array => false,
            T::Boolean => self.scalar == Scalar::Bool,
            t if t.is_integer() => {
                matches!(self.scalar, Scalar::Int2 | Scalar::Int4 | Scalar::Int8 | Scalar::Float8)
            }
            T::Float16 | T::Float32 => matches!(self.scalar, Scalar::Float4 | Scalar::Float8),
            T::Float64 => self.scalar == Scalar::Float8,
            T::Utf8 | T::LargeUtf8 | T::Utf8View => matches!(self.scalar, Scalar::Text | Scalar::Json | Scalar::Jsonb),
            T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => self.scalar == Scalar::Bytea,
            T::Date32 | T::Date64 => matches!(self.scalar, Scalar::Date | Scalar::Timestamp | Scalar::TimestampTz),
            T::Timestamp(..) => matches!(self.scalar, Scalar::Timestamp | Scalar::TimestampTz),
            T::Decimal32(..) | T::Decimal64(..) | T::Decimal128(..) => self.scalar == Scalar::Numeric,
            _ => false,
        }
    }
}

/// What the type modifier of a numeric says.
fn precision_and_scale(modifier: i32) -> Option<(i32, i32)> {
    let packed = modifier.checked_sub(4).filter(|packed| *packed >= 0)?;
    // The scale has eleven bits and a sign.
    Some(((packed >> 16) & 0xffff, ((packed & 0x7ff) ^ 1024) - 1024))
}

/// Precision and scale out of a type modifier, where a Decimal128 holds them.
fn decimal(modifier: i32) -> Option<(u8, i8)> {
    let (precision, scale) = precision_and_scale(modifier)?;
    let (precision, scale) = (u8::try_from(precision).ok()?, i8::try_from(scale).ok()?);
    fits_decimal(precision, scale).then_some((precision, scale))
}

fn fits_decimal(precision: u8, scale: i8) -> bool {
    (1..=38).contains(&precision) && scale >= 0 && scale.unsigned_abs() <= precision
}

/// The columns of a statement as they come, and the type to cast to of each that does not come so.
pub(crate) fn described(columns: &[Column]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

fn field(column: &Column) -> Field {
    let found = column.type_();
    let wire = Wire::of(found, column.type_modifier());
    let mut metadata = vec![(
        SQL_TYPE.to_owned(),
        wire.as_ref().map_or_else(|| name_of(found), Wire::sql),
    )];
    let data_type = match wire {
        Some(wire) => wire.arrow(),
        None => {
            let is_array = matches!(found.kind(), Kind::Array(_));
            metadata.push((CAST.to_owned(), if is_array { "text[]" } else { "text" }.to_owned()));
            if is_array {
                DataType::new_list(DataType::Utf8, true)
            } else {
                DataType::Utf8
            }
        }
    };
    Field::new(column.name(), data_type, true).with_metadata(metadata.into_iter().collect())
}

fn name_of(found: &Type) -> String {
    match found.kind() {
        Kind::Array(item) => format!("{}[]", item.name()),
        _ => found.name().to_owned(),
    }
}

/// The wires of described columns that come as they are.
pub(crate) fn wires(columns: &[Column]) -> Result<Vec<Wire>> {
    let wire = |column: &Column| {
        Wire::of(column.type_(), column.type_modifier()).ok_or_else(|| {
            let message = format!(
                "column `{}` has the type {}, which is not read",
                column.name(),
                column.type_()
            );
            Error::new(ErrorKind::Unsupported, message).with_help("cast it to text in the source's query")
        })
    };
    columns.iter().map(wire).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{ArrayRef, Decimal128Array};

    use super::*;

    fn modifier(precision: i32, scale: i32) -> i32 {
        ((precision << 16) | (scale & 0x7ff)) + 4
    }

    #[test]
    fn what_a_numeric_that_no_decimal_is_would_round_is_not_written() {
        let numeric = |precision, scale| Wire::of(&Type::NUMERIC, modifier(precision, scale)).unwrap();
        let decimals = |value: i128, scale| {
            let values = Decimal128Array::from(vec![None, Some(value)]);
            Arc::new(values.with_precision_and_scale(38, scale).unwrap()) as ArrayRef
        };
        for (wire, whole, lost) in [
            (numeric(50, 2), decimals(12_300, 4), decimals(12_345, 4)),
            (numeric(5, -2), decimals(12_300, 0), decimals(12_345, 0)),
            (numeric(1000, -1000), decimals(0, 0), decimals(1, 0)),
        ] {
            assert!(Cells::new(&whole, &wire, "c").is_ok(), "{wire:?}");
            let error = Cells::new(&lost, &wire, "c").err().unwrap();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            let told = error.to_string();
            assert!(told.contains("`c`") && told.contains("row 2"), "{told}");
        }
        let all = Wire::of(&Type::NUMERIC, -1).unwrap();
        assert!(Cells::new(&decimals(12_345, 4), &all, "c").is_ok());
    }

    #[test]
    fn a_type_is_named_with_what_it_keeps() {
        for (found, modifier, sql) in [
            (Type::TIMESTAMPTZ, 3, "timestamptz(3)"),
            (Type::TIMESTAMP_ARRAY, 0, "timestamp(0)[]"),
            (Type::TIMESTAMPTZ, -1, "timestamptz"),
            (Type::NUMERIC, modifier(50, 2), "numeric"),
        ] {
            assert_eq!(Wire::of(&found, modifier).unwrap().sql(), sql);
        }
    }

    #[test]
    fn modifiers_of_numerics() {
        assert_eq!(decimal(modifier(10, 2)), Some((10, 2)));
        assert_eq!(decimal(modifier(38, 38)), Some((38, 38)));
        for unbounded in [
            -1,
            modifier(39, 0),
            modifier(1000, 500),
            modifier(3, 5),
            modifier(5, -2),
        ] {
            assert_eq!(decimal(unbounded), None);
        }
    }

    #[test]
    fn what_is_natural_is_taken() {
        let list = |item| DataType::new_list(item, true);
        let fields = DataType::Struct(vec![Field::new("a", DataType::Int64, true)].into());
        for (data_type, sql) in [
            (DataType::UInt64, "bigint"),
            (DataType::Decimal128(10, 2), "numeric(10,2)"),
            (DataType::LargeUtf8, "text"),
            (timestamp_type(), "timestamptz"),
            (list(DataType::Float32), "real[]"),
            (list(list(DataType::Int64)), "jsonb"),
            (list(fields.clone()), "jsonb"),
            (fields, "jsonb"),
        ] {
            let wire = Wire::natural(&data_type).unwrap();
            assert_eq!(wire.sql(), sql);
            assert!(wire.takes(&data_type), "{data_type}");
        }
        assert_eq!(
            Wire::natural(&DataType::Decimal256(70, 0)).unwrap_err().kind(),
            ErrorKind::Unsupported
        );
    }
}
