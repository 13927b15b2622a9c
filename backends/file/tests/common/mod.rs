//! The file store as the conformance suite sees it: tables are files in a folder of their own.

// Each test program uses a part of it.
#![allow(dead_code, clippy::unwrap_used)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use hybrid_conformance::{Fixture, NotRun};
use hybrid_core::store::DynOfflineStore;
use hybrid_core::{
    Capabilities, Context, DataSource, Error, ErrorKind, HybridOfflineStore, OfflineStore, Result, Source, async_trait,
};
use hybrid_store_file::{FileConfig, FileSource, FileStore};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use tempfile::TempDir;

/// How a table lies on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One file, with row groups of a few rows.
    ParquetFile,
    /// A file for each batch.
    ParquetFolder,
    /// One file; what has no text form is not run.
    CsvFile,
}

pub struct FileFixture {
    layout: Layout,
    folder: TempDir,
    store: HybridOfflineStore,
}

impl FileFixture {
    pub async fn new(layout: Layout) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let context = Context {
            repo: folder.path().to_owned(),
            ..Context::default()
        };
        let store = FileStore::connect(FileConfig::new(), &context).await.unwrap();
        let store: Arc<dyn DynOfflineStore> = Arc::new(store);
        Self {
            layout,
            folder,
            store: HybridOfflineStore::from_stores([("file".to_owned(), store)]),
        }
    }

    /// Where a table is on disk.
    pub fn path(&self, table: &str) -> PathBuf {
        self.folder.path().join(self.relative(table))
    }

    /// The same, below the folder of all tables.
    pub fn relative(&self, table: &str) -> String {
        match self.layout {
            Layout::ParquetFile => format!("{table}.parquet"),
            Layout::ParquetFolder => table.to_owned(),
            Layout::CsvFile => format!("{table}.csv"),
        }
    }
}

#[async_trait]
impl Fixture for FileFixture {
    fn store(&self) -> &HybridOfflineStore {
        &self.store
    }

    fn key(&self) -> &str {
        "file"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_stable_ties(true)
    }

    fn not_run(&self) -> Vec<NotRun> {
        match self.layout {
            Layout::ParquetFile => vec![],
            Layout::ParquetFolder => NOT_RUN_IN_A_FOLDER.to_vec(),
            Layout::CsvFile => NOT_RUN_AS_TEXT.to_vec(),
        }
    }

    async fn create(&self, table: &str, schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Source> {
        let path = self.path(table);
        match self.layout {
            Layout::ParquetFile => write_parquet(&path, &schema, &batches),
            Layout::ParquetFolder => {
                fs::create_dir(&path)?;
                let empty = [RecordBatch::new_empty(schema.clone())];
                let parts = if batches.is_empty() { &empty } else { batches.as_slice() };
                parts.iter().enumerate().for_each(|(number, batch)| {
                    write_parquet(
                        &path.join(format!("part-{number:03}.parquet")),
                        &schema,
                        std::slice::from_ref(batch),
                    );
                });
            }
            Layout::CsvFile => write_csv(&path, &schema, &batches)?,
        }
        FileSource::new(self.relative(table)).into_source()
    }

    fn destination(&self, table: &str) -> Result<Source> {
        match self.layout {
            Layout::ParquetFolder => Err(Error::new(ErrorKind::Unsupported, "a result is one file")),
            Layout::ParquetFile | Layout::CsvFile => FileSource::new(self.relative(table)).into_source(),
        }
    }

    async fn drop(&self, table: &str) -> Result<()> {
        let path = self.path(table);
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

fn write_parquet(path: &Path, schema: &SchemaRef, batches: &[RecordBatch]) {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(7)).build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), schema.clone(), Some(properties)).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.close().unwrap();
}

fn has_empty_text(column: &ArrayRef) -> bool {
    column.data_type().is_string()
        && cast(column, &DataType::Utf8)
            .unwrap()
            .as_string::<i32>()
            .iter()
            .any(|text| text == Some(""))
}

const NOT_RUN_IN_A_FOLDER: [NotRun; 1] = [("persist", &[], "a result is one file")];

const BYTES: &[&str] = &["Bytes", "PdfBytes", "ImageBytes"];
/// Of which the suite has an empty one.
const UUIDS: &[&str] = &["Uuid", "TimeUuid"];
const NOT_RUN_AS_TEXT: [NotRun; 13] = [
    ("keys::composite_keys_are_not_joined_text", &[], "an empty text"),
    ("keys::string_encodings_interchange", &[], "an empty text"),
    ("keys::every_key_type", &["Binary"], "CSV has no Binary"),
    ("pull_latest::every_key_type", &["Binary"], "CSV has no Binary"),
    ("types::scalars_round_trip", BYTES, "CSV has no Binary"),
    ("types::scalars_round_trip", UUIDS, "an empty text"),
    ("types::arrays_round_trip", &[], "CSV has no List"),
    ("types::maps_and_structs_round_trip", &[], "CSV has no "),
    ("persist::scalars_are_kept", BYTES, "CSV has no Binary"),
    ("persist::scalars_are_kept", UUIDS, "an empty text"),
    ("persist::arrays_are_kept", &[], "CSV has no List"),
    ("persist::maps_and_structs_are_kept", &[], "CSV has no "),
    ("random::joins", &[], "CSV"),
];

/// Text cannot tell an empty string from no value, and has no lists, maps or bytes.
fn write_csv(path: &Path, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<()> {
    let has_no_text = |data_type: &DataType| data_type.is_nested() || data_type.is_binary() || data_type.is_null();
    if let Some(field) = schema.fields().iter().find(|field| has_no_text(field.data_type())) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("CSV has no {}", field.data_type()),
        ));
    }
    if batches.iter().flat_map(RecordBatch::columns).any(has_empty_text) {
        return Err(Error::new(ErrorKind::Unsupported, "in CSV an empty text is no value"));
    }
    let mut writer = arrow_csv::Writer::new(File::create(path)?);
    writer.write(&RecordBatch::new_empty(schema.clone()))?;
    batches.iter().try_for_each(|batch| Ok(writer.write(batch)?))
}
