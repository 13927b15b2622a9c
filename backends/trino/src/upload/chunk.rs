use std::fmt::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use hybrid_core::{Error, ErrorKind, Result};

use crate::names::quoted;
use crate::types::{Carried, carried, writer};

/// The columns of rows that travel as JSON.
pub(super) struct Shape(Vec<Column>);

struct Column {
    name: String,
    carried: Carried,
    /// UNNEST takes a row apart: such a column travels inside a row of one field.
    wrapped: bool,
}

impl Shape {
    /// Of a schema of normal types.
    pub(super) fn of(schema: &Schema) -> Result<Self> {
        let column = |field: &std::sync::Arc<arrow::datatypes::Field>| {
            Ok(Column {
                name: field.name().clone(),
                carried: carried(field.data_type())?,
                wrapped: matches!(field.data_type(), DataType::Struct(_)),
            })
        };
        Ok(Self(schema.fields().iter().map(column).collect::<Result<_>>()?))
    }
}

/// Rows as JSON, one array per column: less text and faster to read than one per row.
pub(super) struct Chunk {
    columns: Vec<String>,
    rows: usize,
}

impl Chunk {
    pub(super) fn new(shape: &Shape) -> Self {
        Self {
            columns: vec![String::new(); shape.0.len()],
            rows: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Takes rows of a batch from `start` on, as many as `limit` bytes of text allow; says where it stopped.
    pub(super) fn fill(&mut self, batch: &RecordBatch, start: usize, limit: usize) -> Result<usize> {
        let writers = batch.columns().iter().map(writer).collect::<Result<Vec<_>>>()?;
        let wrapped: Vec<bool> = batch
            .columns()
            .iter()
            .map(|column| matches!(column.data_type(), DataType::Struct(_)))
            .collect();
        let mut before = vec![0; self.columns.len()];
        for row in start..batch.num_rows() {
            let mut total = 0;
            for (index, (column, write)) in self.columns.iter_mut().zip(&writers).enumerate() {
                before[index] = column.len();
                column.push_str(match (self.rows, wrapped[index]) {
                    (0, false) => "",
                    (0, true) => "[",
                    (_, false) => ",",
                    (_, true) => ",[",
                });
                write(row, column);
                if wrapped[index] {
                    column.push(']');
                }
                total += column.len();
            }
            if total > limit {
                self.columns
                    .iter_mut()
                    .zip(&before)
                    .for_each(|(column, length)| column.truncate(*length));
                return Ok(row);
            }
            self.rows += 1;
        }
        Ok(batch.num_rows())
    }

    /// The SELECT that gives the rows back.
    pub(super) fn select(&self, shape: &Shape) -> String {
        let (mut values, mut arrays, mut names) = (String::new(), String::new(), String::new());
        for (index, (column, json)) in shape.0.iter().zip(&self.columns).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let carrier = match column.wrapped {
                true => format!("row({})", column.carried.json),
                false => column.carried.json.clone(),
            };
            let value = column.carried.value(&format!("c{index}"));
            // Writing to a String does not fail.
            let _ = write!(values, "{comma}{value} AS {}", quoted(&column.name));
            let _ = write!(arrays, "{comma}CAST(json_parse('[{json}]') AS array({carrier}))");
            let _ = write!(names, "{comma}c{index}");
        }
        format!("SELECT {values} FROM UNNEST({arrays}) AS t ({names})")
    }
}

/// The error of a row that is longer than a statement may be.
pub(super) fn row_too_long(limit: usize) -> Error {
    let message = format!("one row has more than {limit} characters, which is what fits into a statement");
    Error::new(ErrorKind::ResourceExhausted, message)
        .with_help("configure `staging`: rows of any size go over storage that this process and Trino share")
}
