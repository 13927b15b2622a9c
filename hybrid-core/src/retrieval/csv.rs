//! Entity frames from CSV: types are found by reading the whole file once, and join keys are of
//! the type that their entity declares.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_csv::reader::{BufReader as Reader, Format, ReaderBuilder};

use super::files::{BATCH, in_background, in_file};
use crate::{BatchStream, Error, ErrorKind, Result, TextColumn, guarded};

/// Rows of a batch while types are looked for.
const LOOK: usize = 1 << 13;

/// A CSV file with a header, whose columns' types are known and whose rows are not read yet.
#[derive(Debug)]
pub struct CsvFrame {
    path: PathBuf,
    file: File,
    /// Where the header begins.
    start: u64,
    columns: Vec<(String, TextColumn)>,
}

impl CsvFrame {
    /// Reads the file once, in bounded memory, to find the columns' types.
    ///
    /// # Errors
    /// NotFound, PermissionDenied, InvalidInput for an empty file, what is wrong with a line.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut file = File::open(path).map_err(|error| in_file(path, "read", error))?;
        let start = after_byte_order_mark(&mut file).map_err(|error| in_file(path, "read", error))?;
        let columns = guarded(&path.display().to_string(), || {
            columns(&mut file, start).map_err(|error| in_file(path, "read", error))
        })?;
        if columns.is_empty() {
            return Err(
                Error::new(ErrorKind::InvalidInput, format!("`{}` is empty", path.display()))
                    .with_help("a CSV file begins with a header, the names of its columns"),
            );
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            start,
            columns,
        })
    }

    /// The rows, read as they are asked for. A column that has a declared type is of that type,
    /// where its values are.
    pub(super) fn rows(self, declared: impl Fn(&str) -> Option<DataType>) -> Result<BatchStream> {
        let Self {
            path,
            file,
            start,
            columns,
        } = self;
        let field = |(name, column): (String, TextColumn)| {
            let data_type = match declared(&name) {
                Some(declared) => column.declared(&declared),
                None => column.data_type().unwrap_or(DataType::Utf8),
            };
            Field::new(name, data_type, true)
        };
        let schema: SchemaRef = Arc::new(Schema::new(columns.into_iter().map(field).collect::<Vec<_>>()));
        let reader = reader(file, start, schema.clone(), BATCH).map_err(|error| in_file(&path, "read", error))?;
        Ok(in_background(schema, reader, &path))
    }
}

fn after_byte_order_mark(file: &mut File) -> std::io::Result<u64> {
    let mut mark = Vec::new();
    file.take(3).read_to_end(&mut mark)?;
    Ok(if mark == [0xef, 0xbb, 0xbf] { 3 } else { 0 })
}

fn columns(file: &mut File, start: u64) -> Result<Vec<(String, TextColumn)>, ArrowError> {
    file.seek(SeekFrom::Start(start))?;
    let format = Format::default().with_header(true);
    let (header, _) = format.infer_schema(BufReader::new(&*file), Some(0))?;
    if header.fields().is_empty() {
        return Ok(Vec::new());
    }
    let fields = header.fields().iter();
    let texts: Vec<Field> = fields
        .map(|field| Field::new(field.name(), DataType::Utf8, true))
        .collect();
    let mut columns = vec![TextColumn::default(); texts.len()];
    for rows in reader(file.try_clone()?, start, Arc::new(Schema::new(texts)), LOOK)? {
        let rows = rows?;
        for (column, values) in columns.iter_mut().zip(rows.columns()) {
            values
                .as_string::<i32>()
                .iter()
                .flatten()
                .for_each(|value| column.add(value));
        }
    }
    let names = header.fields().iter().map(|field| field.name().clone());
    Ok(names.zip(columns).collect())
}

