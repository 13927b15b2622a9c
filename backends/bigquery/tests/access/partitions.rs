use hybrid_conformance::partitioned;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_core::{Call, ErrorKind, Explain, OfflineStore, OutputColumn, PullAllRequest, Result, SourceTable};
use hybrid_store_bigquery::{BigQuerySource, BigQueryStore};

use crate::common::{config, connect, integers, parts};

/// Makes a table `t` of keys and times, by these options, and fills it.
async fn table(store: &BigQueryStore, options: &str, columns: &str, rows: &str) {
    let name = parts(store, "t").unwrap();
    let (dataset, name) = (name[..2].join("`.`"), name.join("`.`"));
    let session = store.session().await.unwrap();
    for statement in [
        format!("CREATE SCHEMA IF NOT EXISTS `{dataset}`"),
        format!("CREATE TABLE `{name}` (k INT64, ts TIMESTAMP) {options}"),
        format!("INSERT INTO `{name}` ({columns}) VALUES {rows}"),
    ] {
        session.execute(&statement).await.unwrap();
    }
    session.close().await.unwrap();
}

/// Partitioned by when rows come in. The first and the last of four have come in on other days than their own, and the third
/// is in no partition yet.
async fn by_arrival(store: &BigQueryStore, by: &str, second: &str) {
    let options = format!("PARTITION BY {by} OPTIONS (require_partition_filter = TRUE)");
    let rows = format!(
        "(TIMESTAMP '2024-05-01', 1, TIMESTAMP '2024-05-02 10:00:00'), \
         (TIMESTAMP '{second}', 2, TIMESTAMP '2024-05-02 11:00:00'), (NULL, 3, TIMESTAMP '2024-05-03 10:00:00'), \
         (TIMESTAMP '2024-04-01', 4, TIMESTAMP '2024-05-02 12:00:00')"
    );
    table(store, &options, "_PARTITIONTIME, k, ts", &rows).await;
}

/// What is asked for the rows of two days in May, and their keys.
async fn two_days(store: &BigQueryStore, partition: &str) -> Result<(String, Vec<i64>)> {
    let request = PullAllRequest {
        source: SourceTable {
            name: "t".to_owned(),
            options: BigQuerySource::new("t"),
            timestamp_field: "ts".to_owned(),
            created_timestamp_column: None,
            date_partition_column: Some(partition.to_owned()),
            date_partition_column_format: None,
        },
        join_keys: vec![OutputColumn {
            source: "k".to_owned(),
            name: "k".to_owned(),
            data_type: None,
        }],
        features: vec![],
        timestamp_name: "ts".to_owned(),
        created_name: None,
        start: Some(1_714_608_000_000_000),
        end: Some(1_714_737_600_000_000),
    };
    let sql = store.to_sql(Explain::All(request.clone())).await?;
    let rows = store
        .pull_all_from_table_or_query(request, &Call::default())
        .await?
        .collect()
        .await?;
    let mut keys = integers(&rows);
    keys.sort_unstable();
    Ok((sql, keys))
}

#[tokio::test]
async fn partitions_by_arrival_are_pruned_by_their_pseudo_columns() {
    let store = connect(config()).await;
    let (midnight, noon) = (
        "TIMESTAMP '2024-05-02 00:00:00.000000+00'",
        "TIMESTAMP '2024-05-03 12:00:00.000000+00'",
    );
    let (day, next, month) = (
        "DATE '2024-05-02'",
        "DATE '2024-05-03'",
        "TIMESTAMP '2024-05-01 00:00:00+00'",
    );
    for (by, second, column, from, to, keys) in [
        (
            "_PARTITIONDATE",
            "2024-05-02",
            "_PARTITIONTIME",
            midnight,
            noon,
            vec![2, 3],
        ),
        ("_PARTITIONDATE", "2024-05-02", "_PARTITIONDATE", day, next, vec![2, 3]),
        (
            "TIMESTAMP_TRUNC(_PARTITIONTIME, MONTH)",
            "2024-05-01",
            "_partitiontime",
            month,
            month,
            vec![1, 2, 3],
        ),
    ] {
        let store = connect(config()).await;
        by_arrival(&store, by, second).await;
        let (sql, found) = two_days(&store, column).await.unwrap();
        assert_eq!(found, keys, "{sql}");
        let conditions = format!(
            "\n  AND (`s`.`{column}` >= {from} OR `s`.`{column}` IS NULL)\n  AND (`s`.`{column}` <= {to} OR `s`.`{column}` IS NULL)"
        );
        assert!(sql.ends_with(&conditions), "{sql}");
    }
    let row = "(1, TIMESTAMP '2024-05-02 10:00:00')";
    table(&store, "PARTITION BY DATE(ts)", "k, ts", row).await;
    let error = two_days(&store, "_PARTITIONTIME").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("_PARTITIONTIME"), "{error}");
}

#[tokio::test]
async fn a_partition_column_of_text_prunes_where_its_format_is_told() {
    let store = connect(config()).await;
    let query = "SELECT 7 AS id, TIMESTAMP '2024-04-30 12:00:00' AS ts, 1 AS v, '20240430' AS day";
    partitioned::text_prunes_where_its_format_is_told(&store, BigQuerySource::from_query(query)).await;
}
