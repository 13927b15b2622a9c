//! What cannot matter is not read: it is overwritten here, and nobody notices.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use hybrid_core::ErrorKind;
use hybrid_core::ValueType::Int64;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::EnabledStatistics;
use support::{Repo, batch, column, entities, numbers, times};

const GROUP: usize = 1_000;

/// Four row groups: times 0 to 3,999, keys 0 to 99 in the first half and 100 to 199 in the second.
fn log() -> RecordBatch {
    let id = |row: i64| if row < 2_000 { row % 100 } else { 100 + row % 100 };
    batch(vec![
        ("id", numbers((0..4_000).map(id))),
        ("ts", times(0..4_000)),
        ("v", numbers(0..4_000)),
        ("unasked", numbers(0..4_000)),
    ])
}

fn destroy(path: &Path, which: impl Fn(usize, &ColumnChunkMetaData) -> bool) {
    let mut bytes = fs::read(path).unwrap();
    let metadata = footer(path);
    for (number, group) in metadata.row_groups().iter().enumerate() {
        for chunk in group.columns().iter().filter(|chunk| which(number, chunk)) {
            let (start, length) = chunk.byte_range();
            bytes[start as usize..(start + length) as usize].fill(0xFF);
        }
    }
    fs::write(path, bytes).unwrap();
}

fn footer(path: &Path) -> ParquetMetaData {
    ParquetMetaDataReader::new()
        .parse_and_finish(&fs::File::open(path).unwrap())
        .unwrap()
}

#[tokio::test]
async fn columns_that_nobody_asked_for_are_not_read() {
    let repo = Repo::new().await;
    let path = repo.parquet("t.parquet", &log(), GROUP);
    destroy(&path, |_, chunk| chunk.column_path().string() == "unasked");
    let rows = repo
        .historical(
            repo.view("t.parquet", &[("v", Int64)]),
            &["v"],
            entities(&[7, 107], &[5_000; 2]),
        )
        .await
        .unwrap();
    assert_eq!(column(&rows, "v"), ["1907", "3907"]);
}

#[tokio::test]
async fn row_groups_outside_the_frames_times_are_not_read() {
    let repo = Repo::new().await;
    let path = repo.parquet("t.parquet", &log(), GROUP);
    destroy(&path, |group, _| group != 1);
    let view = repo
        .view("t.parquet", &[("v", Int64)])
        .with_ttl(std::time::Duration::from_secs(500));
    let rows = repo
        .historical(view, &["v"], entities(&[7, 8], &[1_600, 1_900]))
        .await
        .unwrap();
    assert_eq!(column(&rows, "v"), ["1507", "1808"]);
}

#[tokio::test]
async fn row_groups_without_the_frames_keys_are_not_read() {
    let repo = Repo::new().await;
    let path = repo.parquet("t.parquet", &log(), GROUP);
    destroy(&path, |group, _| group < 2);
    let rows = repo
        .historical(
            repo.view("t.parquet", &[("v", Int64)]),
            &["v"],
            entities(&[150], &[5_000]),
        )
        .await
        .unwrap();
    assert_eq!(column(&rows, "v"), ["3950"]);
}

#[tokio::test]
async fn a_bloom_filter_spares_what_ranges_do_not() {
    let repo = Repo::new().await;
    let even = |first: i64| {
        batch(vec![
            ("id", numbers((0..1_000).map(|n| n * 2))),
            ("ts", times(first..first + 1_000)),
            ("v", numbers(first..first + 1_000)),
        ])
    };
    let path = repo.parquet("t/even.parquet", &even(0), GROUP);
    let odd = batch(vec![
        ("id", numbers((0..1_000).map(|n| n * 2 + 1))),
        ("ts", times(0..1_000)),
        ("v", numbers(5_000..6_000)),
    ]);
    repo.parquet("t/odd.parquet", &odd, GROUP);
    destroy(&path, |_, _| true);
    let rows = repo
        .historical(repo.view("t", &[("v", Int64)]), &["v"], entities(&[501], &[5_000]))
        .await
        .unwrap();
    assert_eq!(column(&rows, "v"), ["5250"]);
}

