use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_csv::ReaderBuilder;
use arrow_csv::reader::Format;
use hybrid_core::{Error, ErrorKind, Result, TextColumn, guarded, timestamp_type};

use crate::error::io_error;
use crate::listing::Listed;
use crate::storage::{Blob, BlobReader};

/// How much of a file decides the types of its columns where nobody declared them.
const SAMPLE_BATCH: usize = 1024;
const SAMPLE_BATCHES: usize = 32;
const SAMPLE_BUFFER: usize = 1 << 20;
/// A header ends within so many bytes.
const MAX_HEADER: u64 = 4 << 20;
/// Enough for most headers.
const HEADER_BUFFER: usize = 64 << 10;
const BATCH_ROWS: usize = 16_384;

/// A CSV file and the names in its header.
#[derive(Debug)]
pub(crate) struct CsvFile {
    listed: Listed,
    header: Vec<String>,
    inferred: OnceLock<SchemaRef>,
}

impl CsvFile {
    /// Reads the header.
    pub(crate) fn open(listed: Listed) -> Result<Self> {
        let blob = listed.handle.open(&listed.name)?;
        let header = guarded(&listed.name, || header_of(&blob, &listed.name))?;
        Ok(Self {
            listed,
            header,
            inferred: OnceLock::new(),
        })
    }

    pub(crate) fn listed(&self) -> &Listed {
        &self.listed
    }

    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// Where a column stands.
    pub(crate) fn position(&self, column: &str) -> Option<usize> {
        self.header.iter().position(|name| name == column)
    }

    /// The columns by their names in the header, of types that hold what the file may have: times are
    /// times to the microsecond, whatever those at its beginning are.
    pub(crate) fn inferred(&self) -> Result<SchemaRef> {
        let typed = self.typed_header()?;
        let fields = typed.fields().iter().map(|field| match field.data_type() {
            DataType::Timestamp(..) => Field::new(field.name(), timestamp_type(), true),
            _ => field.as_ref().clone(),
        });
        Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
    }

    /// The columns by their names in the header, of the types that the beginning of the file suggests.
    pub(crate) fn typed_header(&self) -> Result<SchemaRef> {
        if let Some(schema) = self.inferred.get() {
            return Ok(Arc::clone(schema));
        }
        let blob = self.listed.handle.open(&self.listed.name)?;
        let name = &self.listed.name;
        let sample = content(&blob, SAMPLE_BUFFER).map_err(|error| io_error("read", name, error))?;
        let schema = guarded(name, || {
            let types = types(sample, &self.header).map_err(|error| self.broken(error))?;
            Ok(Arc::new(Schema::new(types)))
        })?;
        Ok(Arc::clone(self.inferred.get_or_init(|| schema)))
    }

    /// Gives `each` batches of the columns at `positions`, as text, with the number of rows before
    /// them; it returns whether to go on.
    pub(crate) fn read(
        &self,
        positions: &[usize],
        mut each: impl FnMut(Vec<ArrayRef>, u64, usize) -> Result<bool>,
    ) -> Result<()> {
        let blob = self.listed.handle.open(&self.listed.name)?;
        let reader = ReaderBuilder::new(texts(self.header.len()))
            .with_format(format())
            .with_batch_size(BATCH_ROWS)
            .with_projection(positions.to_vec())
            .build_buffered(content(&blob, blob.stride()).map_err(|error| io_error("read", &self.listed.name, error))?)
            .map_err(|error| self.broken(error))?;
        let mut before = 0;
        for batch in reader {
            let batch: RecordBatch = batch.map_err(|error| self.broken(error))?;
            let rows = batch.num_rows();
            if !each(batch.columns().to_vec(), before, rows)? {
                return Ok(());
            }
            before += rows as u64;
        }
        Ok(())
    }

    fn broken(&self, error: arrow::error::ArrowError) -> Error {
        broken(&self.listed.name, error)
    }
}

fn broken(name: &str, error: arrow::error::ArrowError) -> Error {
    let error = match error {
        // The file was not to be had: that says nothing about what is in it.
        arrow::error::ArrowError::IoError(_, error) if error.get_ref().is_some_and(|cause| cause.is::<Error>()) => {
            return io_error("read", name, error);
        }
        error => error,
    };
    Error::new(ErrorKind::Corrupt, format!("`{name}` cannot be read as CSV: {error}"))
        .with_help("every line has as many fields as the header, separated by commas, in UTF-8")
}

fn format() -> Format {
    Format::default().with_header(true)
}

/// Columns of text.
fn texts(count: usize) -> SchemaRef {
    let field = |at: usize| Field::new(at.to_string(), DataType::Utf8, true);
    Arc::new(Schema::new((0..count).map(field).collect::<Vec<_>>()))
}

/// The types of the columns in the first records, Null where these have no value.
fn types(sample: impl BufRead, header: &[String]) -> arrow::error::Result<Vec<Field>> {
    let mut columns = vec![TextColumn::default(); header.len()];
    let reader = ReaderBuilder::new(texts(header.len()))
        .with_format(format())
        .with_batch_size(SAMPLE_BATCH)
        .build_buffered(sample)?;
    for batch in reader.take(SAMPLE_BATCHES) {
        for (column, values) in columns.iter_mut().zip(batch?.columns()) {
            values
                .as_string::<i32>()
                .iter()
                .flatten()
                .for_each(|value| column.add(value));
        }
    }
    let typed =
        |(name, column): (&String, TextColumn)| Field::new(name, column.data_type().unwrap_or(DataType::Null), true);
    Ok(header.iter().zip(columns).map(typed).collect())
}

/// The file's bytes after a byte order mark, read `stride` bytes at a time.
fn content(blob: &Blob, stride: usize) -> std::io::Result<BufReader<BlobReader>> {
    let mut reader = BufReader::with_capacity(stride, blob.reader());
    if reader.fill_buf()?.starts_with(&[0xef, 0xbb, 0xbf]) {
        reader.consume(3);
    }
    Ok(reader)
}

fn header_of(blob: &Blob, name: &str) -> Result<Vec<String>> {
    let reader = content(blob, HEADER_BUFFER).map_err(|error| io_error("read", name, error))?;
    let (schema, _) = format()
        .infer_schema(reader.take(MAX_HEADER), Some(0))
        .map_err(|error| broken(name, error))?;
    let header: Vec<String> = schema.fields().iter().map(|f| f.name().trim().to_owned()).collect();
    if header.is_empty() {
        return Err(Error::new(
            ErrorKind::Corrupt,
            format!("`{name}` is empty: a CSV file begins with a header"),
        ));
    }
    let twice = header
        .iter()
        .enumerate()
        .find(|(at, column)| header[..*at].contains(column));
    if let Some((_, column)) = twice {
        return Err(Error::new(
            ErrorKind::Corrupt,
            format!("the header of `{name}` names column `{column}` twice"),
        ));
    }
    Ok(header)
}
