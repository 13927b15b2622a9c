//! A folder with a feature store of files in it, and short ways to fill and ask it.

// Each test program uses a part of it.
#![allow(dead_code, clippy::unwrap_used)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use hybrid_core::store::DynOfflineStore;
use hybrid_core::{
    Context, Entity, EntityFrame, FeatureRegistry, FeatureSelection, FeatureView, Field, HybridOfflineStore,
    OfflineStore, Result, RetrievalJob, RetrievalOptions, Source, ValueType,
};
use hybrid_store_file::{FileConfig, FileSource, FileStore};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use tempfile::TempDir;

pub struct Repo {
    folder: TempDir,
    pub store: HybridOfflineStore,
}

impl Repo {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let context = Context {
            repo: folder.path().to_owned(),
            ..Context::default()
        };
        let store: Arc<dyn DynOfflineStore> = Arc::new(FileStore::connect(FileConfig::new(), &context).await.unwrap());
        Self {
            folder,
            store: HybridOfflineStore::from_stores([("file".to_owned(), store)]),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes Parquet with row groups of `rows` rows, pages of at most `rows / 4`.
    pub fn parquet(&self, name: &str, batch: &RecordBatch, rows: usize) -> PathBuf {
        self.parquet_with(name, batch, rows, |properties| properties)
    }

    /// The same, with other properties too.
    pub fn parquet_with(
        &self,
        name: &str,
        batch: &RecordBatch,
        rows: usize,
        other: impl FnOnce(WriterPropertiesBuilder) -> WriterPropertiesBuilder,
    ) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(rows))
            .set_data_page_row_count_limit((rows / 4).max(1))
            .set_write_batch_size((rows / 4).max(1))
            .set_bloom_filter_enabled(true)
            .set_dictionary_enabled(false);
        write(&path, batch, other(properties).build());
        path
    }

    /// A view of `features` by `id` over the source at `path`.
    pub fn view(&self, path: &str, features: &[(&str, ValueType)]) -> FeatureView {
        let source = Source::from(FileSource::new(path)).with_timestamp_field("ts");
        let fields = features
            .iter()
            .map(|(name, value_type)| Field::new(*name, value_type.clone()));
        FeatureView::new("v", source).with_entities(["id"]).with_schema(fields)
    }

    pub async fn job(&self, view: FeatureView, features: &[&str], entities: RecordBatch) -> Result<RetrievalJob> {
        self.job_of(Entity::new("id"), view, features, entities).await
    }

    /// The same, for a view by another entity.
    pub async fn job_of(
        &self,
        entity: Entity,
        view: FeatureView,
        features: &[&str],
        entities: RecordBatch,
    ) -> Result<RetrievalJob> {
        let mut registry = FeatureRegistry::new("test");
        registry.entities.push(entity);
        registry.feature_views.push(view);
        let selection = FeatureSelection::references(features.iter().map(|name| format!("v:{name}")))?;
        let frame = EntityFrame::from_batches(entities.schema(), vec![entities]);
        self.store
            .get_historical_features(&registry, frame, &selection, RetrievalOptions::default())
            .await
    }

    /// The features of the entity rows, in one batch.
    pub async fn historical(&self, view: FeatureView, features: &[&str], entities: RecordBatch) -> Result<RecordBatch> {
        let job = self.job(view, features, entities).await?;
        let schema = job.schema().clone();
        Ok(concat_batches(&schema, &job.to_arrow().await?)?)
    }
}

fn write(path: &Path, batch: &RecordBatch, properties: WriterProperties) {
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

pub fn times(seconds: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(
        TimestampMicrosecondArray::from_iter_values(seconds.into_iter().map(|s| s * 1_000_000)).with_timezone("UTC"),
    )
}

pub fn numbers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

pub fn floats(values: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values))
}

pub fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<ArrowField> = columns
        .iter()
        .map(|(name, column)| ArrowField::new(*name, DataType::clone(column.data_type()), true))
        .collect();
    RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns.into_iter().map(|(_, column)| column).collect(),
    )
    .unwrap()
}

/// Entity rows of these keys, at these seconds.
pub fn entities(ids: &[i64], seconds: &[i64]) -> RecordBatch {
    batch(vec![
        ("id", numbers(ids.iter().copied())),
        ("event_timestamp", times(seconds.iter().copied())),
    ])
}

/// A column's values as text, `-` for NULL.
pub fn column(rows: &RecordBatch, name: &str) -> Vec<String> {
    let column = rows.column_by_name(name).unwrap();
    let options = arrow::util::display::FormatOptions::default().with_null("-");
    let formatter = arrow::util::display::ArrayFormatter::try_new(column, &options).unwrap();
    (0..rows.num_rows())
        .map(|row| formatter.value(row).to_string())
        .collect()
}
