//! Results on their way through S3.

use futures::StreamExt;
use hybrid_core::ErrorKind;
use hybrid_core::sql::SqlSession;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use super::proxy::{Harm, Proxy};
use crate::common::{data_api, rows, s3, session, staged, variable};

const QUERY: &str = "SELECT x AS n, MD5(x::varchar) AS t FROM generate_series(1, 5000) AS g(x)";

#[tokio::test]
async fn a_download_that_breaks_is_read_again() {
    for harm in [
        Harm::Halved,
        Harm::Unanswered,
        Harm::Refused(503, "SlowDown"),
        Harm::Refused(500, "InternalError"),
    ] {
        let proxy = Proxy::before(&variable("S3"), move |what, before| {
            (what.starts_with("GET") && before % 2 == 0).then_some(harm)
        })
        .await;
        let mut config = data_api();
        config.s3_endpoint = Some(proxy.url.clone());
        let read = rows(config, QUERY)
            .await
            .unwrap_or_else(|error| panic!("{harm:?}: {error}"));
        assert_eq!(read.iter().map(|batch| batch.num_rows()).sum::<usize>(), 5000);
    }
}

#[tokio::test]
async fn a_file_that_is_not_whole_is_not_taken_for_the_result() {
    let config = data_api();
    let session = session(config.clone()).await;
    let mut read = session.query(QUERY).await.unwrap();
    let file = staged(&config)
        .await
        .into_iter()
        .find(|name| name.ends_with(".parquet"))
        .unwrap();
    let (s3, path) = (s3(), object_store::path::Path::from(file));
    let bytes = s3.get(&path).await.unwrap().bytes().await.unwrap();
    s3.put(&path, PutPayload::from(bytes.slice(..bytes.len() / 2)))
        .await
        .unwrap();
    let mut outcome = Ok(());
    while let Some(batch) = read.next().await {
        outcome = outcome.and(batch.map(drop));
    }
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    session.close().await.unwrap();
    assert_eq!(staged(&config).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_file_that_is_gone_is_told() {
    let config = data_api();
    let session = session(config.clone()).await;
    let mut read = session.query(QUERY).await.unwrap();
    let file = staged(&config)
        .await
        .into_iter()
        .find(|name| name.ends_with(".parquet"))
        .unwrap();
    s3().delete(&file.into()).await.unwrap();
    let mut outcome = Ok(());
    while let Some(batch) = read.next().await {
        outcome = outcome.and(batch.map(drop));
    }
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::NotFound);
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_stream_that_is_dropped_leaves_nothing() {
    let config = data_api();
    let session = session(config.clone()).await;
    let mut read = session.query(QUERY).await.unwrap();
    assert!(read.next().await.unwrap().unwrap().num_rows() > 0);
    drop(read);
    session.close().await.unwrap();
    assert_eq!(staged(&config).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_a_killed_process_left_is_swept() {
    let config = data_api();
    let folder = config.s3_staging_location.clone().unwrap();
    let folder = folder.split_once("//").unwrap().1.split_once('/').unwrap().1.to_owned();
    let store: &dyn ObjectStore = &s3();
    for name in [
        "hybrid_1000_abc/part_0000.parquet",
        "hybrid_99999999999_abc/manifest",
        "mine_1000_abc/x",
    ] {
        store
            .put(&format!("{folder}/{name}").into(), PutPayload::from_static(b"x"))
            .await
            .unwrap();
    }
    drop(session(config.clone()).await);
    for _ in 0..100 {
        if staged(&config).await.len() < 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let left = staged(&config).await;
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(!left.iter().any(|name| name.contains("hybrid_1000_")), "{left:?}");
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_told() {
    let mut config = data_api();
    config.s3_staging_location = Some("s3://no-such-bucket/x".to_owned());
    let session = session(config).await;
    let error = session.query(QUERY).await.map(drop).unwrap_err();
    assert!(error.to_string().to_lowercase().contains("bucket"), "{error}");
    // That nothing could be deleted is told as well.
    assert_eq!(session.close().await.unwrap_err().kind(), ErrorKind::NotFound);
}
