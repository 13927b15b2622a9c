//! What the server plans: partitions are passed over, and an index answers few entity rows.

use hybrid_core::store::{ENTITY_TIME, ROW_NUMBER};
use hybrid_core::{BatchStream, EntityRows, HistoricalRequest, HistoricalView, timestamp_type};
use hybrid_core::{Explain, JoinKey, OfflineStore, OutputColumn, PullAllRequest, SourceTable};
use hybrid_store_postgres::PostgresSource;

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, TimestampMicrosecondArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};

use crate::common::{admin, config, fresh, store};

/// 2024-05-01 UTC.
const MAY: i64 = 1_714_521_600_000_000;

fn source(table: &str) -> SourceTable<PostgresSource> {
    SourceTable {
        name: table.to_owned(),
        options: PostgresSource::table(table),
        timestamp_field: "ts".to_owned(),
        created_timestamp_column: None,
        date_partition_column: None,
    }
}

fn column(name: &str, data_type: Option<DataType>) -> OutputColumn {
    OutputColumn {
        source: name.to_owned(),
        name: name.to_owned(),
        data_type,
    }
}

fn one_row() -> EntityRows {
    let schema = Arc::new(Schema::new(vec![
        Field::new(ROW_NUMBER, DataType::UInt64, false),
        Field::new(ENTITY_TIME, timestamp_type(), false),
        Field::new("driver", DataType::Int64, true),
    ]));
    let batch = RecordBatch::try_new(
        schema.clone(),
        vec![
            Arc::new(UInt64Array::from(vec![0])),
            Arc::new(TimestampMicrosecondArray::from(vec![MAY]).with_timezone("UTC")),
            Arc::new(Int64Array::from(vec![7])),
        ],
    )
    .unwrap();
    let given = schema.clone();
    EntityRows::new(schema, 1, Some((MAY, MAY)), move || {
        Ok(BatchStream::from_batches(given.clone(), vec![batch.clone()]))
    })
}

fn retrieval(table: &str, ttl: Option<i64>) -> Explain<PostgresSource> {
    Explain::Historical(HistoricalRequest {
        views: vec![HistoricalView {
            name: "view".to_owned(),
            source: source(table),
            join_keys: vec![JoinKey {
                source: "id".to_owned(),
                entity: "driver".to_owned(),
                data_type: DataType::Int64,
            }],
            features: vec![column("v", Some(DataType::Float64))],
            ttl,
        }],
        entities: one_row(),
        filter_by_created_timestamp: false,
    })
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

fn unchanged(name: &str) -> OutputColumn {
    column(name, None)
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
