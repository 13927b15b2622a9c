//! Entity frames from files, results to files: Parquet, CSV and Arrow, by extension.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use futures::StreamExt;
use futures::future::BoxFuture;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use tempfile::NamedTempFile;
use tokio::sync::mpsc;

use super::csv::CsvFrame;
use crate::{BatchStream, Error, ErrorKind, Result, guarded};

/// Rows of a batch that is read.
pub(super) const BATCH: usize = 1 << 15;

/// Batches that may wait for the writing thread.
const AHEAD: usize = 4;

/// A row group of Parquet ends with so many rows, or about so many bytes: it is in memory until it is written.
const GROUP_ROWS: usize = 1 << 18;
const GROUP_BYTES: usize = 128 << 20;

/// A dictionary of numbers ends with so many bytes: a larger one costs more than it saves, as most features hardly repeat.
const DICTIONARY: usize = 256 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Parquet,
    Csv,
    Arrow,
}

/// Refuses an output that could not be written, before anything is done for it: an extension that
/// names no format, a column that the format cannot hold, a folder that is not there.
pub(super) fn check_output(path: &Path, schema: &Schema) -> Result<()> {
    check_columns(format_of(path)?, path, schema)?;
    let folder = folder_of(path);
    if folder.is_dir() {
        return Ok(());
    }
    let message = format!(
        "cannot write `{}`: there is no folder `{}`",
        path.display(),
        folder.display()
    );
    Err(Error::new(ErrorKind::NotFound, message).with_help("make the folder first"))
}

fn check_columns(format: Format, path: &Path, schema: &Schema) -> Result<()> {
    let nested = |field: &&FieldRef| format == Format::Csv && field.data_type().is_nested();
    let Some(field) = schema.fields().iter().find(nested) else {
        return Ok(());
    };
    let message = format!(
        "cannot write `{}`: column `{}` is {}, which CSV does not hold",
        path.display(),
        field.name(),
        field.data_type()
    );
    Err(Error::new(ErrorKind::InvalidInput, message).with_help("use .parquet or .arrow"))
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

pub(super) fn is_csv(path: &Path) -> bool {
    format_of(path).is_ok_and(|format| format == Format::Csv)
}

fn format_of(path: &Path) -> Result<Format> {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        Some("parquet" | "pq") => Ok(Format::Parquet),
        Some("csv") => Ok(Format::Csv),
        Some("arrow" | "feather" | "ipc") => Ok(Format::Arrow),
        _ => Err(Error::new(
            ErrorKind::InvalidInput,
            format!("the format of `{}` is not known", path.display()),
        )
        .with_help("use the extension .parquet, .csv or .arrow")),
    }
}

pub(super) fn in_file(path: &Path, action: &str, error: impl Into<Error>) -> Error {
    let error = error.into();
    Error::new(error.kind(), format!("cannot {action} `{}`", path.display())).with_cause(error)
}

fn parquet_error(error: parquet::errors::ParquetError) -> Error {
    use parquet::errors::ParquetError as P;
    let kind = match &error {
        P::NYI(_) => ErrorKind::Unsupported,
        P::External(cause) => match cause.downcast_ref::<std::io::Error>() {
            Some(io) => Error::from(std::io::Error::from(io.kind())).kind(),
            None => ErrorKind::Corrupt,
        },
        _ => ErrorKind::Corrupt,
    };
    Error::new(kind, error.to_string())
}

/// The rows of a Parquet, CSV or Arrow file, by its extension, read as they are asked for.
///
/// # Errors
/// NotFound, PermissionDenied, Corrupt; InvalidInput for another extension.
pub fn read_file(path: &Path) -> Result<BatchStream> {
    let open = || File::open(path).map_err(|error| in_file(path, "read", error));
    let format = format_of(path)?;
    guarded(&path.display().to_string(), || match format {
        Format::Parquet => read_parquet(open()?, path),
        Format::Csv => CsvFrame::open(path)?.rows(|_| None),
        Format::Arrow => {
            let reader =
                FileReader::try_new(BufReader::new(open()?), None).map_err(|error| in_file(path, "read", error))?;
            Ok(in_background(reader.schema(), reader, path))
        }
    })
}

