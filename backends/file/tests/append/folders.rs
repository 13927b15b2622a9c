//! Folders: each write is a file of its own.

use hybrid_core::{BatchStream, ErrorKind};
use hybrid_store_file::FileSource;

use super::repo::{Repo, leftovers, rows, texts, with};

#[tokio::test]
async fn a_new_file_stands_after_the_old_ones() {
    let repo = Repo::new().await;
    repo.parquet("log/part-0.parquet", &rows(&[1], &[Some("old")]));
    for (key, value) in [(2, "b"), (3, "c"), (4, "d")] {
        assert_eq!(repo.append("log", &rows(&[key], &[Some(value)])).await.unwrap(), 1);
    }
    assert_eq!(repo.read("log", &["k", "v"]).await, ["1 old", "2 b", "3 c", "4 d"]);
    let names = repo.names("log");
    assert_eq!(names.len(), 4);
    assert_eq!(names[0], "part-0.parquet");
}

#[tokio::test]
async fn a_clock_that_was_set_back_does_not_change_the_order() {
    let repo = Repo::new().await;
    let future = "log/zz-append-00009999999999999999-0000000000000000.parquet";
    repo.parquet(future, &rows(&[1], &[Some("first")]));
    repo.append("log", &rows(&[2], &[Some("second")])).await.unwrap();
    assert_eq!(repo.read("log", &["v"]).await, ["first", "second"]);
}

#[tokio::test]
async fn a_folder_and_those_above_it_are_made() {
    let repo = Repo::new().await;
    repo.create("a/b/log/", &rows(&[1, 2], &[Some("x"), None]))
        .await
        .unwrap();
    assert_eq!(repo.read("a/b/log", &["k", "v"]).await, ["1 x", "2 "]);
    repo.create("plain", &rows(&[1], &[Some("x")])).await.unwrap();
    assert!(repo.path("plain").is_dir());
}

#[tokio::test]
async fn a_glob_of_one_folder_is_that_folder() {
    let repo = Repo::new().await;
    repo.create("log/*.csv", &rows(&[1], &[Some("x")])).await.unwrap();
    repo.append("log/*.csv", &rows(&[2], &[None])).await.unwrap();
    assert_eq!(repo.read("log/*.csv", &["k", "v"]).await, ["1 x", "2 "]);
    let declared = FileSource::new("raw/*.data").with_file_format("parquet");
    repo.create_as(declared, &rows(&[1], &[Some("x")])).await.unwrap();
    assert!(repo.names("raw")[0].ends_with(".data"));
}

#[tokio::test]
async fn other_globs_are_refused() {
    let repo = Repo::new().await;
    repo.parquet("log/a/x.parquet", &rows(&[1], &[Some("old")]));
    for glob in [
        "log/*/x.parquet",
        "log/**/*.parquet",
        "log/*/*.parquet",
        "log/a/x*.parquet",
        "log/a/*",
    ] {
        let error = repo.append(glob, &rows(&[2], &[None])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{glob}: {error}");
        assert!(error.to_string().contains("DIR/*.parquet"), "{error}");
    }
    assert_eq!(repo.names("log/a"), ["x.parquet"]);
}

#[tokio::test]
async fn a_csv_folder_gets_csv() {
    let repo = Repo::new().await;
    repo.text("log/a.csv", "v,k,ts\nold,1,1970-01-01T00:00:01Z\n");
    repo.append("log", &rows(&[2], &[Some("new, \"quoted\"\nline")]))
        .await
        .unwrap();
    assert_eq!(
        repo.read("log", &["k", "v"]).await,
        ["1 old", "2 new, \"quoted\"\nline"]
    );
    let new = std::fs::read_to_string(repo.path("log").join(&repo.names("log")[1])).unwrap();
    assert!(new.starts_with("v,k,ts\n"), "{new}");
}

#[tokio::test]
async fn rows_go_into_the_folder_of_their_partition() {
    let repo = Repo::new().await;
    repo.parquet("log/year=2024/month=05/x.parquet", &rows(&[1], &[Some("old")]));
    let parts = |year: i64, month: i64| {
        with(
            &[2, 3],
            [
                ("year", super::repo::numbers(&[year; 2])),
                ("month", super::repo::numbers(&[month; 2])),
            ],
        )
    };
    repo.append("log", &parts(2024, 5)).await.unwrap();
    repo.append("log", &parts(2025, 12)).await.unwrap();
    assert_eq!(repo.names("log"), ["year=2024", "year=2025"]);
    assert_eq!(repo.names("log/year=2024"), ["month=05"]);
    assert_eq!(repo.names("log/year=2024/month=05").len(), 2);
    assert_eq!(repo.names("log/year=2025"), ["month=12"]);
    let found = repo.read("log", &["k", "v", "year", "month"]).await;
    assert_eq!(
        found,
        ["1 old 2024 5", "2  2024 5", "3  2024 5", "2  2025 12", "3  2025 12"]
    );
    let file = repo
        .path("log/year=2025/month=12")
        .join(&repo.names("log/year=2025/month=12")[0]);
    let file = parquet::file::reader::SerializedFileReader::new(std::fs::File::open(file).unwrap()).unwrap();
    let columns = parquet::file::reader::FileReader::metadata(&file)
        .file_metadata()
        .schema_descr()
        .num_columns();
    assert_eq!(columns, 3, "partition columns are not stored");
}

#[tokio::test]
async fn rows_of_several_partitions_are_refused() {
    let repo = Repo::new().await;
    repo.parquet("log/day=a b/x.parquet", &rows(&[1], &[Some("old")]));
    let several = with(&[2, 3], [("day", texts(&["a b", "c/d"]))]);
    let error = repo.append("log", &several).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("`day`"), "{error}");
    let halves = vec![several.slice(0, 1), several.slice(1, 1)];
    let stream = BatchStream::from_batches(several.schema(), halves);
    repo.stream(FileSource::new("log"), stream).await.unwrap_err();
    assert_eq!(repo.names("log"), ["day=a b"]);
    repo.append("log", &several.slice(1, 1)).await.unwrap();
    assert_eq!(repo.read("log", &["k", "day"]).await, ["1 a b", "3 c/d"]);
    let error = repo.append("log", &rows(&[2], &[None])).await.unwrap_err();
    assert!(error.to_string().contains("column `day` is missing"), "{error}");
    assert!(leftovers(&repo.path("log")).is_empty());
}

#[tokio::test]
async fn no_rows_leave_no_trace() {
    let repo = Repo::new().await;
    let none = rows(&[], &[]);
    for path in ["new", "new.parquet", "new.csv", "deep/new/"] {
        assert_eq!(repo.create(path, &none).await.unwrap(), 0);
    }
    assert!(repo.names(".").is_empty());
    let error = repo.append("new", &with(&[], [("k2", texts(&[]))])).await.unwrap_err();
    assert!(error.to_string().contains("`k2`"), "{error}");
}

#[tokio::test]
async fn a_table_of_another_format_is_refused() {
    let repo = Repo::new().await;
    repo.text("delta/_delta_log/0.json", "{}");
    for path in ["delta", "delta/*.parquet"] {
        let error = repo.append(path, &rows(&[1], &[None])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
}
