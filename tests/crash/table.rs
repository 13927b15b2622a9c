//! A table of batches: each has one number and the same rows, so that a part of one is recognised.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::Int64Type;
use hybrid_core::config::RepoConfig;
use hybrid_core::{
    BatchStream, Call, Context, Entity, FeatureRegistry, FeatureView, Field, HybridOfflineStore, Pull, Result, Source,
    ValueType,
};
// Links the backends.
use hybrid_offline_store as _;
use parquet::arrow::ArrowWriter;

/// Rows of a batch.
const ROWS: i64 = 200;
const CONFIG: &str = "project: crash\nregistry: registry.db\nprovider: local\noffline_store: {type: file}\n";

/// Where appends go.
#[derive(Debug, Clone, Copy)]
pub enum Layout {
    /// A new file in a folder.
    Folder,
    /// The one file there is.
    File,
}

impl Layout {
    /// The source's path in the repository.
    fn path(self) -> &'static str {
        match self {
            Self::Folder => "log",
            Self::File => "log.parquet",
        }
    }

    /// The name that travels to the writer's process.
    pub fn name(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::File => "file",
        }
    }

    pub fn named(name: &str) -> Self {
        [Self::Folder, Self::File]
            .into_iter()
            .find(|layout| layout.name() == name)
            .unwrap()
    }

    fn first_file(self, repo: &Path) -> PathBuf {
        match self {
            Self::Folder => repo.join("log").join("first.parquet"),
            Self::File => repo.join("log.parquet"),
        }
    }
}

/// The table, as one process sees it.
pub struct Table {
    router: HybridOfflineStore,
    registry: FeatureRegistry,
    runtime: tokio::runtime::Runtime,
}

impl Table {
    /// A repository in `repo` with batch 0.
    pub fn create(repo: &Path, layout: Layout) -> Self {
        std::fs::write(repo.join("feature_store.yaml"), CONFIG).unwrap();
        let first = layout.first_file(repo);
        std::fs::create_dir_all(first.parent().unwrap()).unwrap();
        let rows = rows_of(0);
        let mut writer = ArrowWriter::try_new(File::create(first).unwrap(), rows.schema(), None).unwrap();
        writer.write(&rows).unwrap();
        writer.close().unwrap();
        Self::open(repo, layout)
    }

    pub fn open(repo: &Path, layout: Layout) -> Self {
        let config = RepoConfig::load(repo).unwrap();
        let context = Context {
            repo: repo.to_owned(),
            project: "crash".to_owned(),
        };
        Self {
            router: HybridOfflineStore::new(&config, context).unwrap(),
            registry: registry(layout),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    /// Appends one batch.
    pub fn append(&self, batch: i64) -> Result<u64> {
        let rows = rows_of(batch);
        let stream = BatchStream::from_batches(rows.schema(), vec![rows]);
        let view = &self.registry.feature_views[0];
        let call = Call::default();
        self.runtime
            .block_on(self.router.offline_write_batch(&self.registry, view, stream, &call))
    }

    /// What a reader sees now.
    pub fn read(&self) -> Found {
        let pull = Pull::of_view(&self.registry, &self.registry.feature_views[0]).unwrap();
        let call = Call::default();
        let batches = self.runtime.block_on(async {
            let stream = self
                .router
                .pull_all_from_table_or_query(&pull, None, None, &call)
                .await?;
            stream.collect().await
        });
        Found::of(&batches.unwrap())
    }
}

fn registry(layout: Layout) -> FeatureRegistry {
    let mut source = Source::new("file")
        .with_name("log")
        .with_timestamp_field("event_timestamp");
    source.options.insert("path".to_owned(), layout.path().into());
    let view = FeatureView::new("log", source)
        .with_entities(["row"])
        .with_schema([Field::new("batch", ValueType::Int64)]);
    let mut registry = FeatureRegistry::new("crash");
    registry
        .entities
        .push(Entity::new("row").with_value_type(ValueType::Int64));
    registry.feature_views.push(view);
    registry
}

fn rows_of(batch: i64) -> RecordBatch {
    let times =
        TimestampMicrosecondArray::from_iter_values((0..ROWS).map(|row| batch * ROWS + row)).with_timezone("UTC");
    RecordBatch::try_from_iter([
        ("row", Arc::new(Int64Array::from_iter_values(0..ROWS)) as ArrayRef),
        ("event_timestamp", Arc::new(times)),
        ("batch", Arc::new(Int64Array::from_value(batch, ROWS as usize))),
    ])
    .unwrap()
}

/// The rows of each batch that a reader saw.
pub struct Found(BTreeMap<i64, Vec<i64>>);

impl Found {
    fn of(batches: &[RecordBatch]) -> Self {
        let mut found: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for batch in batches {
            let column = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().values();
            for (row, number) in column("row").iter().zip(column("batch")) {
                found.entry(*number).or_default().push(*row);
            }
        }
        Self(found)
    }

    /// Every batch has each of its rows once.
    pub fn assert_whole(&self) {
        for (batch, rows) in &self.0 {
            let mut rows = rows.clone();
            rows.sort_unstable();
            assert!(
                rows.iter().copied().eq(0..ROWS),
                "batch {batch} has {} rows: {rows:?}",
                rows.len()
            );
        }
    }

    /// Batch 0 and all these are there.
    pub fn assert_has(&self, batches: &[i64]) {
        let lost: Vec<_> = batches
            .iter()
            .chain(&[0])
            .filter(|batch| !self.0.contains_key(batch))
            .collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    }
}
