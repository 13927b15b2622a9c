//! Damaged Parquet and CSV files, read through the router: no panic, no hang, bounded memory.
//! Each test runs for `HYBRID_FUZZ_SECONDS` seconds, two by default.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod damage;
mod fuzzing;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use hybrid_core::config::RepoConfig;
use hybrid_core::{Call, Context, HybridOfflineStore, Pull, Result, Source};
// Links the backends.
use hybrid_offline_store as _;
use parquet::arrow::ArrowWriter;

use damage::Damage;

const CONFIG: &str = "project: fuzz\nregistry: registry.db\nprovider: local\noffline_store: {type: file}\n";
/// Far more than reading a few damaged rows may ever need.
const MEMORY_MIB: u64 = 1024;

static PANICS: AtomicUsize = AtomicUsize::new(0);

fn rows() -> RecordBatch {
    let times = TimestampMicrosecondArray::from_iter_values(0..300).with_timezone("UTC");
    let names = StringArray::from_iter((0..300).map(|row| (row % 7 != 0).then(|| format!("name {row}"))));
    RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from_iter_values(0..300)) as ArrayRef),
        ("event_timestamp", Arc::new(times)),
        ("name", Arc::new(names)),
        (
            "value",
            Arc::new(Float64Array::from_iter_values((0..300).map(f64::from))),
        ),
    ])
    .unwrap()
}

fn parquet_bytes() -> Vec<u8> {
    let rows = rows();
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.into_inner().unwrap()
}

fn csv_bytes() -> Vec<u8> {
    let line = |row: i64| format!("{row},1970-01-01T00:00:00.000{:03}Z,\"name {row}\",{row}.5\n", row);
    let lines: String = (0..300).map(line).collect();
    format!("id,event_timestamp,name,value\n{lines}").into_bytes()
}

/// Reads everything in the file: its schema, then its rows.
async fn read(router: &HybridOfflineStore, file: &str) -> Result<usize> {
    let mut source = Source::new("file")
        .with_name("damaged")
        .with_timestamp_field("event_timestamp");
    source.options.insert("path".to_owned(), file.into());
    router.source_schema(&source).await?;
    let pull = Pull {
        source,
        join_keys: vec![("id".to_owned(), None)],
        features: Vec::new(),
    };
    let stream = router
        .pull_all_from_table_or_query(&pull, None, None, &Call::default())
        .await?;
    Ok(stream.collect().await?.iter().map(RecordBatch::num_rows).sum())
}

fn router(repo: &Path) -> HybridOfflineStore {
    let config = RepoConfig::parse(CONFIG, &repo.join("feature_store.yaml"), &|_| None).unwrap();
    let context = Context {
        repo: repo.to_owned(),
        project: "fuzz".to_owned(),
    };
    HybridOfflineStore::new(&config, context).unwrap()
}

/// The most memory this process ever had, where the system tells.
fn peak_memory_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? / 1024)
}

/// Reads `whole`, then damaged copies of it until the time is over.
fn fuzz(file: &str, whole: &[u8]) {
    count_panics();
    let folder = tempfile::tempdir().unwrap();
    let (path, router) = (folder.path().join(file), router(folder.path()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    std::fs::write(&path, whole).unwrap();
    assert_eq!(runtime.block_on(read(&router, file)).unwrap(), 300);

    let (started, mut damage) = (Instant::now(), Damage::new(whole));
    while started.elapsed() < fuzzing::seconds() {
        std::fs::write(&path, damage.next_copy()).unwrap();
        // Rows or an error, both are right.
        let _ = fuzzing::within_patience(|| runtime.block_on(read(&router, file)));
        assert_eq!(
            PANICS.load(Ordering::SeqCst),
            0,
            "copy {} of {file} panicked",
            damage.copies()
        );
    }
    let peak = peak_memory_mib();
    assert!(peak.is_none_or(|peak| peak < MEMORY_MIB), "peak memory {peak:?} MiB");
}

/// Counts panics of every thread, also those that a runtime catches.
fn count_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // What a library's panic on broken bytes becomes is an error that names the file.
            if !hybrid_offline_store::is_guarded() {
                PANICS.fetch_add(1, Ordering::SeqCst);
                report(panic);
            }
        }));
    });
}

#[test]
fn fuzz_damaged_parquet() {
    fuzz("damaged.parquet", &parquet_bytes());
}

#[test]
fn fuzz_damaged_csv() {
    fuzz("damaged.csv", &csv_bytes());
}