fn read_parquet(file: File, path: &Path) -> Result<BatchStream> {
    let failed = |error| in_file(path, "read", parquet_error(error));
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?;
    let reader = reader.with_batch_size(BATCH).build().map_err(failed)?;
    // The reader's own schema is without the metadata that the file's may have.
    Ok(in_background(
        arrow::array::RecordBatchReader::schema(&reader),
        reader,
        path,
    ))
}

pub(super) fn in_background(
    schema: SchemaRef,
    mut reader: impl Iterator<Item = arrow::error::Result<RecordBatch>> + Send + 'static,
    path: &Path,
) -> BatchStream {
    let path = path.to_owned();
    BatchStream::from_blocking(schema, move || {
        let name = path.display().to_string();
        let next = move || {
            let next = guarded(&name, || {
                reader.next().transpose().map_err(|error| in_file(&path, "read", error))
            });
            next.transpose()
        };
        Ok(std::iter::from_fn(next))
    })
}

/// Writes a stream into a Parquet, CSV or Arrow file, by its extension, and returns how many rows.
/// The file appears under its name when it is whole; after an error, or when the future is
/// dropped, there is none and an older one is as it was.
///
/// # Errors
/// What the stream or the disk gives; InvalidInput for another extension, and for a column that
/// CSV cannot hold; NotFound, when the folder is not there.
pub async fn write_stream(rows: BatchStream, path: impl AsRef<Path>) -> Result<u64> {
    let path = path.as_ref();
    check_output(path, rows.schema())?;
    write_as(format_of(path)?, rows, path, Existing::Replaced).await
}

/// As [`write_stream`], where nothing is: what is there, or comes there while the rows are written, stays.
///
/// # Errors
/// As there; InvalidInput when something is there.
pub async fn write_new(rows: BatchStream, path: impl AsRef<Path>) -> Result<u64> {
    let path = path.as_ref();
    if path.exists() {
        return Err(exists(path));
    }
    check_output(path, rows.schema())?;
    write_as(format_of(path)?, rows, path, Existing::Kept).await
}

fn exists(path: &Path) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("`{}` exists", path.display()))
        .with_help("allow it to be overwritten, or name another")
}

/// What becomes of a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Existing {
    Replaced,
    Kept,
}

pub(super) async fn write_parquet(rows: BatchStream, path: &Path) -> Result<u64> {
    write_as(Format::Parquet, rows, path, Existing::Replaced).await
}

/// Boxed, so that other crates do not compile it again.
fn write_as(format: Format, rows: BatchStream, path: &Path, existing: Existing) -> BoxFuture<'_, Result<u64>> {
    Box::pin(written(format, rows, path, existing))
}

async fn written(format: Format, mut rows: BatchStream, path: &Path, existing: Existing) -> Result<u64> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let (schema, target) = (rows.schema().clone(), path.to_owned());
    let thread = tokio::task::spawn_blocking(move || write_all(format, &schema, receiver, &target, existing));
    while let Some(batch) = rows.next().await {
        // On an error the sender is dropped without the last message, so nothing appears.
        if sender.send(Some(batch?)).await.is_err() {
            break;
        }
    }
    // The thread has gone only when it failed; its own error says why.
    let _ = sender.send(None).await;
    drop(sender);
    let written = thread
        .await
        .map_err(|error| Error::new(ErrorKind::Unexpected, "the writing thread failed").with_cause(error))?;
    written.map_err(|error| in_file(path, "write", error))
}