fn reader(mut file: File, start: u64, schema: SchemaRef, batch: usize) -> Result<Reader<BufReader<File>>, ArrowError> {
    file.seek(SeekFrom::Start(start))?;
    ReaderBuilder::new(schema)
        .with_header(true)
        .with_batch_size(batch)
        .build(file)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use arrow::array::{Array, RecordBatch};
    use arrow::compute::concat_batches;
    use arrow::datatypes::{Int64Type, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType};

    use super::*;
    use crate::timestamp_type;

    const NAIVE: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);
    const START: i64 = 1_609_459_200_000_000;

    fn open(text: &str) -> Result<CsvFrame> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        CsvFrame::open(file.path())
    }

    fn rows_as(text: &str, declared: &[(&str, DataType)]) -> RecordBatch {
        let known = |name: &str| {
            let found = declared.iter().find(|(column, _)| *column == name)?;
            Some(found.1.clone())
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let rows = open(text).unwrap().rows(known).unwrap();
            let schema = rows.schema().clone();
            concat_batches(&schema, &rows.collect().await.unwrap()).unwrap()
        })
    }

    fn rows(text: &str) -> RecordBatch {
        rows_as(text, &[])
    }

    fn texts(rows: &RecordBatch, column: usize) -> Vec<&str> {
        rows.column(column).as_string::<i32>().iter().flatten().collect()
    }

    fn micros(rows: &RecordBatch) -> Vec<Option<i64>> {
        let column = rows.column(0).as_primitive::<TimestampMicrosecondType>();
        column.iter().collect()
    }

    #[test]
    fn times_keep_their_zone() {
        for (text, expected) in [
            ("2021-01-01T00:00:00Z", timestamp_type()),
            ("2021-01-01 02:00:00+02:00", timestamp_type()),
            ("2020-12-31T19:00:00.000-05:00", timestamp_type()),
            ("2021-01-01T00:00:00", NAIVE),
            ("2021-01-01 00:00:00.000", NAIVE),
        ] {
            let rows = rows(&format!("time,x\n{text},1\n,2\n"));
            assert_eq!(rows.column(0).data_type(), &expected, "{text}");
            assert_eq!(micros(&rows), [Some(START), None], "{text}");
            assert_eq!(rows.column(1).as_primitive::<Int64Type>().values(), &[1, 2]);
        }
    }

    #[test]
    fn a_column_of_several_offsets_holds_instants() {
        let rows = rows(
            "time\n2021-01-01T00:00:00Z\n2021-01-01T02:00:00+02:00\n2020-12-31T19:00:00.000001-05:00\n2021-01-01T00:00:00\n",
        );
        assert_eq!(rows.column(0).data_type(), &timestamp_type());
        assert_eq!(micros(&rows), [START, START, START + 1, START].map(Some));
    }

    #[test]
    fn the_last_row_counts_as_the_first() {
        let mut text = "time,n,code\n".to_owned() + &"2021-01-01T00:00:00,1,1\n".repeat(20_000);
        text += "2021-01-01T00:00:00.000007,1.5,007\n";
        let rows = rows(&text);
        assert_eq!(micros(&rows).last(), Some(&Some(START + 7)));
        assert_eq!(rows.column(1).data_type(), &DataType::Float64);
        assert_eq!(texts(&rows, 2).last(), Some(&"007"));
    }

    #[test]
    fn nanoseconds_and_dates_are_told_apart() {
        let rows = rows("time,day,text\n2021-01-01T00:00:00.123456789Z,2021-01-01,a\n");
        let times = rows.column(0).as_primitive::<TimestampNanosecondType>();
        assert_eq!(times.value(0), START * 1000 + 123_456_789);
        assert_eq!(rows.column(1).data_type(), &DataType::Date32);
        assert_eq!(texts(&rows, 2), ["a"]);
    }

    #[test]
    fn codes_stay_as_they_came() {
        let rows = rows("\u{feff}zip,plus\n00123,+1\n12345,2\n");
        assert_eq!(rows.schema().field(0).name(), "zip");
        assert_eq!(texts(&rows, 0), ["00123", "12345"]);
        assert_eq!(texts(&rows, 1), ["+1", "2"]);
    }

    #[test]
    fn declared_types_are_read() {
        let declared = [
            ("zip", DataType::Utf8),
            ("id", DataType::Int32),
            ("other", DataType::Int64),
        ];
        let rows = rows_as("zip,id,other\n123,7,a\n456,8,b\n", &declared);
        assert_eq!(texts(&rows, 0), ["123", "456"]);
        assert_eq!(rows.column(1).data_type(), &DataType::Int32);
        assert_eq!(texts(&rows, 2), ["a", "b"]);
    }

    #[test]
    fn a_header_alone_is_no_rows() {
        let rows = rows_as("time,x\n", &[("x", DataType::Int64)]);
        assert_eq!(rows.num_rows(), 0);
        assert_eq!(rows.column(0).data_type(), &DataType::Utf8);
        assert_eq!(rows.column(1).data_type(), &DataType::Int64);
    }

    #[test]
    fn no_bytes_are_an_empty_file() {
        for text in ["", "\n\n", "\u{feff}"] {
            let error = open(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.message().ends_with("is empty"), "{error}");
        }
    }
}
