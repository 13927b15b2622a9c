//! Sources and entity frames of text: what has no type of its own takes the declared one.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::DataType;
use hybrid_core::ValueType::{self, Int32, Int64, String as Text};
use hybrid_core::chrono::DateTime;
use hybrid_core::{
    BatchStream, Call, Entity, EntityFrame, ErrorKind, FeatureRegistry, FeatureSelection, Pull, Result,
    RetrievalOptions,
};
use support::{Repo, column};

const ZIPS: &str = "id,ts,v\n00123,1970-01-01T00:00:10Z,1\n123,1970-01-01T00:00:10Z,2\n";

/// A registry of one view, over `t.csv`, whose key is declared.
fn registry(repo: &Repo, key: ValueType) -> FeatureRegistry {
    let mut registry = FeatureRegistry::new("test");
    registry.entities.push(Entity::new("id").with_value_type(key));
    registry.feature_views.push(repo.view("t.csv", &[("v", Int64)]));
    registry
}

async fn all(rows: BatchStream) -> Result<RecordBatch> {
    let schema = rows.schema().clone();
    Ok(concat_batches(&schema, &rows.collect().await?)?)
}

async fn joined(repo: &Repo, key: ValueType, frame: Result<EntityFrame>) -> Result<RecordBatch> {
    let selection = FeatureSelection::references(["v:v"])?;
    let job = repo
        .store
        .get_historical_features(&registry(repo, key), frame?, &selection, RetrievalOptions::default())
        .await?;
    all(job.stream().await?).await
}

fn frame(repo: &Repo, text: &str) -> Result<EntityFrame> {
    repo.write("frame.csv", text);
    let path: PathBuf = repo.path("frame.csv");
    EntityFrame::from_path(path)
}

#[tokio::test]
async fn text_keys_that_look_like_numbers_stay_text_in_pulls() {
    let repo = Repo::new().await;
    repo.write("t.csv", ZIPS);
    let registry = registry(&repo, Text);
    let pull = Pull::of_view(&registry, &registry.feature_views[0]).unwrap();
    let (start, end) = (DateTime::UNIX_EPOCH, DateTime::from_timestamp(20, 0).unwrap());
    let call = Call::default();
    let latest = repo.store.pull_latest_from_table_or_query(&pull, start, end, &call);
    let every = repo.store.pull_all_from_table_or_query(&pull, None, None, &call);
    for rows in [latest.await.unwrap(), every.await.unwrap()] {
        let rows = all(rows).await.unwrap();
        assert_eq!(rows.column(0).data_type(), &DataType::Utf8);
        assert_eq!(column(&rows, "id"), ["00123", "123"]);
    }
}

#[tokio::test]
async fn a_key_that_is_not_of_the_declared_type_is_named() {
    let repo = Repo::new().await;
    repo.write("t.csv", "id,ts,v\nabc,1970-01-01T00:00:10Z,1\n");
    let registry = registry(&repo, Int64);
    let pull = Pull::of_view(&registry, &registry.feature_views[0]).unwrap();
    let (start, end) = (DateTime::UNIX_EPOCH, DateTime::from_timestamp(20, 0).unwrap());
    let rows = repo
        .store
        .pull_latest_from_table_or_query(&pull, start, end, &Call::default())
        .await;
    let error = match rows {
        Ok(rows) => all(rows).await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    for part in ["`id`", "line 2", "`abc`", "Int64"] {
        assert!(error.to_string().contains(part), "{part} in {error}");
    }
}

#[tokio::test]
async fn text_keys_without_a_frame() {
    let repo = Repo::new().await;
    repo.write("t.csv", ZIPS);
    let between = EntityFrame::Between(DateTime::UNIX_EPOCH, DateTime::from_timestamp(20, 0).unwrap());
    let rows = joined(&repo, Text, Ok(between)).await.unwrap();
    assert_eq!(
        (column(&rows, "id"), column(&rows, "v")),
        (vec!["00123".into(), "123".into()], vec!["1".into(), "2".to_owned()])
    );
}

#[tokio::test]
async fn undeclared_keys_with_leading_zeros_are_text() {
    let repo = Repo::new().await;
    repo.write("t.csv", ZIPS);
    let source = registry(&repo, Text).feature_views[0].source.clone();
    let schema = repo.store.source_schema(&source).await.unwrap();
    assert_eq!(schema.field_with_name("id").unwrap().data_type(), &DataType::Utf8);
    assert_eq!(schema.field_with_name("v").unwrap().data_type(), &DataType::Int64);
}

#[tokio::test]
async fn a_frame_of_digits_joins_keys_of_text() {
    let repo = Repo::new().await;
    repo.write("t.csv", ZIPS);
    let text = "id,event_timestamp,plu\n123,1970-01-01T00:00:20Z,0042\n123,1970-01-01T00:00:05Z,7\n";
    let rows = joined(&repo, Text, frame(&repo, text)).await.unwrap();
    assert_eq!(column(&rows, "id"), ["123", "123"]);
    assert_eq!(column(&rows, "plu"), ["0042", "7"]);
    assert_eq!(column(&rows, "v"), ["2", "-"]);
}

#[tokio::test]
async fn a_frame_with_padded_numbers_joins_keys_of_numbers() {
    let repo = Repo::new().await;
    repo.write("t.csv", "id,ts,v\n7,1970-01-01T00:00:10Z,1\n");
    let rows = joined(
        &repo,
        Int32,
        frame(&repo, "id,event_timestamp\n007,1970-01-01T00:00:20Z\n"),
    )
    .await
    .unwrap();
    assert_eq!(
        (rows.column(0).data_type(), column(&rows, "v")),
        (&DataType::Int32, vec!["1".to_owned()])
    );
}

#[tokio::test]
async fn a_frame_of_a_header_alone_gives_the_schema() {
    let repo = Repo::new().await;
    repo.write("t.csv", ZIPS);
    let rows = joined(&repo, Int64, frame(&repo, "id,event_timestamp\n"))
        .await
        .unwrap();
    assert_eq!(rows.num_rows(), 0);
    let types: Vec<&DataType> = rows.columns().iter().map(|column| column.data_type()).collect();
    assert_eq!(types, [&DataType::Int64, &DataType::Utf8, &DataType::Int64]);
}

#[tokio::test]
async fn a_row_without_a_time_is_named_once_counted_from_one() {
    let repo = Repo::new().await;
    repo.write("t.csv", ZIPS);
    for (cell, says) in [
        (
            "soon",
            "entity frame: column `event_timestamp`, row 40001: `soon` is no time",
        ),
        ("", "entity frame: column `event_timestamp` is NULL in row 40001"),
    ] {
        let text = "id,event_timestamp\n".to_owned() + &"1,1970-01-01T00:00:20Z\n".repeat(40_000) + "1," + cell + "\n";
        let error = joined(&repo, Int64, frame(&repo, &text)).await.unwrap_err();
        assert_eq!(error.message(), says);
        assert_eq!(
            error.to_string().matches("row").count() - error.to_string().matches("every entity row").count(),
            1,
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_empty_frame_says_so() {
    let repo = Repo::new().await;
    let error = frame(&repo, "").err().unwrap();
    assert!(error.message().ends_with("frame.csv` is empty"), "{error}");
}
