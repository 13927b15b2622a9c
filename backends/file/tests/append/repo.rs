//! A folder with sources, the file store over it, and rows to write.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::util::display::array_value_to_string;
use hybrid_core::{
    BatchStream, Call, Context, OfflineStore, OutputColumn, PullAllRequest, Result, SourceTable, WriteRequest,
};
use hybrid_store_file::{FileConfig, FileSource, FileStore};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use tempfile::TempDir;

pub struct Repo {
    folder: TempDir,
    store: Arc<FileStore>,
}

impl Repo {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store_in(folder.path()).await;
        Self { folder, store }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn store(&self) -> Arc<FileStore> {
        Arc::clone(&self.store)
    }

    /// Makes a Parquet file of these rows.
    pub fn parquet(&self, name: &str, rows: &RecordBatch) {
        self.parquet_with(name, rows, WriterProperties::default());
    }

    pub fn parquet_with(&self, name: &str, rows: &RecordBatch, properties: WriterProperties) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), Some(properties)).unwrap();
        writer.write(rows).unwrap();
        writer.close().unwrap();
    }

    pub fn text(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes the first rows of a source: all their columns are the view's.
    pub async fn create(&self, path: &str, rows: &RecordBatch) -> Result<u64> {
        self.create_as(FileSource::new(path), rows).await
    }

    pub async fn create_as(&self, source: FileSource, rows: &RecordBatch) -> Result<u64> {
        let stream = BatchStream::from_batches(rows.schema(), vec![rows.clone()]);
        self.store
            .offline_write_batch(first_request(source, stream), &Call::default())
            .await
    }

    /// Appends rows that must have the columns `k` and `ts`.
    pub async fn append(&self, path: &str, rows: &RecordBatch) -> Result<u64> {
        self.append_to(FileSource::new(path), rows).await
    }

    pub async fn append_to(&self, source: FileSource, rows: &RecordBatch) -> Result<u64> {
        let stream = BatchStream::from_batches(rows.schema(), vec![rows.clone()]);
        self.stream(source, stream).await
    }

    pub async fn stream(&self, source: FileSource, rows: BatchStream) -> Result<u64> {
        self.store
            .offline_write_batch(request(source, rows), &Call::default())
            .await
    }

    /// The rows of a source, each as its columns' values with a blank between them.
    pub async fn read(&self, path: &str, columns: &[&str]) -> Vec<String> {
        let features = columns.iter().map(|name| column(name, None)).collect();
        let request = PullAllRequest {
            source: table(FileSource::new(path)),
            join_keys: Vec::new(),
            features,
            timestamp_name: "time".to_owned(),
            created_name: None,
            start: None,
            end: None,
        };
        let stream = self
            .store
            .pull_all_from_table_or_query(request, &Call::default())
            .await
            .unwrap();
        let batches = stream.collect().await.unwrap();
        batches.iter().flat_map(|batch| lines(batch, columns.len())).collect()
    }

    /// The names in a folder, sorted, the hidden ones too.
    pub fn names(&self, folder: &str) -> Vec<String> {
        names_in(&self.path(folder))
    }
}

pub async fn store_in(folder: &Path) -> Arc<FileStore> {
    let context = Context {
        repo: folder.to_owned(),
        ..Context::default()
    };
    Arc::new(FileStore::connect(FileConfig::new(), &context).await.unwrap())
}

pub fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Names that no killed or failed write may leave: all hidden ones but locks.
pub fn leftovers(folder: &Path) -> Vec<String> {
    let names = names_in(folder);
    names
        .into_iter()
        .filter(|name| name.starts_with('.') && !name.ends_with(".lock"))
        .collect()
}

pub fn request(source: FileSource, rows: BatchStream) -> WriteRequest<FileSource> {
    WriteRequest {
        source: table(source),
        required: vec![column("k", None), column("ts", Some(hybrid_core::timestamp_type()))],
        schema: rows.schema().clone(),
        rows,
    }
}

pub fn first_request(source: FileSource, rows: BatchStream) -> WriteRequest<FileSource> {
    let fields = rows.schema().fields().clone();
    WriteRequest {
        required: fields
            .iter()
            .map(|field| column(field.name(), Some(field.data_type().clone())))
            .collect(),
        ..request(source, rows)
    }
}

fn table(options: FileSource) -> SourceTable<FileSource> {
    SourceTable {
        name: "log".to_owned(),
        options,
        timestamp_field: "ts".to_owned(),
        created_timestamp_column: None,
        date_partition_column: None,
        date_partition_column_format: None,
    }
}

pub fn column(name: &str, data_type: Option<DataType>) -> OutputColumn {
    OutputColumn {
        source: name.to_owned(),
        name: name.to_owned(),
        data_type,
    }
}

fn lines(batch: &RecordBatch, columns: usize) -> Vec<String> {
    let line = |row: usize| {
        let values = batch.columns()[..columns]
            .iter()
            .map(|column| array_value_to_string(column, row).unwrap());
        values.collect::<Vec<_>>().join(" ")
    };
    (0..batch.num_rows()).map(line).collect()
}

/// Rows with keys `k`, times `ts` of as many seconds, and `v`.
pub fn rows(keys: &[i64], values: &[Option<&str>]) -> RecordBatch {
    let values: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
    with(keys, [("v", values)])
}

/// Rows with keys `k`, times `ts`, and these columns.
pub fn with<const N: usize>(keys: &[i64], columns: [(&str, ArrayRef); N]) -> RecordBatch {
    let keys_and_times = [("k", numbers(keys)), ("ts", times(keys))];
    let columns = keys_and_times
        .into_iter()
        .chain(columns)
        .map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

pub fn numbers(numbers: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(numbers.to_vec()))
}

pub fn texts(texts: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(texts.to_vec()))
}

pub fn times(seconds: &[i64]) -> ArrayRef {
    let times = seconds.iter().map(|second| second * 1_000_000);
    Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"))
}

pub fn stream_of(schema: SchemaRef, batches: Vec<Result<RecordBatch>>) -> BatchStream {
    BatchStream::new(schema, futures::stream::iter(batches))
}
