//! What a source's path may be: one file, a folder, hive partitions, a glob; and what it may not.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::{Arc, Mutex};

use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use hybrid_core::ValueType::{Float64, Int64, String as Text};
use hybrid_core::{Entity, EntityFrame, ErrorKind, FeatureRegistry, FeatureSelection, Progress, RetrievalOptions};
use support::{Repo, batch, column, entities, floats, numbers, texts, times};

fn stats(ids: &[i64], seconds: &[i64], values: &[i64]) -> arrow::array::RecordBatch {
    let (ids, seconds, values) = (ids.iter().copied(), seconds.iter().copied(), values.iter().copied());
    batch(vec![
        ("id", numbers(ids)),
        ("ts", times(seconds)),
        ("v", numbers(values)),
    ])
}

#[tokio::test]
async fn a_folder_is_all_its_files_and_the_later_file_decides_ties() {
    let repo = Repo::new().await;
    repo.parquet("t/b.parquet", &stats(&[1, 2], &[10, 10], &[20, 21]), 100);
    repo.parquet("t/a.parquet", &stats(&[1, 3], &[10, 10], &[10, 11]), 100);
    repo.parquet("t/deep/c.parquet", &stats(&[4], &[10], &[40]), 100);
    repo.write("t/_SUCCESS", "");
    repo.write("t/.hidden.parquet", "not Parquet");
    repo.write("t/_temporary/half.parquet", "not Parquet");
    repo.write("t/README.md", "what this is");
    let rows = repo
        .historical(
            repo.view("t", &[("v", Int64)]),
            &["v"],
            entities(&[1, 2, 3, 4], &[20; 4]),
        )
        .await
        .unwrap();
    assert_eq!(column(&rows, "v"), ["20", "21", "11", "40"]);
}

#[tokio::test]
async fn hive_partitions_are_columns() {
    let repo = Repo::new().await;
    let part = |id, value| {
        batch(vec![
            ("ts", times([10])),
            ("v", numbers([value])),
            ("other", numbers([id])),
        ])
    };
    repo.parquet("t/id=1/city=S%C3%A3o Paulo/x.parquet", &part(1, 10), 100);
    repo.parquet("t/id=2/city=__HIVE_DEFAULT_PARTITION__/x.parquet", &part(2, 20), 100);
    let view = repo.view("t", &[("v", Int64), ("city", Text)]);
    let rows = repo
        .historical(view, &["v", "city"], entities(&[1, 2, 3], &[20; 3]))
        .await
        .unwrap();
    assert_eq!(column(&rows, "v"), ["10", "20", "-"]);
    assert_eq!(column(&rows, "city"), ["São Paulo", "-", "-"]);
}

#[tokio::test]
async fn a_partition_that_cannot_match_is_not_opened() {
    let repo = Repo::new().await;
    repo.parquet(
        "t/id=1/x.parquet",
        &batch(vec![("ts", times([10])), ("v", numbers([10]))]),
        100,
    );
    repo.parquet(
        "t/id=2/x.parquet",
        &batch(vec![("ts", times([10])), ("v", numbers([20]))]),
        100,
    );
    let job = repo
        .job(repo.view("t", &[("v", Int64)]), &["v"], entities(&[2], &[20]))
        .await
        .unwrap();
    let plan = job.explain().await.unwrap();
    assert!(plan.contains("files: 1 of 2"), "{plan}");
}

#[tokio::test]
async fn a_file_whose_folder_rules_it_out_may_be_no_file_at_all() {
    let repo = Repo::new().await;
    let rows = batch(vec![("ts", times([10])), ("v", numbers([20]))]);
    repo.parquet("t/id=2/x.parquet", &rows, 100);
    repo.write("t/id=1/x.parquet", "not Parquet");
    let view = repo.view("t", &[("v", Int64)]);
    let rows = repo.historical(view, &["v"], entities(&[2], &[20])).await.unwrap();
    assert_eq!(column(&rows, "v"), ["20"]);
}

