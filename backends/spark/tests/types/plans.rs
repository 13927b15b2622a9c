//! How a view is joined by what is known of its rows, what its files are told, and the statement that comes of it.

use hybrid_conformance::killed::entity_rows;
use hybrid_conformance::partitioned;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_core::{Explain, HistoricalRequest, OfflineStore};
use hybrid_store_spark::SparkSource;

use crate::common::{config, retrieved, rows, shown, store};

/// So many entity rows of the keys 0 to 999, again and again, one in each microsecond from 1970 on.
fn asked(table: &str, entities: usize) -> HistoricalRequest<SparkSource> {
    let mut asked = partitioned::retrieval(SparkSource::table(table), None, None);
    asked.views[0].join_keys[0].entity = "k".to_owned();
    asked.entities = entity_rows(entities, false);
    asked
}

#[tokio::test]
async fn counted_rows_are_known_and_pairs_decide_how_a_view_is_joined() {
    let store = store(config()).await;
    let session = store.session().await.unwrap();
    let table = ["t_fan_out".to_owned()];
    // The keys that 20000 feature rows have.
    for (keys, chosen) in [(1_000, "RunningStruct, about 200000"), (20_000, "Ranked, about 10000")] {
        session.execute("DROP TABLE IF EXISTS t_fan_out").await.unwrap();
        let create = format!(
            "CREATE TABLE t_fan_out USING parquet AS \
             SELECT id % {keys} AS id, TIMESTAMP_MICROS(-id) AS ts, id AS v FROM RANGE(20000)"
        );
        session.execute(&create).await.unwrap();
        // At first the bytes alone.
        for (how, known) in [("NOSCAN", None), ("", Some(20_000))] {
            let analyze = format!("ANALYZE TABLE t_fan_out COMPUTE STATISTICS {how}");
            session.execute(&analyze).await.unwrap();
            assert_eq!(session.row_estimate(&table).await.unwrap(), known, "{how}");
        }
        let asked = Explain::Historical(asked("t_fan_out", 10_000));
        let told = OfflineStore::explain(&store, asked).await.unwrap();
        let right = format!("view days: {chosen} pairs, 20000 feature rows\n");
        assert!(told.starts_with(&right), "{told}");
    }
    session.execute("DROP TABLE t_fan_out").await.unwrap();
    session.close().await.unwrap();
}

#[tokio::test]
async fn files_are_told_the_range_of_event_times() {
    let store = store(config()).await;
    let session = store.session().await.unwrap();
    for of in ["TIMESTAMP", "TIMESTAMP_NTZ", "DATE"] {
        session.execute("DROP TABLE IF EXISTS t_range").await.unwrap();
        let row = format!("SELECT 7L AS id, CAST('2024-04-30' AS {of}) AS ts, 2L AS v");
        let create = format!("CREATE TABLE t_range USING parquet AS {row}");
        session.execute(&create).await.unwrap();
        let asked = || partitioned::retrieval(SparkSource::table("t_range"), None, None);
        let plan = OfflineStore::explain(&store, Explain::Historical(asked()))
            .await
            .unwrap();
        let told = plan.lines().any(|line| {
            line.contains("PushedFilters: [")
                && line.contains("GreaterThanOrEqual(ts,")
                && line.contains("LessThanOrEqual(ts,")
        });
        assert!(told, "{of}: {plan}");
        assert_eq!(shown(&retrieved(&store, asked()).await.unwrap()), ["0 | 2"], "{of}");
    }
    session.execute("DROP TABLE t_range").await.unwrap();
    session.close().await.unwrap();
}

#[tokio::test]
async fn the_statement_gives_what_the_retrieval_gives() {
    let store = store(config()).await;
    let session = store.session().await.unwrap();
    for statement in [
        "DROP TABLE IF EXISTS t_statement",
        "CREATE TABLE t_statement USING parquet AS \
         SELECT id % 40 AS id, TIMESTAMP_MICROS(id) AS ts, id AS v FROM RANGE(80)",
    ] {
        session.execute(statement).await.unwrap();
    }
    let asked = asked("t_statement", 50);
    let sql = OfflineStore::to_sql(&store, Explain::Historical(asked.clone()))
        .await
        .unwrap();
    // Each key has a row at its own microsecond and one that comes too late.
    let right = (0..50).map(|row| match row {
        0..40 => format!("{row} | {row}"),
        _ => format!("{row} | NULL"),
    });
    let mut right: Vec<String> = right.collect();
    right.sort();
    for found in [rows(&session, &sql).await, retrieved(&store, asked).await] {
        let mut found = shown(&found.unwrap());
        found.sort();
        assert_eq!(found, right, "{sql}");
    }
    session.execute("DROP TABLE t_statement").await.unwrap();
    session.close().await.unwrap();
}
