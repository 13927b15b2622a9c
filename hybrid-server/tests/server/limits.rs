use std::time::Duration;

use futures::future::try_join_all;
use hybrid_server::ServerConfig;
use serde_json::json;
use tonic::Code;

use crate::support::{DAY, Repo, exchange, frame, historical, no_rows, put};

#[tokio::test]
async fn a_message_over_the_limit_is_refused_with_the_limit() {
    let repo = Repo::new().await;
    let server = repo
        .serve_with(ServerConfig {
            message_size: 10_000,
            ..ServerConfig::default()
        })
        .await;
    let mut client = server.client().await;
    let large = frame(&vec![3; 10_000], &vec![DAY; 10_000]);
    let refused = exchange(&mut client, &historical(), large).await.unwrap_err();
    assert!(refused.message().contains("10000 bytes"), "{refused}");
    assert!(exchange(&mut client, &historical(), frame(&[3], &[DAY])).await.is_ok());
}

#[tokio::test]
async fn more_calls_than_places_wait_for_one() {
    let repo = Repo::new().await;
    let server = repo
        .serve_with(ServerConfig {
            concurrent_calls: 2,
            ..ServerConfig::default()
        })
        .await;
    let client = server.client().await;
    let calls = (0..20).map(|_| {
        let mut client = client.clone();
        async move { exchange(&mut client, &historical(), frame(&[3; 100], &[DAY; 100])).await }
    });
    assert!(
        try_join_all(calls)
            .await
            .unwrap()
            .iter()
            .all(|rows| rows.num_rows() == 100)
    );
}

#[tokio::test]
async fn a_call_that_takes_too_long_ends() {
    let repo = Repo::new().await;
    let config = ServerConfig {
        call_time: Some(Duration::from_millis(200)),
        ..ServerConfig::default()
    };
    let server = repo.serve_with(config).await;
    let mut client = server.client().await;
    let sent = crate::support::body(&historical(), frame(&[3], &[DAY])).await;
    let endless = futures::StreamExt::chain(futures::stream::iter(sent), futures::stream::pending());
    let late = client.do_exchange(endless).await.unwrap_err();
    assert_eq!(late.code(), Code::DeadlineExceeded, "{late}");
    server
        .counted("hybrid_calls_total{api=\"get_historical_features\",outcome=\"timeout\"} 1")
        .await;
}

#[tokio::test]
async fn what_is_not_fetched_expires_and_too_much_of_it_is_refused() {
    let repo = Repo::new().await;
    let config = ServerConfig {
        waiting: 1,
        waiting_time: Duration::from_secs(1),
        ..ServerConfig::default()
    };
    let server = repo.serve_with(config).await;
    let mut client = server.client().await;
    let mut other = historical();
    other["command_id"] = json!("2");
    put(&mut client, &historical(), frame(&[3], &[DAY])).await.unwrap();
    let refused = put(&mut client, &other, frame(&[3], &[DAY])).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    put(&mut client, &other, frame(&[3], &[DAY])).await.unwrap();
}

#[tokio::test]
async fn callers_are_kept_to_folders() {
    let repo = Repo::new().await;
    let config = ServerConfig {
        folders: Some(vec![repo.dir.path().to_owned()]),
        ..ServerConfig::default()
    };
    let server = repo.serve_with(config).await;
    let mut client = server.client().await;
    let mut command = crate::support::pull("pull_all_from_table_or_query", None, None);
    command["data_source_name"] = json!("stats.parquet");
    assert!(exchange(&mut client, &command, no_rows()).await.is_ok());
    for path in ["/etc/passwd.parquet", "../x.parquet", "s3://bucket/x.parquet"] {
        command["data_source_name"] = json!(path);
        let refused = exchange(&mut client, &command, no_rows()).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{path}: {refused}");
    }
}

#[tokio::test]
async fn other_machines_are_not_let_in_by_default() {
    let repo = Repo::new().await;
    let config = || ServerConfig {
        address: ([0, 0, 0, 0], 0).into(),
        ..ServerConfig::default()
    };
    let refused = hybrid_server::Server::bind(repo.store.clone(), config())
        .await
        .err()
        .unwrap();
    assert!(refused.to_string().contains("other machines"), "{refused}");
    let open = ServerConfig {
        allow_unauthenticated: true,
        ..config()
    };
    assert!(hybrid_server::Server::bind(repo.store.clone(), open).await.is_ok());
}
