//! Rows that do not fit: one error with everything that is wrong, and nothing written.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use hybrid_core::ErrorKind;

use super::repo::{Repo, numbers, rows, stream_of, texts, times, with};

/// Every layout with a column `n`, an integer.
const PATHS: [&str; 4] = ["x.parquet", "x.csv", "log", "lines"];

async fn repo() -> Repo {
    let repo = Repo::new().await;
    let old = with(&[1], [("n", numbers(&[1]))]);
    for path in ["x.parquet", "log/x.parquet"] {
        repo.parquet(path, &old);
    }
    for path in ["x.csv", "lines/x.csv"] {
        repo.text(path, "k,ts,n\n1,1970-01-01T00:00:01Z,1\n");
    }
    repo
}

#[tokio::test]
async fn all_problems_are_one_error() {
    let repo = repo().await;
    let wrong =
        RecordBatch::try_from_iter([("n", texts(&["many"])), ("ts", times(&[2])), ("kk", numbers(&[2]))]).unwrap();
    for path in PATHS {
        let error = repo.append(path, &wrong).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{path}: {error}");
        let text = error.to_string();
        for word in [
            "`k` is missing",
            "`kk` is unknown (did you mean `k`?)",
            "`n` has type Utf8, the source has Int64",
        ] {
            assert!(text.contains(word), "{path}: {word}: {text}");
        }
        assert_eq!(repo.read(path, &["k", "n"]).await, ["1 1"]);
    }
}

#[tokio::test]
async fn columns_are_matched_by_name() {
    let repo = repo().await;
    let columns = [("n", numbers(&[2])), ("ts", times(&[2])), ("k", numbers(&[3]))];
    for path in PATHS {
        repo.append(path, &RecordBatch::try_from_iter(columns.clone()).unwrap())
            .await
            .unwrap();
        assert_eq!(repo.read(path, &["k", "n"]).await, ["1 1", "3 2"], "{path}");
    }
}

#[tokio::test]
async fn columns_that_take_no_null_must_be_given() {
    let repo = Repo::new().await;
    let schema = Schema::new(vec![
        Field::new("k", DataType::Int64, true),
        Field::new("ts", times(&[1]).data_type().clone(), true),
        Field::new("n", DataType::Int64, false),
    ]);
    let old = RecordBatch::try_new(Arc::new(schema), vec![numbers(&[1]), times(&[1]), numbers(&[1])]).unwrap();
    for path in ["x.parquet", "log/x.parquet"] {
        repo.parquet(path, &old);
    }
    let null: ArrayRef = Arc::new(Int64Array::from(vec![None]));
    for path in ["x.parquet", "log"] {
        let error = repo.append(path, &with(&[2], [])).await.unwrap_err();
        assert!(error.to_string().contains("column `n` is missing"), "{error}");
        let error = repo.append(path, &with(&[2], [("n", null.clone())])).await.unwrap_err();
        assert!(error.to_string().contains("NULL"), "{error}");
        assert_eq!(repo.read(path, &["n"]).await, ["1"]);
    }
}

#[tokio::test]
async fn a_column_of_an_older_file_is_known() {
    let repo = Repo::new().await;
    repo.parquet("log/a.parquet", &rows(&[1], &[Some("x")]));
    repo.parquet("log/b.parquet", &with(&[2], []));
    repo.append("log", &rows(&[3], &[Some("y")])).await.unwrap();
    assert_eq!(repo.read("log", &["k", "v"]).await, ["1 x", "2 ", "3 y"]);
}

#[tokio::test]
async fn a_type_of_the_newest_file_alone_refuses_nothing() {
    let repo = Repo::new().await;
    let small: ArrayRef = Arc::new(arrow::array::Int16Array::from(vec![1]));
    repo.parquet("log/a.parquet", &with(&[1], [("n", numbers(&[40_000]))]));
    repo.parquet("log/b.parquet", &with(&[2], [("n", small)]));
    repo.append("log", &with(&[3], [("n", numbers(&[50_000]))]))
        .await
        .unwrap();
    assert_eq!(repo.read("log", &["n"]).await, ["40000", "1", "50000"]);
}

#[tokio::test]
async fn a_column_given_twice_is_refused() {
    let repo = repo().await;
    let schema = Arc::new(Schema::new(vec![
        Field::new("k", DataType::Int64, true),
        Field::new("ts", times(&[1]).data_type().clone(), true),
        Field::new("k", DataType::Int64, true),
    ]));
    let twice = RecordBatch::try_new(schema, vec![numbers(&[1]), times(&[1]), numbers(&[1])]).unwrap();
    let error = repo.append("x.parquet", &twice).await.unwrap_err();
    assert!(error.to_string().contains("`k` is given twice"), "{error}");
}

#[tokio::test]
async fn csv_refuses_what_text_cannot_hold() {
    let repo = Repo::new().await;
    let bytes: ArrayRef = Arc::new(arrow::array::BinaryArray::from(vec![&b"x"[..]]));
    let lists: ArrayRef = Arc::new(arrow::array::ListArray::from_iter_primitive::<
        arrow::datatypes::Int64Type,
        _,
        _,
    >([Some([Some(1)])]));
    repo.text("x.csv", "k,ts,v\n");
    for column in [bytes, lists] {
        let error = repo.append("x.csv", &with(&[1], [("v", column)])).await.unwrap_err();
        assert!(error.to_string().contains("which text cannot hold"), "{error}");
    }
}

#[tokio::test]
async fn batches_must_be_as_their_stream_says() {
    let repo = repo().await;
    let rows = with(&[2], [("n", numbers(&[2]))]);
    let other = with(&[3], [("n", texts(&["x"]))]);
    let stream = stream_of(rows.schema(), vec![Ok(rows), Ok(other)]);
    let error = repo
        .stream(hybrid_store_file::FileSource::new("log"), stream)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert_eq!(repo.read("log", &["k"]).await, ["1"]);
}
