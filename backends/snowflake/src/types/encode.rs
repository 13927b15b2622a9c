//! Rows on their way into Snowflake: in the few types that its Parquet reader takes as they are.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StringArray, new_empty_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use hybrid_core::{Error, ErrorKind, Result, canonical};

use super::json::documents;

const CLOCK: FormatOptions<'static> = FormatOptions::new().with_time_format(Some("%H:%M:%S%.6f"));

/// The array in the type of its kind that is sent: instants are times of UTC without a zone, nanoseconds are
/// floored, integers are of 64 bits, what is nested is JSON.
fn normal(array: &ArrayRef) -> Result<ArrayRef> {
    use DataType as T;
    let target = match array.data_type() {
        T::Boolean | T::Int64 | T::Float64 | T::Utf8 | T::Binary | T::Date32 => return Ok(Arc::clone(array)),
        T::Decimal128(_, scale) if *scale >= 0 => return Ok(Arc::clone(array)),
        T::Null => T::Utf8,
        T::Int8 | T::Int16 | T::Int32 | T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64 => T::Int64,
        T::Float16 | T::Float32 => T::Float64,
        T::LargeUtf8 | T::Utf8View => T::Utf8,
        T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => T::Binary,
        // As text: it is not said that times of Parquet are read as such.
        T::Time32(_) | T::Time64(_) => return Ok(Arc::new(clocks(&cast(array, &T::Time64(TimeUnit::Microsecond))?)?)),
        T::Decimal32(precision, scale) | T::Decimal64(precision, scale) if *scale >= 0 => {
            T::Decimal128(*precision, *scale)
        }
        T::Date64 | T::Timestamp(..) => return instants(array),
        T::Dictionary(_, values) => return normal(&cast(array, values)?),
        T::List(_) | T::LargeList(_) | T::FixedSizeList(..) | T::Map(..) | T::Struct(_) => {
            return Ok(Arc::new(StringArray::from(documents(array)?)));
        }
        other => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("Snowflake has no type for Arrow's {other}"),
            ));
        }
    };
    cast(array, &target)
}

/// A batch of such arrays, its columns called c0, c1, …
pub(crate) fn normal_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let column = |(field, array): (&Arc<Field>, &ArrayRef)| {
        normal(array).map_err(|error| error.within(&format!("column `{}`", field.name())))
    };
    let columns = batch.schema_ref().fields().iter().zip(batch.columns());
    let arrays = columns.map(column).collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        SchemaRef::clone(schema),
        arrays,
        &options,
    )?)
}

/// The schema of such batches.
pub(crate) fn normal_schema(schema: &Schema) -> Result<SchemaRef> {
    let field = |(place, field): (usize, &Arc<Field>)| {
        let made = normal(&new_empty_array(field.data_type()));
        let made = made.map_err(|error| error.within(&format!("column `{}`", field.name())))?;
        Ok(Field::new(format!("c{place}"), made.data_type().clone(), true))
    };
    let fields = schema.fields().iter().enumerate().map(field);
    Ok(Arc::new(Schema::new(fields.collect::<Result<Fields>>()?)))
}

fn cast(array: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    Ok(cast_with_options(array, target, &strict)?)
}

fn clocks(array: &ArrayRef) -> Result<StringArray> {
    let shown = ArrayFormatter::try_new(array, &CLOCK)?;
    let text = |row| array.is_valid(row).then(|| shown.value(row).to_string());
    Ok((0..array.len()).map(text).collect())
}

fn instants(array: &ArrayRef) -> Result<ArrayRef> {
    let micros = canonical::to_micros(array)?;
    Ok(Arc::new(micros.with_timezone_opt(None::<Arc<str>>)))
}
