//! What the server plans: partitions are passed over, and an index answers few entity rows.

use hybrid_core::{Explain, OfflineStore, OutputColumn, PullAllRequest};
use hybrid_store_postgres::PostgresSource;

use crate::common::request::{MAY, column, history, source};
use crate::common::{admin, config, fresh, store};

fn unchanged(name: &str) -> OutputColumn {
    column(name, None)
}

fn retrieval(table: &str, ttl: Option<i64>) -> Explain<PostgresSource> {
    Explain::Historical(history(table, ttl))
}

#[tokio::test]
async fn partitions_outside_the_window_are_passed_over() {
    let table = fresh("months");
    for column in ["timestamptz", "timestamp", "date"] {
        admin(&format!(
            "CREATE TABLE {table} (id int8, ts {column}, v float8) PARTITION BY RANGE (ts)"
        ))
        .await;
        for (month, next) in [("01", "02"), ("04", "05"), ("05", "06")] {
            admin(&format!(
                "CREATE TABLE {table}_{month} PARTITION OF {table} FOR VALUES FROM ('2024-{month}-01') TO ('2024-{next}-01')"
            ))
            .await;
        }
        let store = store(config()).await;
        let all = Explain::All(PullAllRequest {
            source: source(&table),
            join_keys: vec![unchanged("id")],
            features: vec![unchanged("v")],
            timestamp_name: "ts".to_owned(),
            created_name: None,
            start: Some(MAY),
            end: Some(MAY + 1),
        });
        let plan = OfflineStore::explain(&store, all).await.unwrap();
        assert!(plan.contains(&format!("{table}_05")), "{column}: {plan}");
        assert!(
            !plan.contains(&format!("{table}_04")) && !plan.contains(&format!("{table}_01")),
            "{column}: {plan}"
        );
        let joined = OfflineStore::explain(&store, retrieval(&table, Some(86_400_000_000)))
            .await
            .unwrap();
        assert!(
            joined.contains(&format!("{table}_04")) && joined.contains(&format!("{table}_05")),
            "{column}: {joined}"
        );
        assert!(!joined.contains(&format!("{table}_01")), "{column}: {joined}");
        admin(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn an_index_on_keys_and_time_answers_a_few_rows() {
    let table = fresh("indexed");
    admin(&format!(
        "CREATE TABLE {table} AS SELECT n % 1000 AS id, TIMESTAMPTZ '2024-01-01Z' + n * INTERVAL '1 minute' AS ts, n::float8 AS v \
         FROM generate_series(1, 50000) AS n"
    ))
    .await;
    let store = store(config()).await;
    admin(&format!("ANALYZE {table}")).await;
    let without = OfflineStore::explain(&store, retrieval(&table, None)).await.unwrap();
    assert!(!without.contains("view view: Lateral"), "{without}");
    admin(&format!("CREATE INDEX ON {table} (id, ts)")).await;
    admin(&format!("ANALYZE {table}")).await;
    let with = OfflineStore::explain(&store, retrieval(&table, None)).await.unwrap();
    assert!(with.contains("view view: Lateral") && with.contains("Index"), "{with}");
    admin(&format!("DROP TABLE {table}")).await;
}
