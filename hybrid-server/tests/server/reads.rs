use arrow_flight::{Criteria, Empty, FlightDescriptor};
use futures::TryStreamExt;
use hybrid_core::arrow::array::{Array, AsArray};
use hybrid_core::arrow::datatypes::Float64Type;
use serde_json::json;
use tonic::Code;

use crate::support::{DAY, HOUR, Repo, exchange, frame, historical, no_rows, pull, put, read};

#[tokio::test]
async fn both_generations_of_clients_get_the_same_rows() {
    let repo = Repo::new().await;
    let server = repo.serve().await;
    let mut client = server.client().await;
    let entities = || frame(&[3, 3, 99, 3], &[DAY + HOUR, DAY + 5 * HOUR + 1, DAY, DAY - 1]);
    let newer = exchange(&mut client, &historical(), entities()).await.unwrap();
    let values: Vec<Option<f64>> = newer["value"].as_primitive::<Float64Type>().iter().collect();
    assert_eq!(values, [Some(301.0), Some(305.0), None, None]);
    assert_eq!(&newer["driver"], &entities()["driver"]);

    put(&mut client, &historical(), entities()).await.unwrap();
    let descriptor = FlightDescriptor::new_cmd(historical().to_string());
    let info = client.get_flight_info(descriptor.clone()).await.unwrap().into_inner();
    let listed: Vec<_> = client
        .list_flights(Criteria::default())
        .await
        .unwrap()
        .into_inner()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(listed, std::slice::from_ref(&info));
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    let answer = client.do_get(ticket.clone()).await.unwrap().into_inner();
    assert_eq!(read(answer.map_err(Into::into)).await.unwrap(), newer);
    // A ticket is good once.
    assert_eq!(client.do_get(ticket).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(
        client.get_flight_info(descriptor).await.unwrap_err().code(),
        Code::NotFound
    );
    server
        .counted("hybrid_calls_running{api=\"get_historical_features\"} 0")
        .await;
    server
        .counted("hybrid_rows_total{api=\"get_historical_features\"} 8")
        .await;
}

#[tokio::test]
async fn no_rows_still_have_columns() {
    let repo = Repo::new().await;
    let server = repo.serve().await;
    let none = exchange(&mut server.client().await, &historical(), frame(&[], &[]))
        .await
        .unwrap();
    let names: Vec<_> = none
        .schema_ref()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    assert_eq!(
        (none.num_rows(), names),
        (
            0,
            vec!["driver".to_owned(), "event_timestamp".to_owned(), "value".to_owned()]
        )
    );
}

#[tokio::test]
async fn a_window_stands_for_the_frame() {
    let repo = Repo::new().await;
    let server = repo.serve().await;
    let mut command = historical();
    command["start_date"] = json!("2026-01-01T00:00:00");
    command["end_date"] = json!("2026-01-01T02:30:00+00:00");
    let found = exchange(&mut server.client().await, &command, no_rows()).await.unwrap();
    let values: Vec<f64> = found["value"].as_primitive::<Float64Type>().values().to_vec();
    assert_eq!(
        values,
        [2.0, 102.0, 202.0, 302.0, 402.0, 502.0, 602.0, 702.0, 802.0, 902.0]
    );
    command["start_date"].take();
    assert_eq!(
        exchange(&mut server.client().await, &command, no_rows()).await.unwrap(),
        found
    );
}

#[tokio::test]
async fn pulls_have_open_windows() {
    let repo = Repo::new().await;
    let server = repo.serve().await;
    let mut client = server.client().await;
    let all = pull("pull_all_from_table_or_query", None, None);
    assert_eq!(exchange(&mut client, &all, no_rows()).await.unwrap().num_rows(), 240);
    let late = pull("pull_all_from_table_or_query", Some("2026-01-01T23:00:00"), None);
    assert_eq!(exchange(&mut client, &late, no_rows()).await.unwrap().num_rows(), 10);
    let latest = pull(
        "pull_latest_from_table_or_query",
        Some("2026-01-01T00:00:00"),
        Some("2026-01-01T04:00:00Z"),
    );
    let latest = exchange(&mut client, &latest, no_rows()).await.unwrap();
    let mut values: Vec<f64> = latest["value"].as_primitive::<Float64Type>().values().to_vec();
    values.sort_by(f64::total_cmp);
    assert_eq!(
        values,
        [4.0, 104.0, 204.0, 304.0, 404.0, 504.0, 604.0, 704.0, 804.0, 904.0]
    );
    let names: Vec<_> = latest
        .schema_ref()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    assert_eq!(names, ["driver", "value", "event_timestamp"]);
}

#[tokio::test]
async fn a_pull_without_keys_has_feasts_dummy() {
    let repo = Repo::new().await;
    let server = repo.serve().await;
    let mut command = pull("pull_all_from_table_or_query", None, None);
    command["join_key_columns"] = json!([]);
    let found = exchange(&mut server.client().await, &command, no_rows()).await.unwrap();
    assert!(
        found["__dummy_id"]
            .as_string::<i32>()
            .iter()
            .all(|text| text == Some(""))
    );
    assert_eq!(found["__dummy_id"].null_count(), 0);
}

#[tokio::test]
async fn columns_of_a_source_that_need_not_be_registered() {
    let repo = Repo::new().await;
    let server = repo.serve().await;
    let source = json!({
        "type": "BATCH_FILE", "timestampField": "event_timestamp", "fileOptions": {"uri": "stats.parquet"},
        "name": "another", "meta": {"createdTimestamp": "2026-01-01T00:00:00Z"}, "fieldMapping": {"a": "b"},
    });
    let command = json!({
        "command_id": "1", "api": "get_table_column_names_and_types_from_data_source",
        "data_source_proto": source.to_string(),
    });
    let found = exchange(&mut server.client().await, &command, no_rows()).await.unwrap();
    let text = |name: &str| -> Vec<_> { found[name].as_string::<i32>().iter().map(Option::unwrap).collect() };
    assert_eq!(text("name"), ["driver", "event_timestamp", "value"]);
    assert_eq!(text("type"), ["int64", "timestamp[us, tz=UTC]", "double"]);
}

#[tokio::test]
async fn actions_are_listed_and_other_calls_refused() {
    let repo = Repo::new().await;
    let server = repo.serve().await;
    let mut client = server.client().await;
    let actions: Vec<_> = client
        .list_actions(Empty {})
        .await
        .unwrap()
        .into_inner()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(actions.len(), 3);
    let refused = client.get_schema(FlightDescriptor::new_cmd("{}")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
}