#[tokio::test]
async fn a_column_that_only_a_ruled_out_file_has_is_known() {
    let repo = Repo::new().await;
    repo.parquet(
        "t/id=1/x.parquet",
        &batch(vec![("ts", times([10])), ("v", numbers([10]))]),
        100,
    );
    repo.parquet("t/id=2/x.parquet", &batch(vec![("ts", times([10]))]), 100);
    let view = repo.view("t", &[("v", Int64)]);
    let rows = repo.historical(view, &["v"], entities(&[2], &[20])).await.unwrap();
    assert_eq!(column(&rows, "v"), ["-"]);
}

/// Runs itself again in a shell that lets it have few open files.
#[cfg(unix)]
#[tokio::test]
async fn a_source_may_have_more_files_than_a_process_may_open() {
    const CHILD: &str = "HYBRID_TEST_FEW_FILES";
    if std::env::var_os(CHILD).is_none() {
        let itself = std::env::current_exe().unwrap();
        let run = "ulimit -n 64 && exec \"$0\" --exact a_source_may_have_more_files_than_a_process_may_open";
        let mut shell = std::process::Command::new("sh");
        let output = shell.args(["-c", run]).arg(itself).env(CHILD, "1").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let repo = Repo::new().await;
    for id in 0..150 {
        repo.parquet(&format!("t/{id:03}.parquet"), &stats(&[id], &[10], &[id]), 100);
    }
    let view = repo.view("t", &[("v", Int64)]);
    let rows = repo
        .historical(view, &["v"], entities(&[7, 149], &[20; 2]))
        .await
        .unwrap();
    assert_eq!(column(&rows, "v"), ["7", "149"]);
}

#[tokio::test]
async fn a_csv_header_with_spaces_names_columns_and_times_are_microseconds() {
    let repo = Repo::new().await;
    repo.write("t.csv", "id, ts , v,day\n1,1970-01-01T00:00:10,5,2024-05-01\n");
    let schema = repo.store.source_schema(&repo.view("t.csv", &[]).source).await.unwrap();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["id", "ts", "v", "day"]);
    assert_eq!(schema.field(1).data_type(), &hybrid_core::timestamp_type());
}

#[tokio::test]
async fn a_long_quoted_text_does_not_end_the_sample_of_a_csv() {
    let repo = Repo::new().await;
    let lines = "line\n".repeat(1 << 20);
    repo.write("t.csv", &format!("id,ts,v\n1,1970-01-01T00:00:10Z,\"{lines}\"\n"));
    let schema = repo.store.source_schema(&repo.view("t.csv", &[]).source).await.unwrap();
    assert_eq!(schema.field(2).data_type(), &DataType::Utf8);
}

#[tokio::test]
async fn a_column_that_an_earlier_file_lacks_is_nullable() {
    let repo = Repo::new().await;
    repo.parquet("t/a.parquet", &batch(vec![("id", numbers([1]))]), 100);
    let both = batch(vec![("id", numbers([1])), ("w", numbers([1]))]);
    let fields = both
        .schema()
        .fields()
        .iter()
        .map(|f| f.as_ref().clone().with_nullable(false))
        .collect::<Vec<_>>();
    let strict = arrow::datatypes::Schema::new(fields);
    let both = arrow::array::RecordBatch::try_new(strict.into(), both.columns().to_vec()).unwrap();
    repo.parquet("t/b.parquet", &both, 100);
    let schema = repo.store.source_schema(&repo.view("t", &[]).source).await.unwrap();
    assert!(schema.field_with_name("w").unwrap().is_nullable());
}

