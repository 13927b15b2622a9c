//! Rows of [`Value`]s with typed columns, to and from Arrow.

mod arrays;

use std::sync::Arc;

use arrays::array;
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};

use crate::{Miss, Value, Verdict};

/// Named, typed columns and rows of values.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Names and types.
    pub columns: Vec<(String, DataType)>,
    /// One value per column.
    pub rows: Vec<Vec<Value>>,
}

/// Rows of values: `rows![[1, at(5), "a"], [2, NULL, 0.5]]`.
#[macro_export]
macro_rules! rows {
    ($([$($cell:expr),* $(,)?]),* $(,)?) => { vec![$(vec![$($crate::Value::from($cell)),*]),*] };
}

impl Table {
    /// A table of these columns and rows.
    pub fn new(columns: &[(&str, DataType)], rows: Vec<Vec<Value>>) -> Self {
        Self {
            columns: columns
                .iter()
                .map(|(name, t)| ((*name).to_owned(), t.clone()))
                .collect(),
            rows,
        }
    }

    /// Where the column of that name stands.
    ///
    /// # Errors
    /// Failed: a mistake in a test.
    pub fn index(&self, name: &str) -> Verdict<usize> {
        self.columns
            .iter()
            .position(|(column, _)| column == name)
            .ok_or_else(|| Miss::Failed(format!("the table has no column `{name}`: {:?}", self.columns)))
    }

    /// The schema; every column is nullable.
    pub fn schema(&self) -> SchemaRef {
        let field = |(name, t): &(String, DataType)| Field::new(name, t.clone(), true);
        Arc::new(Schema::new(self.columns.iter().map(field).collect::<Fields>()))
    }

    /// The rows as one batch.
    ///
    /// # Errors
    /// Failed, when a value does not fit its column: a mistake in a test.
    pub fn batch(&self) -> Verdict<RecordBatch> {
        let columns = (0..self.columns.len()).map(|column| {
            let cells: Vec<&Value> = self.rows.iter().map(|row| &row[column]).collect();
            array(&self.columns[column].1, &cells)
        });
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows.len()));
        Ok(RecordBatch::try_new_with_options(
            self.schema(),
            columns.collect::<Verdict<_>>()?,
            &options,
        )?)
    }

    /// The rows in batches of at most `size`; one empty batch when there are none.
    ///
    /// # Errors
    /// As for [`batch`](Self::batch).
    pub fn batches(&self, size: usize) -> Verdict<Vec<RecordBatch>> {
        let batch = self.batch()?;
        let starts = (0..batch.num_rows().max(1)).step_by(size);
        Ok(starts
            .map(|start| batch.slice(start, size.min(batch.num_rows() - start)))
            .collect())
    }

    /// Reads batches of `schema`.
    ///
    /// # Errors
    /// Failed, for batches of another schema and for types that no store should return.
    pub fn read(schema: &SchemaRef, batches: &[RecordBatch]) -> Verdict<Self> {
        let batch = concat_batches(schema, batches)?;
        let row = |row| {
            batch
                .columns()
                .iter()
                .map(|column| Value::of(column, row))
                .collect::<Verdict<Vec<_>>>()
        };
        Ok(Self {
            columns: schema
                .fields()
                .iter()
                .map(|field| (field.name().clone(), field.data_type().clone()))
                .collect(),
            rows: (0..batch.num_rows()).map(row).collect::<Verdict<_>>()?,
        })
    }
}
