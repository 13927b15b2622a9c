use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, GenericListArray, ListArray, RecordBatch, RecordBatchOptions, StringArray,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use hybrid_core::{Result, timestamp_type};

use super::ARRAY;
use crate::error::protocol;

/// Rows on their way out, in the Arrow types that are described.
pub(crate) struct Outgoing {
    schema: SchemaRef,
}

impl Outgoing {
    /// Of rows that come in this schema.
    pub(crate) fn new(given: &Schema) -> Self {
        let field = |field: &FieldRef| {
            let inside = wrapped(field.data_type());
            Field::new(
                field.name(),
                normal(inside.map_or(field.data_type(), |inside| inside.data_type())),
                true,
            )
        };
        Self {
            schema: Arc::new(Schema::new(given.fields().iter().map(field).collect::<Vec<_>>())),
        }
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(crate) fn convert(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        if batch.num_columns() != self.schema.fields().len() {
            return Err(protocol("rows of another schema than was said"));
        }
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns = columns.map(|(column, field)| match wrapped(column.data_type()) {
            Some(_) => converted(&unwrapped(column)?, field.data_type()),
            None => converted(column, field.data_type()),
        });
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let columns = columns.collect::<Result<_>>()?;
        Ok(RecordBatch::try_new_with_options(
            self.schema.clone(),
            columns,
            &options,
        )?)
    }
}

/// The array in the struct that was put around it.
fn wrapped(data_type: &DataType) -> Option<&FieldRef> {
    match data_type {
        DataType::Struct(fields) if fields.len() == 1 && fields[0].name() == ARRAY => fields.first(),
        _ => None,
    }
}

/// That array, NULL where the struct is.
fn unwrapped(column: &ArrayRef) -> Result<ArrayRef> {
    let column = column.as_struct();
    let inside = column.column(0);
    let nulls = NullBuffer::union(column.nulls(), inside.nulls());
    let data = inside.to_data().into_builder().nulls(nulls).build()?;
    Ok(arrow::array::make_array(data))
}

fn converted(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    if column.data_type() == wanted {
        return Ok(Arc::clone(column));
    }
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    match (column.data_type(), wanted) {
        (DataType::Decimal256(..), DataType::Utf8) => {
            let text = cast_with_options(column, &DataType::Utf8, &strict)?;
            let text = text.as_string::<i32>().iter();
            Ok(Arc::new(text.map(|text| text.map(shortened)).collect::<StringArray>()))
        }
        (DataType::List(_), DataType::List(item)) => list(column.as_list::<i32>(), item),
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let column = column.as_struct();
            let inner = column.columns().iter().zip(fields);
            let inner = inner
                .map(|(inner, field)| converted(inner, field.data_type()))
                .collect::<Result<Vec<_>>>()?;
            Ok(Arc::new(arrow::array::StructArray::try_new(
                fields.clone(),
                inner,
                column.nulls().cloned(),
            )?))
        }
        _ => Ok(cast_with_options(column, wanted, &strict)?),
    }
}

fn list(column: &GenericListArray<i32>, item: &FieldRef) -> Result<ArrayRef> {
    let values = converted(column.values(), item.data_type())?;
    let made = ListArray::try_new(
        Arc::clone(item),
        column.offsets().clone(),
        values,
        column.nulls().cloned(),
    )?;
    Ok(Arc::new(made))
}

/// A decimal number without the zeros that fill its scale.
fn shortened(text: &str) -> &str {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}

/// The type that values of a type come back in.
fn normal(data_type: &DataType) -> DataType {
    use DataType as T;
    match data_type {
        T::LargeUtf8 | T::Utf8View | T::Decimal256(..) | T::Interval(_) | T::Duration(_) => T::Utf8,
        T::LargeBinary | T::BinaryView => T::Binary,
        T::Time32(_) | T::Time64(_) => T::Time64(TimeUnit::Microsecond),
        T::Timestamp(_, Some(_)) => timestamp_type(),
        T::Timestamp(_, None) => T::Timestamp(TimeUnit::Microsecond, None),
        T::Dictionary(_, values) => normal(values),
        T::List(item) | T::LargeList(item) => T::new_list(normal(item.data_type()), true),
        T::Struct(fields) => {
            let field = |field: &FieldRef| Field::new(field.name(), normal(field.data_type()), true);
            T::Struct(fields.iter().map(field).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{Decimal256Array, Int64Array, StructArray};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::i256;

    use super::*;

    #[test]
    fn an_array_is_null_where_the_struct_around_it_is() {
        let item = Arc::new(Field::new("element", DataType::Int64, false));
        let values = Arc::new(Int64Array::from(vec![1, 2]));
        let list = ListArray::new(Arc::clone(&item), OffsetBuffer::from_lengths([2, 0, 0]), values, None);
        let fields = vec![Field::new(ARRAY, list.data_type().clone(), false)].into();
        let nulls = Some(NullBuffer::from(vec![true, true, false]));
        let wrapped = StructArray::new(fields, vec![Arc::new(list)], nulls);
        let batch = RecordBatch::try_from_iter([("l", Arc::new(wrapped) as ArrayRef)]).unwrap();
        let outgoing = Outgoing::new(&batch.schema());
        let rows = outgoing.convert(&batch).unwrap();
        let column = rows.column(0).as_list::<i32>();
        assert_eq!(
            (column.is_null(0), column.is_null(1), column.is_null(2)),
            (false, false, true)
        );
        assert_eq!((column.value_length(0), column.value_length(1)), (2, 0));
        assert_eq!(column.data_type(), &DataType::new_list(DataType::Int64, true));
    }

    #[test]
    fn large_decimals_are_short_texts() {
        let numbers = vec![i256::from_i128(-1_500), i256::from_i128(120_000), i256::from_i128(0)];
        let column = Decimal256Array::from(numbers).with_precision_and_scale(76, 3).unwrap();
        let batch = RecordBatch::try_from_iter([("d", Arc::new(column) as ArrayRef)]).unwrap();
        let rows = Outgoing::new(&batch.schema()).convert(&batch).unwrap();
        let texts: Vec<_> = rows.column(0).as_string::<i32>().iter().flatten().collect();
        assert_eq!(texts, ["-1.5", "120", "0"]);
    }
}
