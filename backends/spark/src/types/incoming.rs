use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use hybrid_core::{Result, timestamp_type};

use crate::error::{invalid, unsupported};

/// Rows on their way to Spark, in the Arrow types that it reads.
pub(crate) struct Incoming {
    schema: SchemaRef,
}

impl Incoming {
    /// Of rows of this schema.
    ///
    /// # Errors
    /// Unsupported, naming the column that has a type which Spark lacks.
    pub(crate) fn new(given: &Schema) -> Result<Self> {
        let field = |field: &Arc<Field>| {
            let data_type =
                loadable(field.data_type()).map_err(|error| error.within(&format!("column `{}`", field.name())))?;
            Ok(Field::new(field.name(), data_type, true))
        };
        let fields = given.fields().iter().map(field).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            schema: Arc::new(Schema::new(fields)),
        })
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The rows; a value that the type cannot hold is an error.
    pub(crate) fn convert(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let convert = |(column, field): (&ArrayRef, &Arc<Field>)| {
            convert(column, field.data_type()).map_err(|error| {
                invalid(format!(
                    "a value of column `{}` does not fit Spark's type",
                    field.name()
                ))
                .with_cause(error)
            })
        };
        let columns = batch
            .columns()
            .iter()
            .zip(self.schema.fields())
            .map(convert)
            .collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            self.schema.clone(),
            columns,
            &options,
        )?)
    }
}

fn convert(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, arrow::error::ArrowError> {
    if column.data_type() == wanted {
        return Ok(column.clone());
    }
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    match (column.data_type(), wanted) {
        // Arrow's cast rounds toward zero; what lies before 1970 is floored.
        (DataType::Timestamp(TimeUnit::Nanosecond, _), DataType::Timestamp(TimeUnit::Microsecond, zone)) => {
            let column = column.as_any().downcast_ref::<arrow::array::TimestampNanosecondArray>();
            let Some(column) = column else {
                return cast_with_options(&arrow::array::new_null_array(wanted, 0), wanted, &strict);
            };
            let floored: arrow::array::TimestampMicrosecondArray = column.unary(|nanos| nanos.div_euclid(1000));
            Ok(Arc::new(floored.with_timezone_opt(zone.clone())))
        }
        _ => cast_with_options(column, wanted, &strict),
    }
}

/// The entries of a map: Spark looks for keys and values by these names.
fn loadable_entries(entries: &Field) -> Result<Field> {
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(unsupported("Spark has no type for a map without keys and values"));
    };
    let named =
        |(field, name): (&Arc<Field>, &str)| Ok(Field::new(name, loadable(field.data_type())?, field.is_nullable()));
    let fields = fields
        .iter()
        .zip(["key", "value"])
        .map(named)
        .collect::<Result<Fields>>()?;
    Ok(Field::new("entries", DataType::Struct(fields), false))
}

/// The Arrow type in which Spark reads values of a type.
fn loadable(data_type: &DataType) -> Result<DataType> {
    use DataType as A;
    let inner = |field: &Arc<Field>| -> Result<Field> {
        Ok(Field::new(
            field.name(),
            loadable(field.data_type())?,
            field.is_nullable(),
        ))
    };
    Ok(match data_type {
        A::Null | A::Boolean | A::Int8 | A::Int16 | A::Int32 | A::Int64 | A::Float32 | A::Float64 | A::Date32 => {
            data_type.clone()
        }
        A::UInt8 => A::Int16,
        A::UInt16 => A::Int32,
        A::UInt32 | A::UInt64 => A::Int64,
        A::Float16 => A::Float32,
        A::Utf8 | A::LargeUtf8 | A::Utf8View => A::Utf8,
        A::Binary | A::LargeBinary | A::BinaryView | A::FixedSizeBinary(_) => A::Binary,
        A::Date64 => A::Date32,
        A::Timestamp(_, Some(_)) => timestamp_type(),
        A::Timestamp(_, None) => A::Timestamp(TimeUnit::Microsecond, None),
        A::Decimal32(p, s) | A::Decimal64(p, s) | A::Decimal128(p, s) if *s >= 0 => A::Decimal128(*p, *s),
        A::Dictionary(_, values) => loadable(values)?,
        A::List(item) | A::LargeList(item) | A::FixedSizeList(item, _) => A::List(Arc::new(inner(item)?)),
        A::Struct(fields) => A::Struct(fields.iter().map(inner).collect::<Result<Fields>>()?),
        A::Map(entries, sorted) => A::Map(Arc::new(loadable_entries(entries)?), *sorted),
        other => return Err(unsupported(format!("Spark has no type for Arrow's {other}"))),
    })
}
