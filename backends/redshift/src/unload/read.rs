use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use hybrid_core::{Error, ErrorKind, Result};
use object_store::path::Path;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::Type;
use tokio::sync::mpsc;

use crate::staging::Staging;
use crate::types::bytes_of;

const BATCH_ROWS: usize = 8192;
/// So many batches of a file wait for the reader.
const AHEAD: usize = 2;

/// A file of a result, and what must be in it.
pub(super) struct File {
    pub(super) path: Path,
    pub(super) length: Option<u64>,
    pub(super) rows: Option<u64>,
}

/// The batches of a file as the described columns.
pub(super) fn batches(staging: Staging, file: File, schema: SchemaRef) -> BoxStream<'static, Result<RecordBatch>> {
    let opened = async move {
        let bytes = staging.get(&file.path).await?;
        if file.length.is_some_and(|length| length != bytes.len() as u64) {
            let message = format!(
                "{} has {} bytes, and its manifest says {:?}",
                file.path,
                bytes.len(),
                file.length
            );
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        let (sender, receiver) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = decode(bytes, &file, &schema, &sender) {
                // Nobody listens after a drop.
                let _ = sender.blocking_send(Err(error));
            }
        });
        let received = |mut receiver: mpsc::Receiver<_>| async { receiver.recv().await.map(|batch| (batch, receiver)) };
        Ok(futures::stream::unfold(receiver, received))
    };
    futures::stream::once(opened).try_flatten().boxed()
}

type Sender = mpsc::Sender<Result<RecordBatch>>;

fn decode(bytes: Bytes, file: &File, schema: &SchemaRef, sender: &Sender) -> Result<()> {
    let unreadable = |error: &dyn std::error::Error| {
        Error::new(
            ErrorKind::Corrupt,
            format!("{} cannot be read as Parquet: {error}", file.path),
        )
    };
    let plain = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let opened = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes.clone(), plain.clone());
    let mut builder = opened.map_err(|error| unreadable(&error))?;
    if let Some(hint) = old_times(&builder) {
        let opened = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, plain.with_schema(hint));
        builder = opened.map_err(|error| unreadable(&error))?;
    }
    let found = builder.metadata().file_metadata().num_rows();
    if file.rows.is_some_and(|rows| i64::try_from(rows) != Ok(found)) {
        let message = format!("{} has {found} rows, and its manifest says {:?}", file.path, file.rows);
        return Err(Error::new(ErrorKind::Corrupt, message));
    }
    for batch in builder
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(|error| unreadable(&error))?
    {
        let batch = converted(&batch.map_err(|error| unreadable(&error))?, schema)?;
        if sender.blocking_send(Ok(batch)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Times in the old form of twelve bytes are read to the microsecond: in nanoseconds they end in 2262.
fn old_times(builder: &ParquetRecordBatchReaderBuilder<Bytes>) -> Option<SchemaRef> {
    let columns = builder.parquet_schema().columns();
    if columns.iter().all(|column| column.physical_type() != Type::INT96) {
        return None;
    }
    let hint = |(field, column): (&Arc<Field>, &parquet::schema::types::ColumnDescPtr)| match column.physical_type() {
        Type::INT96 => Arc::new(
            field
                .as_ref()
                .clone()
                .with_data_type(DataType::Timestamp(TimeUnit::Microsecond, None)),
        ),
        _ => Arc::clone(field),
    };
    let fields: Vec<_> = builder.schema().fields().iter().zip(columns).map(hint).collect();
    Some(Arc::new(Schema::new(fields)))
}

/// By place: names are those of the statement that unloaded.
fn converted(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    if batch.num_columns() != schema.fields().len() {
        let message = format!(
            "UNLOAD wrote {} columns, not {}",
            batch.num_columns(),
            schema.fields().len()
        );
        return Err(Error::new(ErrorKind::Corrupt, message));
    }
    let columns = batch.columns().iter().zip(schema.fields()).map(|(array, field)| {
        column(array, field.data_type()).map_err(|error| error.within(&format!("column `{}`", field.name())))
    });
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns.collect::<Result<_>>()?,
        &options,
    )?)
}

fn column(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    if array.data_type() == wanted {
        return Ok(Arc::clone(array));
    }
    if let (DataType::Utf8, DataType::Binary) = (array.data_type(), wanted) {
        let mut values = BinaryBuilder::new();
        for text in array.as_string::<i32>() {
            let value = text.map(|text| {
                bytes_of(text)
                    .ok_or_else(|| Error::new(ErrorKind::Corrupt, "what was unloaded holds no hexadecimal digits"))
            });
            values.append_option(value.transpose()?);
        }
        return Ok(Arc::new(values.finish()));
    }
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    Ok(cast_with_options(array, wanted, &strict)?)
}
