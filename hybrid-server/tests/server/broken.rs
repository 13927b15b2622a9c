use std::time::Duration;

use arrow_flight::{FlightData, FlightDescriptor};
use hybrid_core::arrow::array::RecordBatch;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

use crate::support::{DAY, Repo, Running, exchange, frame, historical, no_rows, pull};

async fn still_serves(server: &Running) {
    let found = exchange(&mut server.client().await, &historical(), frame(&[3], &[DAY]))
        .await
        .unwrap();
    assert_eq!(found.num_rows(), 1);
}

#[tokio::test]
async fn errors_are_feasts_own_where_it_has_them() {
    let repo = Repo::new().await;
    let server = repo.serve().await;
    let mut client = server.client().await;
    let mut unknown = historical();
    unknown["feature_view_names"] = json!(["stat"]);
    unknown["feature_refs"] = json!(["stat:value"]);
    let mut source = pull("pull_all_from_table_or_query", None, None);
    source["data_source_name"] = json!("nothing");
    let frame = || frame(&[3], &[DAY]);
    for (command, rows, class) in [
        (unknown, frame(), "FeatureViewNotFoundException"),
        (source, no_rows(), "DataSourceObjectNotFoundException"),
    ] {
        let told = exchange(&mut client, &command, rows).await.unwrap_err();
        let detail = told.message().strip_prefix("Flight error: ").unwrap();
        let detail: serde_json::Value = serde_json::from_str(detail).unwrap();
        assert_eq!(
            (detail["module"].as_str(), detail["class"].as_str()),
            (Some("feast.errors"), Some(class))
        );
    }
    let mut feature = historical();
    feature["feature_refs"] = json!(["stats:valeu"]);
    let told = exchange(&mut client, &feature, frame()).await.unwrap_err();
    assert_eq!(told.code(), Code::NotFound);
    assert!(told.message().contains("did you mean `value`"), "{told}");
}

#[tokio::test]
async fn what_is_no_call_is_an_error_and_the_server_goes_on() {
    let repo = Repo::new().await;
    let server = repo.serve().await;
    let mut client = server.client().await;
    for command in ["", "[1]", "{\"api\": \"drop\"}"] {
        let message = FlightData::new().with_descriptor(FlightDescriptor::new_cmd(command.as_bytes().to_vec()));
        let refused = client.do_exchange(futures::stream::iter([message])).await.unwrap_err();
        assert!(
            matches!(refused.code(), Code::InvalidArgument | Code::Unimplemented),
            "{refused}"
        );
    }
    let path = FlightData::new().with_descriptor(FlightDescriptor::new_path(vec!["a".to_owned()]));
    assert!(client.do_put(futures::stream::iter([path])).await.is_err());
    assert!(client.do_put(futures::stream::iter([])).await.is_err());
    let mut broken = crate::support::body(&historical(), frame(&[3], &[DAY])).await;
    broken[1].data_body = broken[1].data_body.slice(..8);
    let refused = client.do_exchange(futures::stream::iter(broken)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    still_serves(&server).await;
}

#[tokio::test]
async fn garbage_on_the_socket_is_one_connections_end() {
    let repo = Repo::new().await;
    let server = repo.serve().await;
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0xff; 1000],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\xff\x09\x09",
    ] {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        socket.write_all(garbage).await.unwrap();
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(Duration::from_millis(300), socket.read_to_end(&mut answer)).await;
    }
    still_serves(&server).await;
}

#[tokio::test]
async fn a_client_that_stops_reading_gives_its_place_back() {
    let repo = Repo::new().await;
    let server = repo.serve().await;
    let mut client = server.client().await;
    let many: RecordBatch = frame(&vec![3; 3_000_000], &vec![DAY; 3_000_000]);
    let sent = crate::support::body(&historical(), many).await;
    let mut config_client = client.clone().max_encoding_message_size(1 << 30);
    let answer = config_client.do_exchange(futures::stream::iter(sent)).await.unwrap();
    server
        .counted("hybrid_calls_running{api=\"get_historical_features\"} 1")
        .await;
    drop(answer);
    server
        .counted("hybrid_calls_total{api=\"get_historical_features\",outcome=\"given_up\"} 1")
        .await;
    assert!(exchange(&mut client, &historical(), frame(&[3], &[DAY])).await.is_ok());
}
