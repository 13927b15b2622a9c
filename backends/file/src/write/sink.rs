//! A file of either format being written.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use hybrid_core::Result;

use super::csv::CsvSink;
use super::parquet::ParquetSink;
use super::temp::Output;
use crate::read::Format;

/// What batches are written to.
pub(super) enum Sink {
    Parquet(Box<ParquetSink>),
    Csv(Box<CsvSink>),
}

impl Sink {
    /// A new file of these columns.
    pub(super) fn new(format: Format, output: Output, schema: &SchemaRef) -> Result<Self> {
        match format {
            Format::Parquet => Ok(Self::Parquet(Box::new(ParquetSink::new(output, schema)?))),
            Format::Csv => Ok(Self::Csv(Box::new(CsvSink::new(output, schema)?))),
        }
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            Self::Parquet(sink) => sink.write(batch),
            Self::Csv(sink) => sink.write(batch),
        }
    }

    /// Writes what is still in memory.
    pub(super) fn finish(self) -> Result<()> {
        match self {
            Self::Parquet(sink) => sink.finish(),
            Self::Csv(sink) => sink.finish(),
        }
    }
}
