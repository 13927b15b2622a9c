use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, GenericListArray, MapArray, OffsetSizeTrait, RecordBatch, RecordBatchOptions,
    StringArray, TimestampMicrosecondArray,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit, TimestampNanosecondType};
use hybrid_core::{Error, ErrorKind, Result, timestamp_type};

use super::{column, sql_type};
use crate::client::FieldSchema;

/// Rows on their way to BigQuery, in the Arrow types whose Parquet it loads as they are.
pub(crate) struct Incoming {
    schema: SchemaRef,
}

impl Incoming {
    /// Of rows of this schema; columns of `required` names hold no NULL.
    ///
    /// # Errors
    /// Unsupported, naming the column that has a type which BigQuery lacks.
    pub(crate) fn new(given: &Schema, required: &[&str]) -> Result<Self> {
        let field = |field: &Arc<Field>| {
            let data_type = sql_type(field.data_type()).and_then(|_| loadable(field.data_type()));
            let data_type = data_type.map_err(|error| error.within(&format!("column `{}`", field.name())))?;
            Ok(Field::new(
                field.name(),
                data_type,
                !required.contains(&field.name().as_str()),
            ))
        };
        let fields = given.fields().iter().map(field).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            schema: Arc::new(Schema::new(fields)),
        })
    }

    /// Under other names.
    pub(crate) fn renamed(self, names: &[String]) -> Self {
        let fields = self.schema.fields().iter().zip(names);
        let fields: Vec<Field> = fields
            .map(|(field, name)| field.as_ref().clone().with_name(name))
            .collect();
        Self {
            schema: Arc::new(Schema::new(fields)),
        }
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The columns of a table that is made for them.
    pub(crate) fn columns(&self) -> Result<Vec<FieldSchema>> {
        let fields = self.schema.fields().iter();
        fields.map(|field| column(field.name(), field.data_type())).collect()
    }

    /// The rows; a value that the type cannot hold is an error.
    pub(crate) fn convert(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let convert = |(column, field): (&ArrayRef, &Arc<Field>)| {
            if !field.is_nullable() && column.null_count() > 0 {
                return Err(invalid(format!(
                    "column `{}` is REQUIRED and holds a NULL",
                    field.name()
                )));
            }
            if let Some(what) = null_in_array(column) {
                return Err(
                    invalid(format!("column `{}` holds an array with a NULL {what}", field.name()))
                        .with_help("BigQuery's arrays hold no NULL"),
                );
            }
            converted(column, field.data_type()).map_err(|error| {
                invalid(format!(
                    "a value of column `{}` does not fit BigQuery's type",
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

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

/// What no array of BigQuery's may hold.
fn null_in_array(column: &ArrayRef) -> Option<&'static str> {
    let values = match column.data_type() {
        DataType::List(_) => within(column.as_list::<i32>()),
        DataType::LargeList(_) => within(column.as_list::<i64>()),
        DataType::FixedSizeList(..) => column.as_fixed_size_list().values().clone(),
        DataType::Struct(_) => return column.as_struct().columns().iter().find_map(null_in_array),
        _ => return None,
    };
    (values.null_count() > 0)
        .then_some("element")
        .or_else(|| null_in_array(&values))
}

/// The elements of a list's rows, and not those of rows beside them.
fn within<O: OffsetSizeTrait>(list: &GenericListArray<O>) -> ArrayRef {
    let offsets = list.value_offsets();
    let (begin, end) = (offsets[0].as_usize(), offsets[list.len()].as_usize());
    list.values().slice(begin, end - begin)
}

fn converted(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, arrow::error::ArrowError> {
    if column.data_type() == wanted {
        return Ok(Arc::clone(column));
    }
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    match (column.data_type(), wanted) {
        (DataType::Map(..), _) => json(column.as_map()),
        // Arrow's cast rounds toward zero; what lies before 1970 is floored.
        (DataType::Timestamp(TimeUnit::Nanosecond, _), DataType::Timestamp(TimeUnit::Microsecond, zone)) => {
            let nanos = column.as_primitive::<TimestampNanosecondType>();
            let floored: TimestampMicrosecondArray = nanos.unary(|nanos| nanos.div_euclid(1000));
            Ok(Arc::new(floored.with_timezone_opt(zone.clone())))
        }
        _ => cast_with_options(column, wanted, &strict),
    }
}

/// Maps as objects of JSON, whose values are texts or NULL.
fn json(column: &MapArray) -> Result<ArrayRef, arrow::error::ArrowError> {
    let text = |array: &ArrayRef| {
        let array = cast_with_options(array, &DataType::Utf8, &CastOptions::default())?;
        Ok::<_, arrow::error::ArrowError>(array.as_string::<i32>().clone())
    };
    let (keys, values) = (text(column.keys())?, text(column.values())?);
    let object = |row: usize| {
        let entries = column.value_offsets();
        let (begin, end) = (entries[row], entries[row + 1]);
        let entry = |at: i32| {
            let at = usize::try_from(at).unwrap_or_default();
            let value = values.is_valid(at).then(|| values.value(at));
            (keys.value(at).to_owned(), value.into())
        };
        serde_json::Value::Object((begin..end).map(entry).collect()).to_string()
    };
    let rows = (0..column.len()).map(|row| column.is_valid(row).then(|| object(row)));
    Ok(Arc::new(rows.collect::<StringArray>()))
}

/// The Arrow type in which values of a type are loaded.
fn loadable(data_type: &DataType) -> Result<DataType> {
    use DataType as A;
    let inner = |field: &Arc<Field>| Ok::<_, Error>(Field::new(field.name(), loadable(field.data_type())?, true));
    Ok(match data_type {
        A::Boolean | A::Date32 | A::Decimal128(..) => data_type.clone(),
        A::Null | A::Utf8 | A::LargeUtf8 | A::Utf8View | A::Map(..) => A::Utf8,
        A::Int8 | A::Int16 | A::Int32 | A::Int64 | A::UInt8 | A::UInt16 | A::UInt32 | A::UInt64 => A::Int64,
        A::Float16 | A::Float32 | A::Float64 => A::Float64,
        A::Binary | A::LargeBinary | A::BinaryView | A::FixedSizeBinary(_) => A::Binary,
        A::Date64 => A::Date32,
        A::Time32(_) | A::Time64(_) => A::Time64(TimeUnit::Microsecond),
        A::Timestamp(_, Some(_)) => timestamp_type(),
        A::Timestamp(_, None) => A::Timestamp(TimeUnit::Microsecond, None),
        A::Decimal32(p, s) | A::Decimal64(p, s) => A::Decimal128(*p, *s),
        A::Decimal256(p, s) if *p <= 38 => A::Decimal128(*p, *s),
        A::Decimal256(..) => data_type.clone(),
        A::Dictionary(_, values) => loadable(values)?,
        A::List(item) | A::LargeList(item) | A::FixedSizeList(item, _) => {
            A::List(Arc::new(inner(item)?.with_name("element")))
        }
        A::Struct(fields) => A::Struct(fields.iter().map(inner).collect::<Result<Fields>>()?),
        other => {
            let message = format!("BigQuery has no type for Arrow's {other}");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::builder::{MapBuilder, StringBuilder};
    use arrow::array::{Int32Array, ListArray, TimestampNanosecondArray, UInt64Array};
    use arrow::datatypes::Int32Type;

    use super::*;

    fn sent(column: ArrayRef) -> Result<ArrayRef> {
        let batch = RecordBatch::try_from_iter_with_nullable([("c", column, true)])?;
        Ok(Incoming::new(&batch.schema(), &[])?.convert(&batch)?.column(0).clone())
    }

    #[test]
    fn whole_numbers_become_int64_or_an_error() {
        assert_eq!(
            sent(Arc::new(Int32Array::from(vec![7]))).unwrap().data_type(),
            &DataType::Int64
        );
        let error = sent(Arc::new(UInt64Array::from(vec![u64::MAX]))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("`c`"), "{error}");
    }

    #[test]
    fn nanoseconds_before_1970_are_floored() {
        let sent = sent(Arc::new(TimestampNanosecondArray::from(vec![-1]).with_timezone("UTC"))).unwrap();
        assert_eq!(
            sent.as_primitive::<arrow::datatypes::TimestampMicrosecondType>()
                .value(0),
            -1
        );
    }

    #[test]
    fn maps_become_objects() {
        let mut builder = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        builder.keys().append_value("it's \"a\"");
        builder.values().append_value("1");
        builder.keys().append_value("b");
        builder.values().append_null();
        builder.append(true).unwrap();
        builder.append(false).unwrap();
        let sent = sent(Arc::new(builder.finish())).unwrap();
        let sent = sent.as_string::<i32>();
        assert_eq!(sent.value(0), r#"{"it's \"a\"":"1","b":null}"#);
        assert!(sent.is_null(1));
    }

    #[test]
    fn what_bigquery_cannot_hold_is_an_error_that_says_so() {
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None])]);
        let error = sent(Arc::new(list)).unwrap_err();
        assert!(error.to_string().contains("hold no NULL"), "{error}");
        let batch =
            RecordBatch::try_from_iter_with_nullable([("c", Arc::new(Int32Array::from(vec![None])) as ArrayRef, true)])
                .unwrap();
        let error = Incoming::new(&batch.schema(), &["c"])
            .unwrap()
            .convert(&batch)
            .unwrap_err();
        assert!(error.to_string().contains("REQUIRED"), "{error}");
    }
}
