use futures::TryStreamExt;
use hybrid_conformance::peak_mib;
use hybrid_core::sql::SqlSession;

use crate::common::{config, session};

#[tokio::test(flavor = "multi_thread")]
async fn ten_million_rows_need_less_than_300_mib() {
    let session = session(config()).await;
    let query = "SELECT i::int8 AS a, to_timestamp(i) AS t, i * 0.5::float8 AS f, 'text of row ' || i AS s FROM generate_series(1, 10000000) i";
    let mut stream = session.query(query).await.unwrap();
    let mut count = 0;
    while let Some(batch) = stream.try_next().await.unwrap() {
        count += batch.num_rows();
    }
    assert_eq!(count, 10_000_000);
    session.close().await.unwrap();
    assert!(peak_mib() < 300, "{} MiB", peak_mib());
}
