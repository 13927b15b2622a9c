//! CSV rows for a source that is there: text takes the source's types, not the ones it looks like.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow_csv::ReaderBuilder;
use arrow_csv::reader::Format;
use hybrid_offline_store::{BatchStream, Error, ErrorKind, Result};

/// Whether the file is one of text, by its extension.
pub fn is_csv(file: &Path) -> bool {
    file.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

/// The rows of a CSV file with a header: each column in the type of `source`'s column of that
/// name, text where there is none.
///
/// # Errors
/// NotFound; InvalidInput, naming the file and line, for a value that is none of its type.
pub fn read(file: &Path, source: &Schema) -> Result<BatchStream> {
    let failed = |error: ArrowError| unfit(file, &error);
    let mut reader = File::open(file).map_err(|error| {
        let error = Error::from(error);
        Error::new(error.kind(), format!("cannot read `{}`", file.display())).with_cause(error)
    })?;
    let format = Format::default().with_header(true);
    let (header, _) = format.infer_schema(BufReader::new(&reader), Some(0)).map_err(failed)?;
    reader.rewind()?;
    let fields: Vec<Field> = header
        .fields()
        .iter()
        .map(|column| typed(column.name(), source))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let rows = ReaderBuilder::new(schema.clone())
        .with_header(true)
        .build(reader)
        .map_err(failed)?;
    let path: PathBuf = file.to_owned();
    Ok(BatchStream::from_blocking(schema, move || {
        Ok(rows.map(move |batch| batch.map_err(|error| unfit(&path, &error))))
    }))
}

fn typed(name: &str, source: &Schema) -> Field {
    let data_type = source.field_with_name(name).map(Field::data_type);
    Field::new(name, data_type.cloned().unwrap_or(DataType::Utf8), true)
}

fn unfit(file: &Path, error: &ArrowError) -> Error {
    let message = format!("`{}` does not fit the source: {error}", file.display());
    Error::new(ErrorKind::InvalidInput, message)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::TimeUnit;

    use super::*;

    fn source() -> Schema {
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Schema::new(vec![
            Field::new("zip", DataType::Utf8, true),
            Field::new("ts", time, true),
            Field::new("seats", DataType::Int64, true),
        ])
    }

    async fn read_text(text: &str) -> Result<arrow::array::RecordBatch> {
        let file = tempfile::Builder::new().suffix(".CSV").tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        assert!(is_csv(file.path()));
        Ok(read(file.path(), &source())?.collect().await?.remove(0))
    }

    #[tokio::test]
    async fn text_takes_the_types_of_the_source() {
        let rows = read_text("seats,zip,ts,more\n4,00123,2025-01-01T00:00:00.5Z,7\n,,,\n")
            .await
            .unwrap();
        assert_eq!(rows.schema().field(3).data_type(), &DataType::Utf8);
        assert_eq!(rows.column_by_name("zip").unwrap().as_string::<i32>().value(0), "00123");
        assert_eq!(
            rows.column_by_name("ts").unwrap().data_type(),
            source().field(1).data_type()
        );
        assert_eq!(rows.column_by_name("seats").unwrap().null_count(), 1);
    }

    #[tokio::test]
    async fn a_value_of_another_type_is_an_error_that_shows_it() {
        let error = read_text("seats,zip,ts\n4.5,1,2025-01-01T00:00:00Z\n")
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.message().contains("4.5"), "{error}");
    }
}
