//! What the server plans: partitions are passed over, and an index answers few entity rows.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use hybrid_conformance::partitioned::{self, MAY};
use hybrid_core::{Call, Explain, OfflineStore, OutputColumn, PullAllRequest};
use hybrid_store_postgres::PostgresSource;

use crate::common::request::{column, frame, history, source};
use crate::common::{admin, config, fresh, store};

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 1_440 * MINUTE;

fn unchanged(name: &str) -> OutputColumn {
    column(name, None)
}

fn retrieval(table: &str, ttl: Option<i64>) -> Explain<PostgresSource> {
    Explain::Historical(history(table, ttl))
}

#[tokio::test]
async fn partitions_outside_the_window_are_passed_over() {
    let table = fresh("months");
    for column in ["timestamptz", "timestamp", "date", "timestamptz(3)", "timestamp(0)"] {
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
        let joined = OfflineStore::explain(&store, retrieval(&table, Some(DAY)))
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

/// A row of the right time in the wrong partition is not found: that partition is not looked into.
#[tokio::test]
async fn the_date_partition_column_prunes_what_the_event_time_cannot() {
    for (day, dash, format, prunes) in [
        ("date", "-", None, true),
        ("text", "-", Some("%Y-%m-%d"), true),
        ("text", "", Some("%Y%m%d"), true),
        ("int4", "", Some("%Y%m%d"), true),
        ("int8", "", Some("%Y-%m-%d"), false),
        // What nobody says how it writes dates is compared with none.
        ("text", "-", None, false),
        ("text", "", None, false),
        ("int4", "", None, false),
    ] {
        let table = fresh("days");
        let written = |month: &str, day: &str| format!("'{}'", ["2024", month, day].join(dash));
        let bounds = |month: &str, next: &str| format!("FROM ({}) TO ({})", written(month, "01"), written(next, "01"));
        admin(&format!(
            "CREATE TABLE {table} (id int8, ts timestamptz, v int8, day {day}) PARTITION BY RANGE (day); \
             CREATE TABLE {table}_01 PARTITION OF {table} FOR VALUES {}; \
             CREATE TABLE {table}_04 PARTITION OF {table} FOR VALUES {}; \
             INSERT INTO {table} VALUES (7, '2024-05-01Z', 1, {}), (7, '2024-04-30 12:00Z', 2, {})",
            bounds("01", "02"),
            bounds("04", "05"),
            written("01", "15"),
            written("04", "30")
        ))
        .await;
        let store = store(config()).await;
        for (partition, pruned) in [(None, false), (Some("day"), prunes)] {
            let asked = || partitioned::retrieval(PostgresSource::table(&table), partition, format);
            let plan = OfflineStore::explain(&store, Explain::Historical(asked()))
                .await
                .unwrap();
            assert!(plan.contains(&format!("{table}_04")), "{day} {format:?}: {plan}");
            assert_eq!(
                plan.contains(&format!("{table}_01")),
                !pruned,
                "{day} {format:?}: {plan}"
            );
            let is_told = plan.contains("no partition is passed over");
            assert_eq!(is_told, partition.is_some() && !prunes, "{day} {format:?}: {plan}");
            let answer = OfflineStore::get_historical_features(&store, asked(), &Call::default()).await;
            let rows = answer.unwrap().rows.collect().await.unwrap();
            let right = if pruned { 2 } else { 1 };
            let found = rows[0].column(1).as_primitive::<Int64Type>().value(0);
            assert_eq!(found, right, "{day} {format:?}");
        }
        admin(&format!("DROP TABLE {table}")).await;
    }
}

/// Of many entity rows a part is looked at: the pairs are those of all.
#[tokio::test]
async fn pairs_of_many_entity_rows_are_estimated() {
    let (rows, known) = (300_000_i64, 30_000);
    for (keys, chosen) in [(1000, "RunningTime"), (known, "Ranked")] {
        let table = fresh("fan_out");
        admin(&format!(
            "CREATE TABLE {table} AS SELECT n % {keys} AS id, TIMESTAMPTZ '2024-01-01Z' + n * INTERVAL '1 minute' AS ts, \
             n::float8 AS v FROM generate_series(1, {known}) AS n"
        ))
        .await;
        admin(&format!("ANALYZE {table}")).await;
        let mut request = history(&table, None);
        // Drivers 0 to 999, again and again.
        request.entities = frame((0..rows).map(|row| (MAY, row % 1000)));
        let store = store(config()).await;
        let told = OfflineStore::explain(&store, Explain::Historical(request))
            .await
            .unwrap();
        let (_, told) = told.split_once("view view: ").unwrap();
        let (formulation, told) = told.split_once(", about ").unwrap();
        assert_eq!(formulation, chosen, "{told}");
        let estimate: f64 = told.split_once(" pairs").unwrap().0.parse().unwrap();
        // Each entity row meets all feature rows of its key.
        let pairs = rows as f64 * f64::from(known / keys);
        assert!(
            (pairs * 0.99..pairs * 1.01).contains(&estimate),
            "{estimate} of {pairs}"
        );
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

/// Of a year only the frame's two days are read, and the one before that the ttl reaches back to.
#[tokio::test]
async fn an_index_on_the_event_time_alone_answers_a_few_days() {
    let table = fresh("year");
    admin(&format!(
        "CREATE TABLE {table} AS SELECT n % 1000 AS id, TIMESTAMPTZ '2024-05-01Z' - n * INTERVAL '5 minutes' AS ts, \
         n::float8 AS v FROM generate_series(1, 105120) AS n"
    ))
    .await;
    let store = store(config()).await;
    let uses_index = async || {
        admin(&format!("ANALYZE {table}")).await;
        let mut request = history(&table, Some(DAY));
        request.entities = frame((0..96).map(|row| (MAY - row * 30 * MINUTE, row)));
        let plan = OfflineStore::explain(&store, Explain::Historical(request)).await;
        let plan = plan.unwrap();
        let by_time = |line: &str| line.contains("Index Cond:") && line.contains("ts >= '2024-04-28");
        (plan.lines().any(by_time), plan)
    };
    let (without, plan) = uses_index().await;
    assert!(!without, "{plan}");
    admin(&format!("CREATE INDEX ON {table} (ts)")).await;
    let (with, plan) = uses_index().await;
    assert!(with, "{plan}");
    admin(&format!("DROP TABLE {table}")).await;
}
