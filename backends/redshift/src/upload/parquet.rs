use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::TryStreamExt;
use hybrid_core::sql::blocking;
use hybrid_core::{BatchStream, Error, ErrorKind, Result};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::file::properties::{WriterProperties, WriterVersion};

use crate::staging::{Place, Staging};
use crate::types::Staged;

/// A file has about so many bytes; a cluster reads several at once.
const FILE: usize = 32 << 20;

type Writer = ArrowWriter<Vec<u8>>;

/// The files of an upload, one being written at a time.
pub(super) struct Parts<'a> {
    staging: &'a Staging,
    place: &'a Place,
    staged: &'a Staged,
    files: usize,
}

impl<'a> Parts<'a> {
    pub(super) fn new(staging: &'a Staging, place: &'a Place, staged: &'a Staged) -> Result<Self> {
        Ok(Self {
            staging,
            place,
            staged,
            files: 0,
        })
    }

    /// Writes all rows and returns how many there were; without rows there is no file.
    pub(super) async fn write(mut self, mut rows: BatchStream) -> Result<u64> {
        let (mut writer, mut count): (Option<Writer>, u64) = (None, 0);
        while let Some(batch) = rows.try_next().await? {
            if batch.num_rows() == 0 {
                continue;
            }
            let batch = self.staged.convert(&batch)?;
            count += batch.num_rows() as u64;
            let (schema, open) = (Arc::clone(self.staged.schema()), writer.take());
            let written = blocking(move || write(open, schema, &batch)).await?;
            match written.bytes_written() + written.in_progress_size() >= FILE {
                true => self.close(written).await?,
                false => writer = Some(written),
            }
        }
        if let Some(writer) = writer {
            self.close(writer).await?;
        }
        Ok(count)
    }

    async fn close(&mut self, writer: Writer) -> Result<()> {
        let bytes = blocking(move || writer.into_inner().map_err(unwritten)).await?;
        let name = format!("part_{:04}.parquet", self.files);
        self.files += 1;
        self.staging.put(self.place, &name, bytes).await
    }
}

fn write(open: Option<Writer>, schema: SchemaRef, batch: &RecordBatch) -> Result<Writer> {
    let mut writer = match open {
        Some(writer) => writer,
        None => {
            let properties = WriterProperties::builder()
                .set_compression(Compression::SNAPPY)
                .set_writer_version(WriterVersion::PARQUET_1_0)
                .build();
            let options = ArrowWriterOptions::new()
                .with_properties(properties)
                .with_skip_arrow_metadata(true);
            ArrowWriter::try_new_with_options(Vec::new(), schema, options).map_err(unwritten)?
        }
    };
    writer.write(batch).map_err(unwritten)?;
    Ok(writer)
}

fn unwritten(error: parquet::errors::ParquetError) -> Error {
    Error::new(ErrorKind::Unexpected, "rows cannot be written as Parquet").with_cause(error)
}
