//! What is read of a source, and what is passed over.

use arrow::array::{AsArray, RecordBatch};
use hybrid_conformance::formulations::join_as_configured;
use hybrid_conformance::partitioned;
use hybrid_core::sql::{Formulation, SqlSession, SqlStore};
use hybrid_core::{BatchStream, Call, ErrorKind, Explain, HistoricalRequest, OfflineStore};
use hybrid_store_trino::{EntitySelect, TrinoConfig, TrinoSource, TrinoStore};

use crate::common::{config, connect, number, shown, unique};
use crate::entity_rows;

#[tokio::test]
async fn literals_of_a_columns_type_prune_its_partitions() {
    let store = connect(config("iceberg")).await;
    let session = store.session().await.unwrap();
    let table = format!("iceberg.feast.{}", unique("pruned"));
    session
        .execute("CREATE SCHEMA IF NOT EXISTS iceberg.feast")
        .await
        .unwrap();
    session
        .execute(&format!(
            "CREATE TABLE {table} WITH (partitioning = ARRAY['day(ts)']) AS SELECT CAST(TIMESTAMP '2024-01-01 12:00:00 UTC' + \
             x * INTERVAL '1' DAY AS timestamp(6) with time zone) AS ts FROM UNNEST(sequence(0, 9)) AS t(x)"
        ))
        .await
        .unwrap();
    let described = session.describe(&format!("SELECT ts FROM {table}")).await.unwrap();
    let dialect = store.dialect();
    let literal = dialect
        .pruning_literal(1_704_456_000_000_000, described.field(0), false)
        .unwrap();
    let query = format!("SELECT ts FROM {table} WHERE ts >= {literal}");
    let plan = session.explain(&query).await.unwrap();
    assert!(
        plan.contains("ScanFilter") && plan.contains("iceberg:feast.pruned"),
        "{plan}"
    );
    // Each day is a file and a split: of ten, the last six are read.
    let ran = shown(&store, &format!("EXPLAIN ANALYZE {query}")).await;
    assert!(ran.contains("Splits: 6,") && ran.contains("Input: 6 rows"), "{ran}");
    assert_eq!(
        session
            .row_estimate(&table.split('.').map(str::to_owned).collect::<Vec<_>>())
            .await
            .unwrap(),
        Some(10)
    );
    session.execute(&format!("DROP TABLE {table}")).await.unwrap();
    session.close().await.unwrap();
}

/// Makes the table `days` of a schema: what stands behind its name.
pub async fn make_days(store: &TrinoStore, schema: &str, definition: &str) {
    let session = store.session().await.unwrap();
    for statement in [
        format!("CREATE SCHEMA IF NOT EXISTS iceberg.{schema}"),
        format!("DROP TABLE IF EXISTS iceberg.{schema}.days"),
        format!("CREATE TABLE iceberg.{schema}.days {definition}"),
    ] {
        session.execute(&statement).await.unwrap();
    }
    session.close().await.unwrap();
}

/// Makes one that is partitioned by `day`, of this type: a thousand rows of the right time in January, and one in April.
async fn days(store: &TrinoStore, schema: &str, day: &str, [january, april]: [&str; 2]) {
    let definition = format!(
        "WITH (partitioning = ARRAY['day']) AS \
         SELECT BIGINT '7' AS id, CAST(TIMESTAMP '2024-05-01 00:00:00 UTC' AS timestamp(6) with time zone) AS ts, \
         BIGINT '1' AS v, CAST('{january}' AS {day}) AS day FROM UNNEST(sequence(1, 1000)) AS t(x) \
         UNION ALL SELECT BIGINT '7', CAST(TIMESTAMP '2024-04-30 12:00:00 UTC' AS timestamp(6) with time zone), \
         BIGINT '2', CAST('{april}' AS {day})"
    );
    make_days(store, schema, &definition).await;
}

/// A date of January and one of April, as they are written.
const DASHED: [&str; 2] = ["2024-01-15", "2024-04-30"];
const DIGITS: [&str; 2] = ["20240115", "20240430"];
const DOTTED: [&str; 2] = ["15.01.2024", "30.04.2024"];

/// The one value that a retrieval from that table gives.
async fn value(store: &TrinoStore, partition: Option<&str>, format: Option<&str>) -> i64 {
    let asked = partitioned::retrieval(TrinoSource::new("days"), partition, format);
    value_of(store, asked).await
}

/// What a retrieval gives.
pub async fn answer(store: &TrinoStore, asked: HistoricalRequest<TrinoSource>) -> Vec<RecordBatch> {
    let answer = OfflineStore::get_historical_features(store, asked, &Call::default()).await;
    answer.unwrap().rows.collect().await.unwrap()
}

/// The one value that it gives.
pub async fn value_of(store: &TrinoStore, asked: HistoricalRequest<TrinoSource>) -> i64 {
    answer(store, asked).await[0]
        .column(1)
        .as_primitive::<arrow::datatypes::Int64Type>()
        .value(0)
}

