use std::fs::File;
use std::io::{self, Write};
use std::mem;
use std::path::Path;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, Schema, SchemaRef};
use hybrid_core::sql::blocking;
use hybrid_core::{Error, ErrorKind, Result};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::Incoming;
use super::storage::{Staged, Storage};
use crate::config::Staging;
use crate::names;
use crate::objects::Feed;
use crate::session::TrinoSession;
use crate::types::sql_type;

/// The most rows of a row group: several let Trino read a file with several threads.
const GROUP: usize = 200_000;

/// The most bytes of one, about: so much is in memory while it is written.
const GROUP_BYTES: usize = 32 << 20;

/// So many rows are written before what is full is handed on.
const SLICE: usize = 10_000;

impl TrinoSession {
    /// The rows in a Parquet file on shared storage, and an external table over it.
    pub(super) async fn shared_storage(
        &self,
        staging: &Staging,
        storage: &Storage,
        incoming: Incoming,
    ) -> Result<String> {
        let name = names::temporary();
        let columns = columns(&incoming.schema)?;
        let sink = self.sink(storage, &name).await?;
        let written = write(sink, incoming).await?;
        let schema_name = self.config().staging_schema(staging).to_owned();
        let parts = [staging.catalog.clone(), schema_name, name.clone()];
        let table = names::table(&parts);
        self.made_table(&table);
        let location = format!("{}/{name}", staging.location.trim_end_matches('/'));
        let statement = format!(
            "CREATE TABLE {table} ({columns}) WITH (external_location = {}, format = 'PARQUET')",
            names::text(&location)
        );
        let made = self.in_schema(&parts, &statement).await;
        made.map_err(|error| error.within(&format!("rows staged in `{location}`")))?;
        self.sees(&table, written, &location).await?;
        Ok(table)
    }

    /// Trino takes a folder that is empty, or not there, for a table without rows.
    async fn sees(&self, table: &str, written: u64, location: &str) -> Result<()> {
        let batches = self.rows(&format!("SELECT count(*) FROM {table}")).await?;
        let count = batches
            .first()
            .and_then(|batch| batch.column(0).as_primitive_opt::<Int64Type>()?.iter().next()?);
        let seen = count.map_or(0, i64::unsigned_abs);
        if seen == written {
            return Ok(());
        }
        let message = format!("Trino sees {seen} of {written} rows that are staged in `{location}`");
        Err(Error::new(ErrorKind::Config, message).with_help(
            "are `path` and `location` of `staging` the same folder, and `s3_endpoint_override` the storage that Trino reads?",
        ))
    }

    /// What takes a new file.
    async fn sink(&self, storage: &Storage, name: &str) -> Result<Sink> {
        match storage {
            Storage::Folder(folder) => {
                let folder = folder.join(name);
                self.stages(Staged::Folder(folder.clone()));
                blocking(move || Ok(Sink::File(made(&folder)?))).await
            }
            Storage::Objects(objects) => {
                objects.check().await?;
                let (upload, feed) = objects.begin(name);
                self.stages(Staged::Object(upload));
                Ok(Sink::Object(Vec::new(), feed))
            }
        }
    }
}

/// Where the bytes of a file go.
enum Sink {
    File(File),
    /// What is written, until an object takes it.
    Object(Vec<u8>, Feed),
}

impl Sink {
    /// Hands on what is written.
    async fn hand_on(&mut self) -> Result<()> {
        match self {
            Self::Object(bytes, feed) if !bytes.is_empty() => feed.put(mem::take(bytes)).await,
            _ => Ok(()),
        }
    }

    /// Everything is written.
    async fn end(mut self) -> Result<()> {
        self.hand_on().await?;
        match self {
            Self::File(_) => Ok(()),
            Self::Object(_, feed) => feed.end().await,
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Object(written, _) => written.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Object(..) => Ok(()),
        }
    }
}

fn columns(schema: &Schema) -> Result<String> {
    let column = |field: &std::sync::Arc<arrow::datatypes::Field>| {
        Ok(format!(
            "{} {}",
            names::quoted(field.name()),
            sql_type(field.data_type())?
        ))
    };
    Ok(schema
        .fields()
        .iter()
        .map(column)
        .collect::<Result<Vec<_>>>()?
        .join(", "))
}

/// Writes all rows, and says how many they were.
async fn write(sink: Sink, mut incoming: Incoming) -> Result<u64> {
    let schema = SchemaRef::clone(&incoming.schema);
    let mut writer = blocking(move || open(sink, schema)).await?;
    let mut written = 0;
    while let Some(batch) = incoming.next().await? {
        for rows in slices(&batch) {
            written += rows.num_rows() as u64;
            writer = blocking(move || {
                writer.write(&rows).map_err(|error| unwritten(&error))?;
                Ok(writer)
            })
            .await?;
            // The row groups that are full.
            writer.inner_mut().hand_on().await?;
        }
    }
    let sink = blocking(move || writer.into_inner().map_err(|error| unwritten(&error))).await?;
    sink.end().await?;
    Ok(written)
}

/// The rows of a batch, a few at a time.
fn slices(batch: &RecordBatch) -> impl Iterator<Item = RecordBatch> {
    let starts = (0..batch.num_rows()).step_by(SLICE);
    starts.map(move |start| batch.slice(start, SLICE.min(batch.num_rows() - start)))
}

fn made(folder: &Path) -> Result<File> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let message = format!("the staging folder `{}` cannot be made: {error}", folder.display());
        Error::new(Error::from(error).kind(), message)
            .with_help("`staging.path` must be a folder that this process can write")
    })?;
    Ok(File::create(folder.join("rows.parquet"))?)
}

fn open(sink: Sink, schema: SchemaRef) -> Result<ArrowWriter<Sink>> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP))
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        .build();
    ArrowWriter::try_new(sink, schema, Some(properties)).map_err(|error| unwritten(&error))
}

fn unwritten(error: &parquet::errors::ParquetError) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("rows cannot be staged as Parquet: {error}"),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::iter::successors;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, BinaryArray};
    use hybrid_core::BatchStream;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use super::*;

    /// Nothing that compresses.
    fn noise(seed: u64) -> Vec<u8> {
        let numbers = successors(Some(seed), |n| {
            let n = n ^ (n << 13);
            let n = n ^ (n >> 7);
            Some(n ^ (n << 17))
        });
        numbers.skip(1).take(512).flat_map(u64::to_le_bytes).collect()
    }

    #[tokio::test]
    async fn wide_rows_are_written_in_row_groups_of_few_bytes() {
        let column: ArrayRef = Arc::new(BinaryArray::from_iter_values((1..=20_000).map(noise)));
        let batch = RecordBatch::try_from_iter([("wide", column)]).unwrap();
        let incoming = Incoming {
            schema: batch.schema(),
            seen: Vec::new(),
            rest: BatchStream::from_batches(batch.schema(), vec![batch]),
        };
        let file = tempfile::tempfile().unwrap();
        let written = write(Sink::File(file.try_clone().unwrap()), incoming).await.unwrap();
        let read = SerializedFileReader::new(file).unwrap();
        assert_eq!((written, read.metadata().file_metadata().num_rows()), (20_000, 20_000));
        assert!(read.num_row_groups() > 1);
    }
}