/// Writes what comes until the `None` that ends it; a channel that closes without one is an
/// abandoned write, which leaves nothing.
fn write_all(
    format: Format,
    schema: &SchemaRef,
    mut batches: mpsc::Receiver<Option<RecordBatch>>,
    path: &Path,
    existing: Existing,
) -> Result<u64> {
    let file = new_file(folder_of(path))?;
    let mut sink = Sink::new(format, schema, BufWriter::new(file))?;
    let mut count = 0;
    while let Some(message) = batches.blocking_recv() {
        let Some(batch) = message else {
            let file = sink
                .finish()?
                .into_inner()
                .map_err(|error| Error::from(error.into_error()))?;
            file.as_file().sync_all()?;
            let placed = match existing {
                Existing::Replaced => file.persist(path),
                Existing::Kept => file.persist_noclobber(path),
            };
            placed.map_err(|error| match error.error.kind() {
                std::io::ErrorKind::AlreadyExists => exists(path),
                _ => Error::from(error.error),
            })?;
            return Ok(count);
        };
        count += batch.num_rows() as u64;
        sink.write(&batch)?;
    }
    Err(Error::new(
        ErrorKind::Cancelled,
        "the rows ended before they were whole",
    ))
}

fn new_file(folder: &Path) -> Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".hybrid-").suffix(".tmp");
    // A result is as readable as any other file that the user makes; the umask still applies.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    Ok(builder.tempfile_in(folder)?)
}

enum Sink<W: Write + Send> {
    Parquet(Box<ArrowWriter<W>>),
    Csv(arrow_csv::Writer<W>),
    Arrow(FileWriter<W>),
}

impl<W: Write + Send> Sink<W> {
    fn new(format: Format, schema: &SchemaRef, writer: W) -> Result<Self> {
        Ok(match format {
            Format::Parquet => {
                let properties = Some(properties(schema));
                let writer = ArrowWriter::try_new(writer, schema.clone(), properties).map_err(parquet_error)?;
                Self::Parquet(Box::new(writer))
            }
            Format::Csv => {
                let mut writer = arrow_csv::WriterBuilder::new().with_header(true).build(writer);
                writer.write(&RecordBatch::new_empty(schema.clone()))?;
                Self::Csv(writer)
            }
            Format::Arrow => Self::Arrow(FileWriter::try_new(writer, schema)?),
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            Self::Parquet(writer) => writer.write(batch).map_err(parquet_error),
            Self::Csv(writer) => Ok(writer.write(batch)?),
            Self::Arrow(writer) => Ok(writer.write(batch)?),
        }
    }

    fn finish(self) -> Result<W> {
        match self {
            Self::Parquet(writer) => writer.into_inner().map_err(parquet_error),
            Self::Csv(writer) => Ok(writer.into_inner()),
            Self::Arrow(mut writer) => {
                writer.finish()?;
                Ok(writer.into_inner()?)
            }
        }
    }
}

fn properties(schema: &Schema) -> WriterProperties {
    let all = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES));
    let numbers = schema.fields().iter().filter(|field| field.data_type().is_primitive());
    let with = |properties: WriterPropertiesBuilder, number: &FieldRef| {
        let column = ColumnPath::new(vec![number.name().clone()]);
        properties.set_column_dictionary_page_size_limit(column, DICTIONARY)
    };
    numbers.fold(all, with).build()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::datatypes::{DataType, Field};

    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn what_csv_cannot_hold_is_refused_before_a_row_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let lists = Field::new("lists", DataType::new_list(DataType::Int64, true), true);
        let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, true), lists]));
        let rows = || {
            let never = futures::stream::poll_fn(|_| panic!("rows were asked for"));
            BatchStream::new(schema.clone(), never)
        };
        let path = folder.path().join("out.csv");
        let error = write_stream(rows(), &path).await.unwrap_err().to_string();
        assert!(
            error.contains("column `lists` is List") && error.contains("use .parquet or .arrow"),
            "{error}"
        );
        let error = check_output(&folder.path().join("gone/out.parquet"), &schema).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(check_output(&folder.path().join("out.arrow"), &schema).is_ok());
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_file_that_comes_while_a_new_one_is_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, true)]));
        let path = folder.path().join("out.parquet");
        let another = path.clone();
        let rows = futures::stream::poll_fn(move |_| {
            std::fs::write(&another, "another").unwrap();
            std::task::Poll::Ready(None)
        });
        let error = write_new(BatchStream::new(schema, rows), &path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "another");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
