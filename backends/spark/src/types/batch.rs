use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::buffer::Buffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamDecoder;
use bytes::Bytes;
use hybrid_core::{Error, ErrorKind, Result};

use crate::error::unexpected;
use crate::protocol::ArrowBatch;

/// Puts the parts of a result together: each Arrow stream, of one or several responses, to batches of one schema.
pub(crate) struct BatchReader {
    schema: SchemaRef,
    parts: Vec<Bytes>,
}

impl BatchReader {
    pub(crate) fn new(schema: SchemaRef) -> Self {
        Self {
            schema,
            parts: Vec::new(),
        }
    }

    /// The batches that this response completes.
    pub(crate) fn read(&mut self, batch: ArrowBatch) -> Result<Vec<RecordBatch>> {
        let index = usize::try_from(batch.chunk_index.unwrap_or(0)).unwrap_or(usize::MAX);
        if index != self.parts.len() {
            return Err(unexpected(format!(
                "Spark sent part {index} of a batch after {} parts",
                self.parts.len()
            )));
        }
        self.parts.push(batch.data);
        let wanted = usize::try_from(batch.num_chunks.unwrap_or(0)).unwrap_or(0);
        if self.parts.len() < wanted {
            return Ok(Vec::new());
        }
        self.decode()
    }

    fn decode(&mut self) -> Result<Vec<RecordBatch>> {
        let mut decoder = StreamDecoder::new();
        let mut batches = Vec::new();
        for part in self.parts.drain(..) {
            let mut rest = Buffer::from(part);
            while !rest.is_empty() {
                let decoded = decoder.decode(&mut rest).map_err(corrupt)?;
                batches.extend(decoded.filter(|batch| batch.num_rows() > 0));
            }
        }
        batches.into_iter().map(|batch| self.fit(&batch)).collect()
    }

    /// The batch under the declared schema: nested fields have other names in Spark's Arrow, and zones of their own.
    fn fit(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        if batch.num_columns() != self.schema.fields().len() {
            return Err(unexpected(format!(
                "Spark sent {} columns and had described {}",
                batch.num_columns(),
                self.schema.fields().len()
            )));
        }
        let fit = |(column, field): (&ArrayRef, &Arc<arrow::datatypes::Field>)| {
            if column.data_type() == field.data_type() {
                return Ok(column.clone());
            }
            let strict = CastOptions {
                safe: false,
                ..CastOptions::default()
            };
            cast_with_options(column, field.data_type(), &strict).map_err(|error| {
                let message = format!(
                    "Spark sent column `{}` as {} and had described {}",
                    field.name(),
                    column.data_type(),
                    field.data_type()
                );
                unexpected(message).with_cause(error)
            })
        };
        let columns = batch
            .columns()
            .iter()
            .zip(self.schema.fields())
            .map(fit)
            .collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            self.schema.clone(),
            columns,
            &options,
        )?)
    }
}

fn corrupt(error: arrow::error::ArrowError) -> Error {
    Error::new(ErrorKind::Unexpected, "Spark sent an Arrow batch that cannot be read").with_cause(error)
}
