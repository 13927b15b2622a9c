//! Parquet, new and continued.

use std::io::BufWriter;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use hybrid_core::{Error, ErrorKind, Result};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use super::temp::Output;

/// A row group ends with so many rows, or so many bytes.
const GROUP_ROWS: usize = 1 << 20;
const GROUP_BYTES: usize = 256 << 20;
const BUFFER: usize = 1 << 20;

/// Row groups of a Parquet file.
pub(super) struct ParquetSink {
    pub(super) file: SerializedFileWriter<BufWriter<Output>>,
    columns: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    group: Option<Group>,
}

/// A row group in memory, encoded.
struct Group {
    columns: Vec<ArrowColumnWriter>,
    rows: usize,
}

impl ParquetSink {
    /// A new file.
    pub(super) fn new(output: Output, schema: &SchemaRef) -> Result<Self> {
        let options = ArrowWriterOptions::new().with_properties(properties());
        Self::with_options(output, schema, options)
    }

    /// A file as `options` have it.
    pub(super) fn with_options(output: Output, schema: &SchemaRef, options: ArrowWriterOptions) -> Result<Self> {
        let output = BufWriter::with_capacity(BUFFER, output);
        let writer =
            ArrowWriter::try_new_with_options(output, SchemaRef::clone(schema), options).map_err(write_error)?;
        let (file, columns) = writer.into_serialized_writer().map_err(write_error)?;
        Ok(Self {
            file,
            columns,
            schema: SchemaRef::clone(schema),
            group: None,
        })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut at = 0;
        while at < batch.num_rows() {
            let group = match &mut self.group {
                Some(group) => group,
                none => none.insert(Group {
                    columns: self
                        .columns
                        .create_column_writers(self.file.flushed_row_groups().len())
                        .map_err(write_error)?,
                    rows: 0,
                }),
            };
            let count = (GROUP_ROWS - group.rows).min(batch.num_rows() - at);
            group.add(&self.schema, &batch.slice(at, count)).map_err(write_error)?;
            at += count;
            if group.is_full() {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Ends the row group that is in memory.
    pub(super) fn flush(&mut self) -> Result<()> {
        let Some(group) = self.group.take() else {
            return Ok(());
        };
        let written = || {
            let mut target = self.file.next_row_group()?;
            for column in group.columns {
                column.close()?.append_to_row_group(&mut target)?;
            }
            target.close().map(drop)
        };
        written().map_err(write_error)
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.flush()?;
        self.file.finish().map(drop).map_err(write_error)
    }
}

impl Group {
    fn add(&mut self, schema: &SchemaRef, batch: &RecordBatch) -> Result<(), ParquetError> {
        let mut writers = self.columns.iter_mut();
        for (field, column) in schema.fields().iter().zip(batch.columns()) {
            for (leaf, writer) in compute_leaves(field, column)?.iter().zip(writers.by_ref()) {
                writer.write(leaf)?;
            }
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    fn is_full(&self) -> bool {
        let bytes: usize = self
            .columns
            .iter()
            .map(ArrowColumnWriter::get_estimated_total_bytes)
            .sum();
        self.rows >= GROUP_ROWS || bytes >= GROUP_BYTES
    }
}

fn properties() -> WriterProperties {
    WriterProperties::builder().set_compression(Compression::SNAPPY).build()
}

/// What the Parquet writer says; an error of the operating system is known to the file itself.
pub(super) fn write_error(error: ParquetError) -> Error {
    let kind = match error {
        ParquetError::NYI(_) => ErrorKind::Unsupported,
        _ => ErrorKind::Unexpected,
    };
    Error::new(kind, format!("the rows cannot be written as Parquet: {error}"))
}
