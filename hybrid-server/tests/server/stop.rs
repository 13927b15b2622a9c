use std::time::Duration;

use arrow_flight::error::FlightError;
use futures::TryStreamExt;
use hybrid_server::ServerConfig;

use crate::support::{DAY, Repo, frame, historical, read};

#[tokio::test]
async fn a_stopped_server_ends_what_runs_and_takes_no_more() {
    let repo = Repo::new().await;
    let server = repo.serve().await;
    let mut client = server.client().await.max_encoding_message_size(1 << 30);
    // More than is on its way at any time.
    let rows = 2_000_000;
    let sent = crate::support::body(&historical(), frame(&vec![3; rows], &vec![DAY; rows])).await;
    let answer = client.do_exchange(futures::stream::iter(sent)).await.unwrap();
    let address = server.address;
    server.stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    let found = read(answer.into_inner().map_err(FlightError::from)).await.unwrap();
    assert_eq!(found.num_rows(), rows);
    drop(client);
    tokio::time::timeout(Duration::from_secs(10), server.served)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn what_does_not_end_in_time_is_ended() {
    let repo = Repo::new().await;
    let config = ServerConfig {
        grace: Duration::from_millis(100),
        ..ServerConfig::default()
    };
    let server = repo.serve_with(config).await;
    let mut client = server.client().await;
    let sent = crate::support::body(&historical(), frame(&[3], &[DAY])).await;
    let endless = futures::StreamExt::chain(futures::stream::iter(sent), futures::stream::pending());
    let call = tokio::spawn(async move { client.do_exchange(endless).await.map(drop) });
    server
        .counted("hybrid_calls_running{api=\"get_historical_features\"} 1")
        .await;
    server.stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(10), server.served)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert!(call.await.unwrap().is_err());
}
