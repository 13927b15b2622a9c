use arrow::array::RecordBatch;
use hybrid_core::sql::{Mode, SqlSession, SqlStore};
use hybrid_core::{BatchStream, ErrorKind};

use super::behind::{behind, count, ids, refusal};
use crate::common::proxy::{Act, header};
use crate::common::{connect, counted, integers, numbers, parts, put, tables};

#[tokio::test]
async fn a_lost_answer_does_not_run_or_load_anything_twice() {
    let (proxy, config) = behind().await;
    let store = connect(config.clone()).await;
    put(&store, "t", numbers([]).schema(), vec![numbers([1, 2])], Mode::Create)
        .await
        .unwrap();
    let name = parts(&store, "t").unwrap().join("`.`");
    proxy.rule("INSERT INTO", 1, Act::Lose);
    let session = store.session().await.unwrap();
    session
        .execute(&format!("INSERT INTO `{name}` (n) VALUES (3)"))
        .await
        .unwrap();
    assert_eq!(count(&store, "t").await, 3);
    proxy.rule("uploadType=multipart", 1, Act::Lose);
    assert_eq!(
        put(&store, "t", numbers([]).schema(), vec![numbers([4, 5])], Mode::Append)
            .await
            .unwrap(),
        2
    );
    assert_eq!(count(&store, "t").await, 5);
    // Under one id, however often it was sent: the table was made by a load, too.
    let inserts = proxy.seen("INSERT INTO");
    assert_eq!((inserts.len(), ids(&inserts).len()), (2, 1));
    let loads = proxy.seen("uploadType=multipart");
    assert_eq!((loads.len(), ids(&loads).len()), (3, 2));
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_load_whose_answer_was_lost_is_found_behind_refusals_that_pass() {
    let (proxy, mut config) = behind().await;
    config.retry_timeout = 3;
    let store = connect(config).await;
    proxy.rule("uploadType=multipart", 1, Act::Lose);
    proxy.rule("uploadType=multipart", usize::MAX, refusal(403, "rateLimitExceeded"));
    let batch = numbers([1, 2]);
    let written = put(&store, "t", batch.schema(), vec![batch], Mode::Create).await;
    assert_eq!(written.unwrap(), 2);
    assert!(proxy.seen("uploadType=multipart").len() > 1);
    assert_eq!(count(&store, "t").await, 2);
}

/// Rows whose Parquet is several parts of an upload: they do not compress.
fn many(rows: usize) -> Vec<RecordBatch> {
    let mut state = 1_u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::from_ne_bytes((state ^ (state >> 29)).to_ne_bytes())
    };
    (0..rows)
        .step_by(500_000)
        .map(|_| numbers((0..500_000).map(|_| random())))
        .collect()
}

#[tokio::test]
async fn a_large_upload_goes_on_where_it_broke_off() {
    let (proxy, config) = behind().await;
    let store = connect(config).await;
    proxy.rule("uploadType=resumable", 1, Act::Answer(503, String::new()));
    // The first part, the question how much of it has come, and the second.
    proxy.rule("bytes 0-", 1, Act::Cut);
    proxy.rule("bytes */", 1, Act::Cut);
    proxy.rule("bytes 8388608-", 1, Act::Cut);
    let batches = many(2_500_000);
    let sum = |batches: &[RecordBatch]| integers(batches).into_iter().fold(0, i64::wrapping_add);
    let session = store.session().await.unwrap();
    let relation = session
        .upload(BatchStream::from_batches(numbers([]).schema(), batches.clone()))
        .await
        .unwrap();
    let puts = proxy.seen("PUT ");
    let ranges: Vec<&str> = puts
        .iter()
        .map(|put| {
            header(&put.headers, "content-range")
                .unwrap()
                .split(['-', '/'])
                .next()
                .unwrap()
        })
        .collect();
    let (first, second, third, asked) = ("bytes 0", "bytes 8388608", "bytes 16777216", "bytes *");
    assert_eq!(ranges, [first, asked, asked, first, second, asked, second, third]);
    let found = session
        .query(&format!("SELECT n FROM {relation}"))
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(counted(&found), 2_500_000);
    assert_eq!(sum(&found), sum(&batches));
    session.close().await.unwrap();
}

#[tokio::test]
async fn an_upload_whose_rows_break_off_loads_nothing() {
    let (proxy, config) = behind().await;
    let store = connect(config.clone()).await;
    let session = store.session().await.unwrap();
    let broken = hybrid_core::Error::new(ErrorKind::Unavailable, "the rows broke off");
    let rows = BatchStream::new(
        numbers([]).schema(),
        futures::stream::iter(vec![Ok(numbers([1])), Err(broken)]),
    );
    assert!(
        session
            .upload(rows)
            .await
            .unwrap_err()
            .to_string()
            .contains("broke off")
    );
    assert!(proxy.seen("uploadType").is_empty());
    session.close().await.unwrap();
    assert_eq!(tables(&config).await, Vec::<String>::new());
}
