//! Arrow columns in the few types that COPY reads from Parquet beyond doubt, and the expressions that make of them what a
//! table holds: times travel as text, nested values as JSON.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringBuilder, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Decimal128Type, Field, Schema, SchemaRef, TimeUnit, TimestampNanosecondType};
use hybrid_core::canonical::to_micros;
use hybrid_core::sql::{Dialect, sql_type_of};
use hybrid_core::{Error, ErrorKind, Result};
use hybrid_store_postgres::wire;

use super::{literal, natural, time};
use crate::RedshiftDialect;

/// What a staged column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Instant,
    Json,
}

/// A column on its way.
#[derive(Debug)]
struct Column {
    name: String,
    given: DataType,
    staged: DataType,
    kind: Kind,
    /// The decimal places of the column that it goes into.
    places: Option<i8>,
}

/// Rows on their way: the columns of the staging table, in their order.
#[derive(Debug)]
pub(crate) struct Staged {
    columns: Vec<Column>,
    schema: SchemaRef,
}

impl Staged {
    /// # Errors
    /// Unsupported, for a type that Redshift has no column for.
    pub(crate) fn of(schema: &Schema) -> Result<Self> {
        let columns = schema.fields().iter().map(|field| {
            natural(field.data_type()).map_err(|error| error.within(&format!("column `{}`", field.name())))?;
            let (staged, kind) = travels_as(field.data_type());
            Ok(Column {
                name: field.name().clone(),
                given: field.data_type().clone(),
                staged,
                kind,
                places: None,
            })
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        // By place: a name could differ in nothing but what Parquet or Redshift disregard.
        let fields = columns
            .iter()
            .enumerate()
            .map(|(at, column)| Field::new(staged_name(at), column.staged.clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Ok(Self { columns, schema })
    }

    /// For a table with these columns.
    ///
    /// # Errors
    /// InvalidInput, when it lacks one.
    pub(crate) fn into_table(mut self, table: &str, known: &Schema) -> Result<(Self, String)> {
        let mut exprs = Vec::new();
        for (at, column) in self.columns.iter_mut().enumerate() {
            let target = known.field_with_name(&column.name).map_err(|_| {
                let known: Vec<&str> = known.fields().iter().map(|field| field.name().as_str()).collect();
                Error::new(
                    ErrorKind::InvalidInput,
                    format!("the table {table} has no column `{}`", column.name),
                )
                .with_help(format!("it has: {}", known.join(", ")))
            })?;
            if let DataType::Decimal128(_, places) = target.data_type() {
                column.places = Some(*places);
            }
            exprs.push(column.stored(at, sql_type_of(target)));
        }
        Ok((self, exprs.join(", ")))
    }

    /// The columns of the staging table in CREATE TABLE.
    pub(crate) fn definitions(&self) -> Result<String> {
        let column = |(at, column): (usize, &Column)| Ok(format!("{} {}", staged_name(at), natural(&column.staged)?));
        Ok(self
            .columns
            .iter()
            .enumerate()
            .map(column)
            .collect::<Result<Vec<_>>>()?
            .join(", "))
    }

    /// The columns as they are in the end, out of the staging table; `instants`: every time is one of the dialect's.
    pub(crate) fn selected(&self, instants: bool) -> Result<String> {
        let column = |(at, column): (usize, &Column)| {
            let sql = match instants {
                true => RedshiftDialect.sql_type(&column.given)?,
                false => natural(&column.given)?,
            };
            Ok(format!(
                "{} AS {}",
                column.stored(at, &sql),
                RedshiftDialect.quote(&column.name)
            ))
        };
        Ok(self
            .columns
            .iter()
            .enumerate()
            .map(column)
            .collect::<Result<Vec<_>>>()?
            .join(", "))
    }

    /// The names of the columns in the table that they go into.
    pub(crate) fn names(&self) -> String {
        self.columns
            .iter()
            .map(|column| RedshiftDialect.quote(&column.name))
            .collect::<Vec<_>>()
            .join(", ")
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// A batch in the staged types; nothing is lost on the way.
    ///
    /// # Errors
    /// InvalidInput, for a value that its column does not hold.
    pub(crate) fn convert(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = self.columns.iter().zip(batch.columns()).map(|(column, array)| {
            column
                .convert(array)
                .map_err(|error| error.within(&format!("column `{}`", column.name)))
        });
        Ok(RecordBatch::try_new(
            self.schema.clone(),
            columns.collect::<Result<_>>()?,
        )?)
    }
}

fn staged_name(at: usize) -> String {
    format!("c{at}")
}

#[rustfmt::skip]
fn travels_as(data_type: &DataType) -> (DataType, Kind) {
    use DataType as T;
    match data_type {
        T::Int8 | T::UInt8 | T::Int16 | T::UInt16 | T::Int32 => (T::Int32, Kind::Plain),
        T::UInt32 | T::Int64 | T::UInt64            => (T::Int64, Kind::Plain),
        T::Float16 | T::Float32                     => (T::Float32, Kind::Plain),
        T::Null | T::Utf8 | T::LargeUtf8 | T::Utf8View => (T::Utf8, Kind::Plain),
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => (T::Binary, Kind::Plain),
        T::Date32 | T::Date64                       => (T::Date32, Kind::Plain),
        T::Timestamp(..)                            => (T::Utf8, Kind::Instant),
        T::Decimal32(p, s) | T::Decimal64(p, s)     => (T::Decimal128(*p, *s), Kind::Plain),
        T::Dictionary(_, values)                    => travels_as(values),
        T::Map(..) | T::Struct(_) | T::List(_) | T::LargeList(_) | T::ListView(_) | T::FixedSizeList(..) => (T::Utf8, Kind::Json),
        other                                       => (other.clone(), Kind::Plain),
    }
}

impl Column {
    /// The staged value as one of the engine's type `sql`.
    fn stored(&self, at: usize, sql: &str) -> String {
        let name = staged_name(at);
        match (self.kind, sql) {
            (_, "super") if self.staged == DataType::Utf8 => format!("JSON_PARSE({name})"),
            (Kind::Instant, "timestamptz") => format!("({name}::timestamp AT TIME ZONE 'UTC')"),
            (Kind::Instant, "varchar" | "bpchar") => format!("(REPLACE({name}, ' ', 'T') || 'Z')"),
            (Kind::Plain, "timestamptz") => format!("({name}::timestamp AT TIME ZONE 'UTC')"),
            // A cast would cut texts that are too long; an INSERT refuses them.
            (Kind::Plain, "varchar" | "bpchar") => name,
            (_, sql) => format!("{name}::{sql}"),
        }
    }

    fn convert(&self, array: &ArrayRef) -> Result<ArrayRef> {
        match (self.kind, &self.given) {
            (_, DataType::Null) => Ok(new_null_array(&self.staged, array.len())),
            (_, DataType::Dictionary(_, values)) => {
                let plain = Self {
                    name: self.name.clone(),
                    given: values.as_ref().clone(),
                    staged: self.staged.clone(),
                    kind: self.kind,
                    places: self.places,
                };
                plain.convert(&strict_cast(array, values)?)
            }
            (Kind::Json, _) => wire::json_texts(array),
            (Kind::Instant, _) => instants(array),
            (Kind::Plain, _) => {
                let array = strict_cast(array, &self.staged)?;
                if let (Some(places), DataType::Decimal128(_, scale)) = (self.places, &self.staged) {
                    refuse_more_places(&array, *scale, places)?;
                }
                Ok(array)
            }
        }
    }
}

fn strict_cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(array, to, &strict).map_err(|error| Error::new(ErrorKind::InvalidInput, error.to_string()))
}

fn at_row(message: &str, row: usize) -> Error {
    Error::new(ErrorKind::InvalidInput, message).with_help(format!("it stands in row {} of its batch", row + 1))
}

/// Times as text to the microsecond.
fn instants(array: &ArrayRef) -> Result<ArrayRef> {
    if let DataType::Timestamp(TimeUnit::Nanosecond, _) = array.data_type() {
        let values = array.as_primitive::<TimestampNanosecondType>();
        let finer = values
            .iter()
            .position(|value| value.is_some_and(|value| value % 1000 != 0));
        if let Some(row) = finer {
            return Err(at_row("a time is finer than microseconds", row));
        }
    }
    let micros = to_micros(array)?;
    let mut texts = StringBuilder::with_capacity(micros.len(), micros.len() * 26);
    for (row, micros) in micros.iter().enumerate() {
        match micros {
            Some(micros) if !time::is_known(micros) => {
                return Err(at_row("a time is out of Redshift's range, 4713 BC to 262142", row));
            }
            Some(micros) => texts.append_value(literal(micros, false)),
            None => texts.append_null(),
        }
    }
    Ok(Arc::new(texts.finish()))
}

/// Redshift would round what has more decimal places than the column.
fn refuse_more_places(array: &ArrayRef, scale: i8, places: i8) -> Result<()> {
    if places >= scale {
        return Ok(());
    }
    let unit = 10_i128.pow(u32::from((scale - places).unsigned_abs()));
    let mut values = array.as_primitive::<Decimal128Type>().iter();
    let finer = values.position(|value| value.is_some_and(|value| value % unit != 0));
    finer.map_or(Ok(()), |row| {
        Err(at_row("a value has more decimal places than its column", row))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{Int64Array, TimestampNanosecondArray, UInt64Array};
    use hybrid_core::timestamp_type;

    use super::super::field;
    use super::*;

    fn schema(fields: &[(&str, DataType)]) -> Schema {
        Schema::new(
            fields
                .iter()
                .map(|(name, data_type)| Field::new(*name, data_type.clone(), true))
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn columns_are_staged_in_types_that_copy_reads() {
        let list = DataType::new_list(DataType::Int64, true);
        let given = schema(&[
            ("k", DataType::UInt64),
            ("t", timestamp_type()),
            ("l", list),
            ("s", DataType::Int16),
        ]);
        let staged = Staged::of(&given).unwrap();
        assert_eq!(
            staged.definitions().unwrap(),
            "c0 bigint, c1 varchar(65535), c2 varchar(65535), c3 integer"
        );
        assert_eq!(
            staged.selected(true).unwrap(),
            "c0::bigint AS \"k\", c1::timestamp AS \"t\", JSON_PARSE(c2) AS \"l\", c3::smallint AS \"s\""
        );
        assert!(
            staged
                .selected(false)
                .unwrap()
                .contains("(c1::timestamp AT TIME ZONE 'UTC') AS \"t\"")
        );
    }

    #[test]
    fn a_table_decides_what_its_columns_become() {
        let known = Schema::new(vec![
            field("t", "varchar", None),
            field("j", "super", None),
            field("s", "varchar", None),
        ]);
        let given = schema(&[("s", DataType::Utf8), ("t", timestamp_type()), ("j", DataType::Utf8)]);
        let (staged, exprs) = Staged::of(&given).unwrap().into_table("x", &known).unwrap();
        assert_eq!(exprs, "c0, (REPLACE(c1, ' ', 'T') || 'Z'), JSON_PARSE(c2)");
        assert_eq!(staged.names(), "\"s\", \"t\", \"j\"");
        let error = Staged::of(&schema(&[("nope", DataType::Utf8)]))
            .unwrap()
            .into_table("x", &known)
            .unwrap_err();
        assert!(error.to_string().contains("it has: t, j, s"), "{error}");
    }

    #[test]
    fn values_that_a_column_does_not_hold_are_refused() {
        let convert = |array: ArrayRef| {
            let given = schema(&[("c", array.data_type().clone())]);
            let batch = RecordBatch::try_new(Arc::new(given.clone()), vec![array]).unwrap();
            Staged::of(&given).unwrap().convert(&batch)
        };
        assert!(convert(Arc::new(Int64Array::from(vec![1, 2]))).is_ok());
        for wrong in [
            Arc::new(UInt64Array::from(vec![u64::MAX])) as ArrayRef,
            Arc::new(TimestampNanosecondArray::from(vec![1])),
            Arc::new(arrow::array::TimestampMicrosecondArray::from(vec![i64::MIN])),
        ] {
            assert_eq!(convert(wrong).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    }
}
