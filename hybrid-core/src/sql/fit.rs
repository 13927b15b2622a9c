//! What an engine returned, in the types that were asked for.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::store::{OutputColumn, Progress, ROW_NUMBER};
use crate::values::{Place, to_feature};
use crate::{BatchStream, Error, ErrorKind, Result, timestamp_type};

/// What a column of an answer becomes.
pub(super) struct Wanted {
    pub name: String,
    /// `None`: as it is.
    pub data_type: Option<DataType>,
    /// The source and its column, for messages.
    pub source: String,
    pub column: String,
}

impl Wanted {
    pub(super) fn output(source: &str, column: &OutputColumn) -> Self {
        Self {
            name: column.name.clone(),
            data_type: column.data_type.clone(),
            source: source.to_owned(),
            column: column.source.clone(),
        }
    }

    pub(super) fn instant(source: &str, column: &str, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            data_type: Some(timestamp_type()),
            source: source.to_owned(),
            column: column.to_owned(),
        }
    }

    pub(super) fn row_number() -> Self {
        Self {
            name: ROW_NUMBER.to_owned(),
            data_type: Some(DataType::UInt64),
            source: String::new(),
            column: ROW_NUMBER.to_owned(),
        }
    }

    fn fit(&self, array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
        if self.name == ROW_NUMBER {
            let strict = CastOptions {
                safe: false,
                ..CastOptions::default()
            };
            return Ok(cast_with_options(array, data_type, &strict)?);
        }
        let place = Place {
            source: &self.source,
            column: &self.column,
            row: None,
            csv: false,
        };
        to_feature(array, data_type, place)
    }
}

/// The rows with every column named and typed as wanted; a value that its type cannot hold is an error.
pub(super) fn fitted(rows: BatchStream, wanted: Vec<Wanted>, progress: Progress) -> Result<BatchStream> {
    let given = rows.schema().clone();
    if given.fields().len() != wanted.len() {
        let message = format!(
            "the engine returned {} columns, {} were asked for",
            given.fields().len(),
            wanted.len()
        );
        return Err(Error::new(ErrorKind::Unexpected, message));
    }
    let field = |(wanted, field): (&Wanted, &Arc<Field>)| {
        let data_type = wanted.data_type.clone().unwrap_or_else(|| field.data_type().clone());
        Field::new(&wanted.name, data_type, true)
    };
    let schema: SchemaRef = Arc::new(Schema::new(
        wanted.iter().zip(given.fields()).map(field).collect::<Vec<_>>(),
    ));
    let made = schema.clone();
    let mut count = 0;
    Ok(rows.changed(made, move |batch| {
        count += batch.num_rows() as u64;
        progress.report(count, None);
        fit_batch(&batch, &wanted, &schema)
    }))
}

fn fit_batch(batch: &RecordBatch, wanted: &[Wanted], schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(wanted).zip(schema.fields());
    let columns = columns.map(|((array, wanted), field)| wanted.fit(array, field.data_type()));
    Ok(RecordBatch::try_new(schema.clone(), columns.collect::<Result<_>>()?)?)
}

/// The single whole number that a query gives in each of its columns; NULL is 0.
pub(super) fn numbers(batches: &[RecordBatch]) -> Result<Vec<f64>> {
    let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else {
        return Ok(Vec::new());
    };
    let number = |array: &ArrayRef| {
        let numbers = arrow::compute::cast(array, &DataType::Float64)?;
        let numbers = arrow::array::AsArray::as_primitive::<arrow::datatypes::Float64Type>(&numbers);
        Ok(if numbers.is_valid(0) { numbers.value(0) } else { 0.0 })
    };
    batch.columns().iter().map(number).collect()
}
