//! Results whose values are larger than what the server sends at once.

use arrow::array::AsArray;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_store_spark::Setting;

use crate::common::{config, rows, store};

#[tokio::test]
async fn a_large_value_comes_whole_also_in_parts() {
    for part in [None, Some("1000000")] {
        let mut config = config();
        let largest = "spark.connect.session.resultChunking.maxChunkSize".to_owned();
        config
            .spark_conf
            .extend(part.map(|bytes| (largest, Setting::new(bytes))));
        let session = store(config).await.session().await.unwrap();
        let query = "SELECT CONCAT('a', REPEAT('x', CAST(20000000 + id AS INT)), 'z') AS t FROM RANGE(0, 2, 1, 2)";
        let found = rows(&session, query).await.unwrap();
        let texts: Vec<_> = found.column(0).as_string::<i32>().iter().flatten().collect();
        let right = [0, 1].map(|id| format!("a{}z", "x".repeat(20_000_000 + id)));
        // Told without the values.
        assert!(texts == right, "{part:?}");
        session.close().await.unwrap();
    }
}