#[tokio::test]
async fn a_bloom_filter_is_not_asked_for_times_that_are_stored_in_another_unit() {
    let stored = |unit: &DataType, cast_first: &DataType| {
        let at = cast(&times([1_000, 86_400, 3 * 86_400]), cast_first).unwrap();
        cast(&at, unit).unwrap()
    };
    let millis = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let nanos = DataType::Timestamp(TimeUnit::Nanosecond, None);
    for unit in [millis, nanos, DataType::Date64, DataType::Date32] {
        let repo = Repo::new().await;
        let key = stored(&unit, &DataType::Timestamp(TimeUnit::Microsecond, None));
        let rows = batch(vec![("at", key), ("ts", times([1, 1, 1])), ("v", numbers([1, 2, 3]))]);
        repo.parquet("t.parquet", &rows, GROUP);
        let view = repo.view("t.parquet", &[("v", Int64)]).with_entities(["at"]);
        let entity = hybrid_core::Entity::new("at");
        let asked = batch(vec![("at", times([86_400])), ("event_timestamp", times([100]))]);
        let job = repo.job_of(entity, view, &["v"], asked).await.unwrap();
        let rows = job.to_arrow().await.unwrap();
        assert_eq!(column(&rows[0], "v"), ["2"], "{unit}");
    }
}

#[tokio::test]
async fn pulls_read_their_window_alone() {
    use hybrid_core::chrono::DateTime;
    let repo = Repo::new().await;
    let path = repo.parquet("t.parquet", &log(), GROUP);
    destroy(&path, |group, _| group != 2);
    let pull = hybrid_core::Pull {
        source: repo.view("t.parquet", &[]).source,
        join_keys: vec![("id".to_owned(), None)],
        features: vec![("v".to_owned(), Some(Int64))],
    };
    let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
    let rows = repo
        .store
        .pull_latest_from_table_or_query(&pull, at(2_000), at(2_999), &Default::default())
        .await
        .unwrap();
    let rows: usize = rows.collect().await.unwrap().iter().map(RecordBatch::num_rows).sum();
    assert_eq!(rows, 100);
    let rows = repo
        .store
        .pull_all_from_table_or_query(&pull, Some(at(2_000)), Some(at(2_999)), &Default::default())
        .await
        .unwrap();
    let rows: usize = rows.collect().await.unwrap().iter().map(RecordBatch::num_rows).sum();
    assert_eq!(rows, 1_000);
}

#[tokio::test]
async fn pages_outside_the_frames_times_are_passed_over() {
    let repo = Repo::new().await;
    repo.parquet("t.parquet", &log(), GROUP);
    let view = repo
        .view("t.parquet", &[("v", Int64)])
        .with_ttl(std::time::Duration::from_secs(100));
    let job = repo.job(view.clone(), &["v"], entities(&[7], &[1_110])).await.unwrap();
    let plan = job.explain().await.unwrap();
    assert!(
        plan.contains("row groups: 1 of 4, 1 of them in part; rows: 250 of 4000"),
        "{plan}"
    );
    let rows = repo.historical(view, &["v"], entities(&[7], &[1_110])).await.unwrap();
    assert_eq!(column(&rows, "v"), ["1107"]);
}

#[tokio::test]
async fn pages_are_passed_over_where_another_column_has_no_index() {
    let repo = Repo::new().await;
    repo.parquet_with("t.parquet", &log(), GROUP, |properties| {
        properties.set_column_statistics_enabled("unasked".into(), EnabledStatistics::None)
    });
    let view = repo.view("t.parquet", &[("v", Int64)]);
    let view = view.with_ttl(std::time::Duration::from_secs(100));
    let job = repo.job(view.clone(), &["v"], entities(&[7], &[1_110])).await.unwrap();
    let plan = job.explain().await.unwrap();
    assert!(plan.contains("rows: 250 of 4000"), "{plan}");
    let rows = repo.historical(view, &["v"], entities(&[7], &[1_110])).await.unwrap();
    assert_eq!(column(&rows, "v"), ["1107"]);
}

#[tokio::test]
async fn what_matters_and_is_destroyed_is_an_error_that_names_the_file() {
    let repo = Repo::new().await;
    let path = repo.parquet("t.parquet", &log(), GROUP);
    destroy(&path, |group, _| group == 1);
    let error = repo
        .historical(
            repo.view("t.parquet", &[("v", Int64)]),
            &["v"],
            entities(&[7], &[5_000]),
        )
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains("t.parquet"), "{error}");
}
