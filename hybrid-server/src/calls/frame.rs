//! Rows as pandas sends them, made into what they were meant to be.

use std::sync::Arc;

use hybrid_core::arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, new_null_array};
use hybrid_core::arrow::compute::cast;
use hybrid_core::arrow::datatypes::{DataType, Field, Float64Type, Schema};
use hybrid_core::{BatchStream, Error, ErrorKind, Result};

/// Every whole number up to here is a double of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Pandas keeps integers with a missing one as doubles, and a column of nothing but missing values has no type. The
/// named columns become what is declared of them; the others stay. `what` the rows are is for errors.
pub(super) fn as_declared(
    what: &'static str,
    rows: BatchStream,
    columns: &[(String, Option<DataType>)],
) -> BatchStream {
    let schema = rows.schema();
    let mut changes: Vec<(usize, DataType)> = Vec::new();
    let mut fields: Vec<Field> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    for (name, declared) in columns {
        if let Some((index, field)) = schema.fields().find(name)
            && let Some(wanted) = meant(field.data_type(), declared.as_ref())
        {
            fields[index] = Field::new(name, wanted.clone(), true);
            changes.push((index, wanted));
        }
    }
    if changes.is_empty() {
        return rows;
    }
    let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
    let target = Arc::clone(&schema);
    let mut before = 0;
    rows.changed(schema, move |batch| {
        let changed = changed(&batch, &changes, before, &target).map_err(|error| error.within(what));
        before += batch.num_rows();
        changed
    })
}

/// The type that a column of type `given` should have, where that is another.
fn meant(given: &DataType, declared: Option<&DataType>) -> Option<DataType> {
    match given {
        DataType::Null => Some(declared.cloned().unwrap_or(DataType::Int64)),
        DataType::Float64 | DataType::Float32 => match declared {
            Some(DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64) => Some(DataType::Int64),
            _ => None,
        },
        _ => None,
    }
}

fn changed(
    batch: &RecordBatch,
    changes: &[(usize, DataType)],
    before: usize,
    schema: &Arc<Schema>,
) -> Result<RecordBatch> {
    let mut columns = batch.columns().to_vec();
    for (index, wanted) in changes {
        columns[*index] = match columns[*index].data_type() {
            DataType::Null => new_null_array(wanted, batch.num_rows()),
            _ => whole(&columns[*index], schema.field(*index).name(), before)?,
        };
    }
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

/// Doubles that are whole numbers as such; NaN is a missing one.
fn whole(column: &ArrayRef, name: &str, before: usize) -> Result<ArrayRef> {
    let doubles = cast(column, &DataType::Float64)?;
    let doubles = doubles.as_primitive::<Float64Type>();
    let mut numbers = Int64Array::builder(doubles.len());
    for (row, double) in doubles.iter().enumerate() {
        match double.filter(|double| !double.is_nan()) {
            None => numbers.append_null(),
            #[allow(clippy::cast_possible_truncation)]
            Some(double) if double.fract() == 0.0 && double.abs() <= EXACT => numbers.append_value(double as i64),
            Some(double) => {
                let row = before + row + 1;
                let message = format!("column `{name}`, row {row}: {double} is no whole number");
                let error = Error::new(ErrorKind::InvalidInput, message);
                return Err(error.with_help(format!("`{name}` is declared as an integer")));
            }
        }
    }
    Ok(Arc::new(numbers.finish()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use hybrid_core::ValueType;
    use hybrid_core::arrow::array::{Float64Array, NullArray};
    use hybrid_core::arrow::datatypes::Int64Type;

    use super::*;

    fn rows(column: ArrayRef) -> BatchStream {
        let batch = RecordBatch::try_from_iter([("k", column)]).unwrap();
        BatchStream::from_batches(batch.schema(), vec![batch.clone(), batch])
    }

    fn declared(value_type: &ValueType) -> Vec<(String, Option<DataType>)> {
        vec![("k".to_owned(), Some(value_type.to_arrow()))]
    }

    #[tokio::test]
    async fn integers_with_a_missing_one_are_integers_again() {
        let doubles = || Arc::new(Float64Array::from(vec![Some(1.0), None, Some(f64::NAN), Some(-2.0)]));
        let read = as_declared("rows", rows(doubles()), &declared(&ValueType::Int64))
            .collect()
            .await
            .unwrap();
        let numbers: Vec<_> = read[1].column(0).as_primitive::<Int64Type>().iter().collect();
        assert_eq!(numbers, [Some(1), None, None, Some(-2)]);
        let text = as_declared("rows", rows(doubles()), &declared(&ValueType::String));
        assert_eq!(text.schema().field(0).data_type(), &DataType::Float64);
    }

    #[tokio::test]
    async fn what_is_no_whole_number_is_told_with_its_row() {
        let doubles = Arc::new(Float64Array::from(vec![1.0, 2.0]));
        let broken = Arc::new(Float64Array::from(vec![1.5]));
        let first = RecordBatch::try_from_iter([("k", doubles as ArrayRef)]).unwrap();
        let second = RecordBatch::try_from_iter([("k", broken as ArrayRef)]).unwrap();
        let rows = BatchStream::from_batches(first.schema(), vec![first, second]);
        let error = as_declared("rows", rows, &declared(&ValueType::Int32))
            .collect()
            .await
            .unwrap_err();
        assert!(error.to_string().contains("rows: column `k`, row 3: 1.5"), "{error}");
    }

    #[tokio::test]
    async fn nothing_but_missing_values_is_of_the_declared_type() {
        let rows = as_declared("rows", rows(Arc::new(NullArray::new(3))), &declared(&ValueType::String));
        assert_eq!(rows.schema().field(0).data_type(), &ValueType::String.to_arrow());
        assert_eq!(rows.collect().await.unwrap()[0].column(0).null_count(), 3);
    }
}
