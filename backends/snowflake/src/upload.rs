//! Rows on their way into Snowflake: Parquet files in a temporary stage, then COPY.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use hybrid_core::sql::blocking;
use hybrid_core::{BatchStream, Error, ErrorKind, Result};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::config::EntitySelect;
use crate::embed::Embedding;
use crate::error::protocol;
use crate::names;
use crate::session::SnowflakeSession;
use crate::types::{normal_batch, normal_schema, sql_type};

/// About so many bytes go into one file: a warehouse reads several at the same time.
const FILE: usize = 32 << 20;

/// Rows per row group, which is held in memory until it is written.
const GROUP: usize = 200_000;

/// So many files are on their way at the same time.
const FILES: usize = 2;

/// How staged Parquet is read: times and decimals are what they say, and bytes are no text.
const FORMAT: &str = "FILE_FORMAT = (TYPE = PARQUET BINARY_AS_TEXT = FALSE USE_LOGICAL_TYPE = TRUE)";

impl SnowflakeSession {
    /// Rows as a relation: what stands in FROM.
    pub(crate) async fn incoming(&self, rows: BatchStream) -> Result<String> {
        let mode = self.settings().entity_select;
        if mode == EntitySelect::TempTable {
            return Ok(self.staged(rows).await?.0);
        }
        let schema = SchemaRef::clone(rows.schema());
        let mut embedding = Embedding::new(&schema, mode == EntitySelect::EmbedQuery);
        let (mut seen, mut rows) = (Vec::new(), rows);
        while let Some(batch) = rows.try_next().await? {
            if !embedding.add(&batch)? {
                seen.push(batch);
                let all = stream::iter(seen.into_iter().map(Ok)).chain(rows);
                return Ok(self.staged(BatchStream::new(schema, all)).await?.0);
            }
            seen.push(batch);
        }
        match embedding.relation()? {
            Some(relation) => Ok(relation),
            None => Ok(self.staged(BatchStream::from_batches(schema, seen)).await?.0),
        }
    }

    /// Rows in a new temporary table with columns of their names, and how many they are.
    pub(crate) async fn staged(&self, rows: BatchStream) -> Result<(String, u64)> {
        let staged = self.put_and_copied(rows).await;
        if staged.is_err() {
            // Files of it may lie in the session's stage.
            self.work.taint();
        }
        staged
    }

    async fn put_and_copied(&self, rows: BatchStream) -> Result<(String, u64)> {
        let schema = SchemaRef::clone(rows.schema());
        let types = schema.fields().iter().map(|field| staged_type(field.data_type()));
        let types = types.collect::<Result<Vec<_>>>()?;
        let files = files(rows, normal_schema(&schema)?);
        let table = self.temporary_table();
        let columns = schema.fields().iter().zip(&types);
        let columns: Vec<String> = columns
            .map(|(field, kind)| format!("{} {kind}", names::quoted(field.name())))
            .collect();
        let create = format!("CREATE TEMPORARY TABLE {table} ({})", columns.join(", "));
        self.work.execute(&create).await?;
        let stage = self.work.stage().await?;
        let folder = uuid::Uuid::new_v4().simple().to_string();
        let puts = files.enumerate().map(|(place, file)| {
            let (stage, folder) = (&stage, &folder);
            async move {
                let file = file?;
                let name = format!("rows-{place}.parquet");
                self.work.put(stage, folder, &name, file.bytes).await?;
                Ok::<u64, Error>(file.rows)
            }
        });
        let count = puts
            .buffer_unordered(FILES)
            .try_fold(0, |sum, rows| async move { Ok(sum + rows) });
        let count = count.await?;
        if count > 0 {
            self.copy(&table, &schema, &types, &format!("@{stage}/{folder}/"), count)
                .await?;
        }
        Ok((table, count))
    }

    async fn copy(&self, table: &str, schema: &Schema, types: &[String], from: &str, count: u64) -> Result<()> {
        let values = types.iter().enumerate();
        let values: Vec<String> = values.map(|(place, kind)| format!("$1:\"c{place}\"::{kind}")).collect();
        let statement = format!(
            "COPY INTO {table} ({}) FROM (SELECT {} FROM {from}) {FORMAT} ON_ERROR = ABORT_STATEMENT PURGE = TRUE",
            names::list(schema.fields().iter().map(|field| field.name().as_str())),
            values.join(", ")
        );
        let loaded = self.work.rows(&statement).await?;
        let place = loaded
            .column("rows_loaded")
            .ok_or_else(|| protocol("COPY does not say what it loaded"))?;
        let rows = loaded
            .rows
            .iter()
            .filter_map(|row| row.get(place)?.as_deref()?.parse::<u64>().ok());
        let rows: u64 = rows.sum();
        match rows == count {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::Unexpected,
                format!("COPY loaded {rows} of {count} staged rows"),
            )),
        }
    }
}

/// The type of a staged column: an instant is without a zone, what is nested is the text of its JSON.
fn staged_type(data_type: &DataType) -> Result<String> {
    use DataType as T;
    match data_type {
        T::Timestamp(..) | T::Date64 => Ok("TIMESTAMP_NTZ(6)".to_owned()),
        T::List(_) | T::LargeList(_) | T::FixedSizeList(..) | T::Map(..) | T::Struct(_) => Ok("VARCHAR".to_owned()),
        T::Dictionary(_, values) => staged_type(values),
        other => sql_type(other),
    }
}

/// A file, and how many rows are in it.
struct File {
    bytes: Bytes,
    rows: u64,
}

/// The rows as files of about [`FILE`] bytes.
fn files(rows: BatchStream, schema: SchemaRef) -> impl Stream<Item = Result<File>> {
    stream::try_unfold(Some(rows), move |rows| {
        let schema = SchemaRef::clone(&schema);
        async move {
            let Some(mut rows) = rows else { return Ok(None) };
            let mut writing = Writing::new(&schema)?;
            while let Some(batch) = rows.try_next().await? {
                writing = blocking(move || writing.add(&batch)).await?;
                if writing.is_full() {
                    let file = blocking(move || writing.done()).await?;
                    return Ok(Some((file, Some(rows))));
                }
            }
            match writing.rows {
                0 => Ok(None),
                _ => Ok(Some((blocking(move || writing.done()).await?, None))),
            }
        }
    })
}

/// A file that is being written.
struct Writing {
    writer: ArrowWriter<Vec<u8>>,
    schema: SchemaRef,
    rows: u64,
}

impl Writing {
    fn new(schema: &SchemaRef) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(GROUP))
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(schema), Some(properties)).map_err(unwritten)?;
        Ok(Self {
            writer,
            schema: Arc::clone(schema),
            rows: 0,
        })
    }

    fn add(mut self, batch: &RecordBatch) -> Result<Self> {
        self.writer
            .write(&normal_batch(batch, &self.schema)?)
            .map_err(unwritten)?;
        self.rows += batch.num_rows() as u64;
        Ok(self)
    }

    fn is_full(&self) -> bool {
        self.writer.bytes_written() + self.writer.in_progress_size() >= FILE
    }

    fn done(self) -> Result<File> {
        let bytes = self.writer.into_inner().map_err(unwritten)?;
        Ok(File {
            bytes: bytes.into(),
            rows: self.rows,
        })
    }
}

fn unwritten(error: parquet::errors::ParquetError) -> Error {
    Error::new(ErrorKind::Unexpected, "rows cannot be written as Parquet").with_cause(error)
}