#[tokio::test]
async fn columns_that_parquet_has_no_type_for_are_what_they_were_written_from() {
    let repo = Repo::new().await;
    let seconds = DataType::Timestamp(TimeUnit::Second, Some("Europe/Berlin".into()));
    let types = [seconds, DataType::Date64, DataType::LargeUtf8];
    let columns = ["a", "b", "c"].into_iter().zip(&types);
    let columns = columns.map(|(name, to)| (name, cast(&times([86_400]), to).unwrap()));
    repo.parquet("t.parquet", &batch(columns.collect()), 100);
    let schema = repo
        .store
        .source_schema(&repo.view("t.parquet", &[]).source)
        .await
        .unwrap();
    let found: Vec<&DataType> = schema.fields().iter().map(|field| field.data_type()).collect();
    assert_eq!(found, types.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn all_views_of_a_call_count_as_one() {
    let repo = Repo::new().await;
    repo.parquet("a.parquet", &stats(&[1, 2, 3], &[10; 3], &[1, 2, 3]), 100);
    repo.parquet("b.parquet", &stats(&[1, 2], &[10; 2], &[1, 2]), 100);
    let mut registry = FeatureRegistry::new("test");
    registry.entities.push(Entity::new("id"));
    for name in ["a", "b"] {
        let mut view = repo.view(&format!("{name}.parquet"), &[("v", Int64)]);
        view.name = name.to_owned();
        registry.feature_views.push(view);
    }
    let selection = FeatureSelection::references(["a:v", "b:v"]).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let progress = {
        let seen = Arc::clone(&seen);
        Progress::new(move |rows, total| seen.lock().unwrap().push((rows, total)))
    };
    let options = RetrievalOptions::default()
        .with_progress(progress)
        .with_full_feature_names(true);
    let frame = entities(&[1, 2], &[20; 2]);
    let frame = EntityFrame::from_batches(frame.schema(), vec![frame]);
    let job = repo
        .store
        .get_historical_features(&registry, frame, &selection, options)
        .await
        .unwrap();
    job.to_arrow().await.unwrap();
    let seen = seen.lock().unwrap().clone();
    assert!(seen.ends_with(&[(3, Some(5)), (5, Some(5))]), "{seen:?}");
}

#[tokio::test]
async fn a_glob_is_the_files_that_match() {
    let repo = Repo::new().await;
    repo.parquet("t/2024-01.parquet", &stats(&[1], &[10], &[1]), 100);
    repo.parquet("t/2024-02.parquet", &stats(&[2], &[10], &[2]), 100);
    repo.parquet("t/2023-12.parquet", &stats(&[3], &[10], &[3]), 100);
    let view = repo.view("t/2024-*.parquet", &[("v", Int64)]);
    let rows = repo
        .historical(view, &["v"], entities(&[1, 2, 3], &[20; 3]))
        .await
        .unwrap();
    assert_eq!(column(&rows, "v"), ["1", "2", "-"]);
}

#[tokio::test]
async fn files_of_one_source_may_differ_in_order_width_and_columns() {
    let repo = Repo::new().await;
    repo.parquet(
        "t/a.parquet",
        &batch(vec![
            ("id", numbers([1])),
            ("ts", times([10])),
            ("v", floats([0.5])),
            ("w", numbers([7])),
        ]),
        100,
    );
    let narrow = Arc::new(arrow::array::Int16Array::from(vec![2]));
    repo.parquet(
        "t/b.parquet",
        &batch(vec![("v", floats([1.5])), ("ts", times([10])), ("id", narrow)]),
        100,
    );
    let view = repo.view("t", &[("v", Float64), ("w", Int64)]);
    let rows = repo
        .historical(view, &["v", "w"], entities(&[1, 2], &[20; 2]))
        .await
        .unwrap();
    assert_eq!(
        (column(&rows, "v"), column(&rows, "w")),
        (vec!["0.5".into(), "1.5".into()], vec!["7".into(), "-".to_owned()])
    );
}

#[tokio::test]
async fn csv_is_read_by_its_header() {
    let repo = Repo::new().await;
    repo.write("t.csv", "v,ts,id,name\n1.5,1970-01-01T00:00:10Z,1,\"a,b\"\n,1970-01-01 00:00:11,1,\n2.5,1970-01-01T02:00:10+02:00,2,x\n");
    let view = || repo.view("t.csv", &[("v", Float64), ("name", Text)]);
    let rows = repo
        .historical(view(), &["v", "name"], entities(&[1, 1, 2], &[10, 20, 10]))
        .await
        .unwrap();
    assert_eq!(
        (column(&rows, "v"), column(&rows, "name")),
        (
            vec!["1.5".into(), "-".into(), "2.5".to_owned()],
            vec!["a,b".into(), "-".into(), "x".to_owned()]
        )
    );
}

#[tokio::test]
async fn a_value_in_csv_that_does_not_fit_is_named_by_file_line_and_column() {
    let repo = Repo::new().await;
    repo.write(
        "t.csv",
        "id,ts,v\n1,1970-01-01T00:00:10Z,5\n2,1970-01-01T00:00:10Z,many\n",
    );
    let error = repo
        .historical(repo.view("t.csv", &[("v", Int64)]), &["v"], entities(&[2], &[20]))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    for part in ["t.csv", "line 3", "`v`", "many"] {
        assert!(error.to_string().contains(part), "{part} in {error}");
    }
}

#[tokio::test]
async fn what_is_no_table_of_files_is_refused_by_name() {
    let repo = Repo::new().await;
    repo.write("delta/_delta_log/00000000000000000000.json", "{}");
    repo.write("iceberg/metadata/v1.metadata.json", "{}");
    repo.parquet("delta/part.parquet", &stats(&[1], &[10], &[1]), 100);
    repo.parquet("iceberg/data/part.parquet", &stats(&[1], &[10], &[1]), 100);
    std::fs::create_dir(repo.path("empty")).unwrap();
    repo.parquet("mixed/a.parquet", &stats(&[1], &[10], &[1]), 100);
    repo.write("mixed/b.csv", "id,ts,v\n");
    repo.write("odd.txt", "id,ts,v\n");
    for (path, kind, text) in [
        ("delta", ErrorKind::Unsupported, "Delta"),
        ("iceberg", ErrorKind::Unsupported, "Iceberg"),
        ("empty", ErrorKind::NotFound, "empty"),
        ("missing.parquet", ErrorKind::NotFound, "missing.parquet"),
        ("none/*.parquet", ErrorKind::NotFound, "no file matches"),
        ("mixed", ErrorKind::Definition, "both Parquet and CSV"),
        ("odd.txt", ErrorKind::Definition, "file_format"),
        ("gopher://x/y", ErrorKind::Definition, "unknown scheme"),
    ] {
        let error = repo
            .historical(repo.view(path, &[("v", Int64)]), &["v"], entities(&[1], &[20]))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{path}: {error}");
        assert!(error.to_string().contains(text), "{path}: {error}");
    }
}

#[tokio::test]
async fn a_missing_column_is_named_with_the_nearest_and_all_there_are() {
    let repo = Repo::new().await;
    repo.parquet(
        "t.parquet",
        &batch(vec![
            ("id", numbers([1])),
            ("ts", times([10])),
            ("conv_rate", texts(&["x"])),
        ]),
        100,
    );
    let error = repo
        .historical(
            repo.view("t.parquet", &[("conv_rat", Text)]),
            &["conv_rat"],
            entities(&[1], &[20]),
        )
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.to_string().contains("did you mean `conv_rate`?") && error.to_string().contains("id, ts, conv_rate"),
        "{error}"
    );
}

#[tokio::test]
async fn a_time_that_is_a_bare_number_is_refused() {
    let repo = Repo::new().await;
    repo.parquet(
        "t.parquet",
        &batch(vec![("id", numbers([1])), ("ts", numbers([10])), ("v", numbers([1]))]),
        100,
    );
    let error = repo
        .historical(repo.view("t.parquet", &[("v", Int64)]), &["v"], entities(&[1], &[20]))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(
        error.to_string().contains("`ts`") && error.to_string().contains("Int64"),
        "{error}"
    );
}
