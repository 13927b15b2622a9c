use hybrid_core::arrow::array::{AsArray, Float64Array, RecordBatch};
use hybrid_core::arrow::datatypes::Float64Type;
use serde_json::{Value, json};
use std::sync::Arc;
use tonic::Code;

use crate::support::{DAY, HOUR, Repo, body, exchange, frame, historical, no_rows, pull, put};

fn write() -> Value {
    json!({
        "command_id": "1", "api": "offline_write_batch", "feature_view_names": ["stats"], "progress": null,
        "name_aliases": [null],
    })
}

fn new_row(value: f64) -> RecordBatch {
    let row = frame(&[3], &[DAY + 30 * HOUR]);
    let mut columns: Vec<_> = row
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .zip(row.columns().to_vec())
        .collect();
    columns.push(("value".to_owned(), Arc::new(Float64Array::from(vec![value]))));
    RecordBatch::try_from_iter(columns).unwrap()
}

#[tokio::test]
async fn what_was_written_is_there_when_the_call_ends() {
    let repo = Repo::new().await;
    let server = repo.serve().await;
    let mut client = server.client().await;
    put(&mut client, &write(), new_row(7.5)).await.unwrap();
    let found = exchange(&mut client, &historical(), frame(&[3], &[DAY + 31 * HOUR]))
        .await
        .unwrap();
    assert_eq!(found["value"].as_primitive::<Float64Type>().value(0), 7.5);
    let wrong = put(&mut client, &write(), frame(&[3], &[DAY])).await.unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);
    assert!(wrong.message().contains("value"), "{wrong}");
}

#[tokio::test]
async fn a_client_that_dies_in_a_write_leaves_nothing() {
    let repo = Repo::new().await;
    let server = repo.serve().await;
    let mut client = server.client().await;
    let sent = body(&write(), new_row(7.5)).await;
    // The rows come, and the end of them does not.
    let endless = futures::StreamExt::chain(futures::stream::iter(sent), futures::stream::pending());
    let call = tokio::spawn(async move { client.do_put(endless).await.map(drop) });
    server
        .counted("hybrid_calls_running{api=\"offline_write_batch\"} 1")
        .await;
    call.abort();
    server
        .counted("hybrid_calls_running{api=\"offline_write_batch\"} 0")
        .await;
    let all = pull("pull_all_from_table_or_query", None, None);
    assert_eq!(
        exchange(&mut server.client().await, &all, no_rows())
            .await
            .unwrap()
            .num_rows(),
        240
    );
    let left: Vec<_> = std::fs::read_dir(repo.dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        left.iter().all(|name| !name.to_string_lossy().contains("tmp")),
        "{left:?}"
    );
}

#[tokio::test]
async fn results_are_kept_under_a_path_that_nobody_registered() {
    let repo = Repo::new().await;
    let server = repo.serve().await;
    let mut client = server.client().await;
    let mut command = historical();
    command["api"] = json!("persist");
    command["retrieve_func"] = json!("get_historical_features");
    command["allow_overwrite"] = json!(false);
    command["timeout"] = json!(null);
    for path in ["kept/one.parquet", "kept/folder"] {
        command["data_source_name"] = json!(path);
        put(&mut client, &command, frame(&[3, 4], &[DAY, DAY])).await.unwrap();
        let mut all = pull("pull_all_from_table_or_query", None, None);
        all["data_source_name"] = json!(path);
        assert_eq!(
            exchange(&mut client, &all, no_rows()).await.unwrap().num_rows(),
            2,
            "{path}"
        );
        let again = put(&mut client, &command, frame(&[3], &[DAY])).await.unwrap_err();
        assert!(again.message().contains("SavedDatasetLocationAlreadyExists"), "{again}");
        command["allow_overwrite"] = json!(true);
        put(&mut client, &command, frame(&[3], &[DAY])).await.unwrap();
        command["allow_overwrite"] = json!(false);
        assert_eq!(
            exchange(&mut client, &all, no_rows()).await.unwrap().num_rows(),
            1,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_pull_is_not_kept() {
    let repo = Repo::new().await;
    let server = repo.serve().await;
    let mut command = pull("persist", None, None);
    command["retrieve_func"] = json!("pull_all_from_table_or_query");
    command["allow_overwrite"] = json!(true);
    let refused = put(&mut server.client().await, &command, no_rows()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    let all = pull("pull_all_from_table_or_query", None, None);
    assert_eq!(
        exchange(&mut server.client().await, &all, no_rows())
            .await
            .unwrap()
            .num_rows(),
        240
    );
}