#[tokio::test]
async fn the_date_partition_column_prunes_what_the_event_time_cannot() {
    let mut config = config("iceberg");
    // This formulation reads the table once.
    config.formulation = Some(Formulation::Ranked);
    let schema = config.dataset.clone();
    let store = connect(config).await;
    for (day, written, format, prunes) in [
        ("date", DASHED, None, true),
        ("varchar", DASHED, Some("%Y-%m-%d"), true),
        ("varchar", DIGITS, Some("%Y%m%d"), true),
        ("varchar", DOTTED, Some("%d.%m.%Y"), true),
        ("integer", DIGITS, Some("%Y%m%d"), true),
        ("bigint", DIGITS, Some("%Y-%m-%d"), false),
        // What nobody says how it writes dates is compared with none.
        ("varchar", DASHED, None, false),
        ("varchar", DIGITS, None, false),
        ("integer", DIGITS, None, false),
    ] {
        days(&store, &schema, day, written).await;
        for (partition, pruned) in [(None, false), (Some("day"), prunes)] {
            let asked = || Explain::Historical(partitioned::retrieval(TrinoSource::new("days"), partition, format));
            let sql = OfflineStore::to_sql(&store, asked()).await.unwrap();
            let ran = shown(&store, &format!("EXPLAIN ANALYZE {sql}")).await;
            assert_eq!(ran.contains("Input: 1001 rows"), !pruned, "{day} {format:?}: {ran}");
            let right = if pruned { 2 } else { 1 };
            assert_eq!(value(&store, partition, format).await, right, "{day} {format:?}");
            let told = OfflineStore::explain(&store, asked()).await.unwrap();
            let is_told = told.contains("no partition is passed over");
            assert_eq!(is_told, partition.is_some() && !prunes, "{day} {format:?}: {told}");
        }
    }
}

#[tokio::test]
async fn views_are_joined_by_the_formulation_and_no_other() {
    let query = "SELECT CAST(7 AS bigint) AS id, TIMESTAMP '2024-04-30 12:00:00 UTC' AS ts, CAST(2 AS bigint) AS v";
    let by = |formulation| TrinoConfig {
        formulation: Some(formulation),
        ..config("memory")
    };
    let offered = [Formulation::RunningTime, Formulation::Ranked];
    join_as_configured::<TrinoStore>(by, TrinoSource::from_query(query), &offered).await;
}

/// Types in parentheses, and versions of a table.
#[tokio::test]
async fn a_query_in_what_trinos_grammar_alone_has_is_a_source() {
    let config = config("iceberg");
    let table = format!("iceberg.{}.versions", config.dataset);
    let snapshots = format!("iceberg.{}.\"versions$snapshots\"", config.dataset);
    let schema = format!("CREATE SCHEMA IF NOT EXISTS iceberg.{}", config.dataset);
    let store = connect(config).await;
    let row = |hour: u8, v: u8| {
        format!(
            "SELECT BIGINT '7' AS id, CAST(TIMESTAMP '2024-04-30 {hour}:00:00 UTC' AS timestamp(6) with time zone) AS ts, \
             BIGINT '{v}' AS v, CAST('[0.5, {v}]' AS varchar) AS e"
        )
    };
    let session = store.session().await.unwrap();
    session.execute(&schema).await.unwrap();
    session
        .execute(&format!("CREATE TABLE {table} AS {}", row(12, 1)))
        .await
        .unwrap();
    let last = format!("SELECT snapshot_id FROM {snapshots} ORDER BY committed_at DESC LIMIT 1");
    let first = number(&store, &last).await;
    session
        .execute(&format!("INSERT INTO {table} {}", row(13, 3)))
        .await
        .unwrap();
    session.close().await.unwrap();
    let element = "CAST(element_at(CAST(json_parse(e) AS ARRAY(DOUBLE)), 2) AS bigint)";
    for (query, right) in [
        (format!("SELECT id, ts, {element} AS v FROM {table}"), 3),
        (format!("SELECT id, ts, v FROM {table} FOR VERSION AS OF {first}"), 1),
        (format!("SELECT id, ts, v FROM {table} -- of now"), 3),
    ] {
        let asked = partitioned::retrieval(TrinoSource::from_query(query.clone()), None, None);
        let found = value_of(&store, asked).await;
        assert_eq!(found, right, "{query}");
    }
}

#[tokio::test]
async fn a_user_who_may_only_read_embeds() {
    let schema = unique("readonly");
    days(&connect(config("iceberg")).await, &schema, "date", DASHED).await;
    // Another catalog over the same tables, in which nobody may write.
    let mut config = config("readonly").with_dataset(schema);
    config.connector.kind = "iceberg".to_owned();
    config.entity_select_mode = EntitySelect::EmbedQuery;
    assert_eq!(value(&connect(config.clone()).await, Some("day"), None).await, 2);
    config.entity_select_mode = EntitySelect::TempTable;
    let session = connect(config).await.session().await.unwrap();
    let rows = BatchStream::from_batches(entity_rows(0, 0).schema(), vec![entity_rows(0, 10)]);
    let refused = session.upload(rows).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied, "{refused}");
    assert!(refused.to_string().contains("embed_query"), "{refused}");
    session.close().await.unwrap();
}
