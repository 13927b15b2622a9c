//! Rows as a Parquet file, made while it is sent.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use hybrid_core::{BatchStream, Error, ErrorKind, Result};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::client::{FieldSchema, Job, PART, TableReference};
use crate::names;
use crate::session::BigQuerySession;
use crate::types::Incoming;

/// What of a row group is kept until it is written.
const GROUP_BYTES: usize = 16 << 20;
const GROUP_ROWS: usize = 1 << 20;

/// How many batches, and how many parts of the file, may wait.
const AHEAD: usize = 1;

impl BigQuerySession {
    /// Rows in a temporary table, as they stand in FROM: under their own names, whatever the table's columns are
    /// called. And how many.
    pub(crate) async fn temporary(&self, rows: BatchStream) -> Result<(String, u64)> {
        let given = rows.schema().clone();
        let plain = given.fields().iter().all(|field| names::is_plain(field.name()));
        let called: Vec<String> = match plain {
            true => given.fields().iter().map(|field| field.name().clone()).collect(),
            false => (0..given.fields().len()).map(|place| format!("c{place}")).collect(),
        };
        let incoming = Incoming::new(&given, &[])?.renamed(&called);
        let columns = incoming.columns()?;
        let table = self.new_table().await?;
        let config = self.config();
        self.jobs().make_table(&table, &columns, config.expire_after).await?;
        let options = json!({"writeDisposition": "WRITE_APPEND", "createDisposition": "CREATE_NEVER"});
        let count = self.load(&table, columns, incoming, rows, options).await?;
        let from = names::table(&table);
        if plain {
            return Ok((from, count));
        }
        let renamed = called.iter().zip(given.fields());
        let renamed =
            renamed.map(|(called, field)| format!("{} AS {}", names::quoted(called), names::quoted(field.name())));
        let renamed = renamed.collect::<Vec<_>>().join(", ");
        Ok((format!("(SELECT {renamed} FROM {from})"), count))
    }

    /// Loads rows into columns of a table, all or none. Returns how many.
    pub(crate) async fn load(
        &self,
        table: &TableReference,
        columns: Vec<FieldSchema>,
        incoming: Incoming,
        rows: BatchStream,
        options: Value,
    ) -> Result<u64> {
        let mut configuration = json!({
            "destinationTable": table,
            // Parquet alone says too little: a DATETIME would be taken for a TIMESTAMP, a TIME for a number.
            "schema": {"fields": columns},
            "sourceFormat": "PARQUET",
            "parquetOptions": {"enableListInference": true},
            "decimalTargetTypes": ["NUMERIC", "BIGNUMERIC"],
            "columnNameCharacterMap": "V2",
        });
        if let (Some(configuration), Value::Object(options)) = (configuration.as_object_mut(), options) {
            configuration.extend(options);
        }
        let (batches, to_write) = mpsc::channel(AHEAD);
        let (to_send, parts) = mpsc::channel(AHEAD);
        let schema = incoming.schema().clone();
        let writing = tokio::task::spawn_blocking(move || write(schema, to_write, to_send));
        let (counted, job) = tokio::join!(
            feed(incoming, rows, batches),
            self.jobs().load(self.live(), configuration, parts)
        );
        writing
            .await
            .map_err(|error| Error::new(ErrorKind::Unexpected, "a writing thread failed").with_cause(error))?;
        Ok(loaded(&job?).unwrap_or(counted))
    }
}

fn loaded(job: &Job) -> Option<u64> {
    job.statistics.load.as_ref()?.output_rows
}

/// Hands rows to the thread that writes them; how many there were. The first error is the last thing handed over.
async fn feed(incoming: Incoming, mut rows: BatchStream, batches: mpsc::Sender<Result<RecordBatch>>) -> u64 {
    let mut count = 0;
    while let Some(batch) = rows.next().await {
        let batch = batch.and_then(|batch| incoming.convert(&batch));
        let failed = batch.is_err();
        count += batch.as_ref().map_or(0, |batch| batch.num_rows() as u64);
        if batches.send(batch).await.is_err() || failed {
            break;
        }
    }
    count
}

/// Writes a file of all rows, part by part; nobody may be waiting for it any more.
fn write(schema: SchemaRef, mut batches: mpsc::Receiver<Result<RecordBatch>>, parts: mpsc::Sender<Result<Bytes>>) {
    let sink = Parts {
        buffer: BytesMut::new(),
        parts: parts.clone(),
    };
    let written = (|| {
        let mut writer = ArrowWriter::try_new_with_options(sink, schema, options()).map_err(unwritten)?;
        while let Some(batch) = batches.blocking_recv() {
            writer.write(&batch?).map_err(unwritten)?;
        }
        writer.into_inner().map_err(unwritten)?.finish()
    })();
    if let Err(error) = written {
        // Whoever gave up the upload knows why.
        let _ = parts.blocking_send(Err(error));
    }
}

fn options() -> ArrowWriterOptions {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .build();
    // Arrow's own schema is nothing to BigQuery.
    ArrowWriterOptions::new()
        .with_properties(properties)
        .with_skip_arrow_metadata(true)
}

/// What is written, cut into parts.
struct Parts {
    buffer: BytesMut,
    parts: mpsc::Sender<Result<Bytes>>,
}

impl Parts {
    fn send(&mut self, length: usize) -> std::io::Result<()> {
        let part = self.buffer.split_to(length).freeze();
        self.parts
            .blocking_send(Ok(part))
            .map_err(|_| std::io::ErrorKind::BrokenPipe.into())
    }

    fn finish(mut self) -> Result<()> {
        let rest = self.buffer.len();
        Ok(self.send(rest)?)
    }
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        while self.buffer.len() > PART {
            self.send(PART)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn unwritten(error: parquet::errors::ParquetError) -> Error {
    Error::new(
        ErrorKind::Unexpected,
        format!("rows cannot be written as Parquet: {error}"),
    )
}
