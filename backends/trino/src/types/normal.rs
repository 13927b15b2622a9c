//! The few Arrow types that rows are sent in, to which all others are brought first.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, ListArray, MapArray, RecordBatch, RecordBatchOptions, StructArray, new_empty_array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use hybrid_core::{Result, canonical};

use super::no_type;

/// The array in the type of its kind that is sent: nanoseconds are floored, zones leave the instant in UTC,
/// unsigned integers get wider, dictionaries are spelled out.
pub(crate) fn normal(array: &ArrayRef) -> Result<ArrayRef> {
    use DataType as T;
    let target = match array.data_type() {
        T::Boolean | T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::Float32 | T::Float64 => {
            return Ok(Arc::clone(array));
        }
        T::Utf8 | T::Binary | T::Date32 | T::Decimal128(..) => return Ok(Arc::clone(array)),
        T::Null => T::Utf8,
        T::UInt8 => T::Int16,
        T::UInt16 => T::Int32,
        T::UInt32 | T::UInt64 => T::Int64,
        T::Float16 => T::Float32,
        T::LargeUtf8 | T::Utf8View => T::Utf8,
        T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => T::Binary,
        T::Time32(_) | T::Time64(_) => T::Time64(TimeUnit::Microsecond),
        T::Decimal32(precision, scale) | T::Decimal64(precision, scale) => T::Decimal128(*precision, *scale),
        T::Date64 | T::Timestamp(..) => return instants(array),
        T::Dictionary(_, values) => return normal(&cast(array, values)?),
        T::List(_) => return list(array),
        T::LargeList(item) | T::FixedSizeList(item, _) => return list(&cast(array, &T::List(Arc::clone(item)))?),
        T::Map(..) => return map(array),
        T::Struct(_) => return row(array),
        other => return Err(no_type(other)),
    };
    cast(array, &target)
}

/// A batch of such arrays.
pub(crate) fn normal_batch(batch: &RecordBatch) -> Result<RecordBatch> {
    let arrays = batch.columns().iter().map(normal).collect::<Result<Vec<_>>>()?;
    let fields = batch.schema_ref().fields().iter().zip(&arrays);
    let fields: Fields = fields.map(|(field, array)| renewed(field, array)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        Arc::new(Schema::new(fields)),
        arrays,
        &options,
    )?)
}

/// The schema of such batches.
pub(crate) fn normal_schema(schema: &Schema) -> Result<SchemaRef> {
    let field = |field: &Arc<Field>| Ok(renewed(field, &normal(&new_empty_array(field.data_type()))?));
    Ok(Arc::new(Schema::new(
        schema.fields().iter().map(field).collect::<Result<Fields>>()?,
    )))
}

fn renewed(field: &Field, array: &ArrayRef) -> Arc<Field> {
    Arc::new(Field::new(field.name(), array.data_type().clone(), true))
}

fn cast(array: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    Ok(cast_with_options(array, target, &strict)?)
}

fn instants(array: &ArrayRef) -> Result<ArrayRef> {
    let micros = canonical::to_micros(array)?;
    Ok(Arc::new(micros.with_timezone_opt(None::<Arc<str>>)))
}

fn list(array: &ArrayRef) -> Result<ArrayRef> {
    let list = array.as_list::<i32>();
    let values = normal(list.values())?;
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(
        field,
        list.offsets().clone(),
        values,
        list.nulls().cloned(),
    )?))
}

fn map(array: &ArrayRef) -> Result<ArrayRef> {
    let map = array.as_map();
    let (keys, values) = (normal(map.keys())?, normal(map.values())?);
    let fields = Fields::from(vec![
        Field::new("key", keys.data_type().clone(), false),
        Field::new("value", values.data_type().clone(), true),
    ]);
    let entries = StructArray::try_new(fields, vec![keys, values], None)?;
    let field = Arc::new(Field::new("entries", entries.data_type().clone(), false));
    Ok(Arc::new(MapArray::try_new(
        field,
        map.offsets().clone(),
        entries,
        map.nulls().cloned(),
        false,
    )?))
}

fn row(array: &ArrayRef) -> Result<ArrayRef> {
    let row = array.as_struct();
    let columns = row.columns().iter().map(normal).collect::<Result<Vec<_>>>()?;
    let fields: Fields = row
        .fields()
        .iter()
        .zip(&columns)
        .map(|(field, array)| renewed(field, array))
        .collect();
    Ok(Arc::new(StructArray::try_new_with_length(
        fields,
        columns,
        row.nulls().cloned(),
        row.len(),
    )?))
}
