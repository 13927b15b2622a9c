//! Tables of Delta Lake and Iceberg, on a Spark that both are released for: what is read, and what their commits promise.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use common::{SparkFixture, append, retrieved, rows, shown, store, variable};
use hybrid_conformance::partitioned;
use hybrid_core::sql::{Mode, SqlSession, SqlStore};
use hybrid_core::{ErrorKind, OfflineStore};
use hybrid_store_spark::{Setting, SparkConfig, SparkSession, SparkSource};

/// So many rows a writer writes.
const ROWS: i64 = 1_000;

/// A store that makes tables of this format, where nothing else is said.
fn making(format: &str) -> SparkConfig {
    let mut config = SparkConfig::new(variable("HYBRID_SPARK_TABLES_REMOTE"));
    let (setting, value) = match format {
        "iceberg" => ("spark.sql.defaultCatalog", "lake"),
        format => ("spark.sql.sources.default", format),
    };
    config.spark_conf.insert(setting.to_owned(), Setting::new(value));
    config
}

mod delta {
    use super::*;
    hybrid_conformance::suite!(SparkFixture::new(making("delta")).await; winner, write);
}

mod iceberg {
    use super::*;
    hybrid_conformance::suite!(SparkFixture::new(making("iceberg")).await; winner, write);
}

async fn session(format: &str) -> SparkSession {
    store(making(format)).await.session().await.unwrap()
}

fn batch(ids: impl IntoIterator<Item = i64>, days: &[&str]) -> RecordBatch {
    let ids = Int64Array::from_iter_values(ids);
    let days: StringArray = (0..ids.len()).map(|row| Some(days[row % days.len()])).collect();
    let columns: [(&str, ArrayRef); 2] = [("id", Arc::new(ids)), ("d", Arc::new(days))];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

async fn count(session: &SparkSession, table: &str) -> i64 {
    let counted = rows(session, &format!("SELECT COUNT(*) FROM {table}")).await.unwrap();
    shown(&counted)[0].parse().unwrap()
}

/// What Spark says of the table under this name.
async fn described(session: &SparkSession, table: &str, name: &str) -> String {
    let lines = rows(session, &format!("DESCRIBE TABLE EXTENDED {table}"))
        .await
        .unwrap();
    let lines = shown(&lines);
    let line = lines.iter().find_map(|line| line.strip_prefix(&format!("{name} | ")));
    line.unwrap_or_else(|| panic!("{lines:?}"))
        .split(" | ")
        .next()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn several_partitions_are_written_at_once() {
    for format in ["delta", "iceberg"] {
        let session = session(format).await;
        session.execute("DROP TABLE IF EXISTS parts").await.unwrap();
        let create = format!("CREATE TABLE parts (id BIGINT, d STRING) USING {format} PARTITIONED BY (d)");
        session.execute(&create).await.unwrap();
        let known = session.describe("SELECT * FROM parts").await.unwrap();
        let names: Vec<_> = known.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["id", "d"], "{format}");
        let rows_of_three = batch(0..300, &["a", "b", "c"]);
        let written = session.append(append(&["parts"], rows_of_three, Mode::Append)).await;
        assert_eq!(written.unwrap(), 300, "{format}");
        let query = "SELECT d, COUNT(*) FROM parts GROUP BY d ORDER BY d";
        assert_eq!(
            shown(&rows(&session, query).await.unwrap()),
            ["a | 100", "b | 100", "c | 100"],
            "{format}"
        );
        session.execute("DROP TABLE parts").await.unwrap();
        session.close().await.unwrap();
    }
}

#[tokio::test]
async fn writers_at_once_all_write_and_readers_see_whole_writes() {
    for format in ["delta", "iceberg"] {
        let reader = session(format).await;
        reader.execute("DROP TABLE IF EXISTS at_once").await.unwrap();
        let create = format!("CREATE TABLE at_once (id BIGINT, d STRING) USING {format} PARTITIONED BY (d)");
        reader.execute(&create).await.unwrap();
        let write = async || {
            let session = session(format).await;
            let written = session
                .append(append(&["at_once"], batch(0..ROWS, &["a", "b"]), Mode::Append))
                .await;
            session.close().await.unwrap();
            written.unwrap()
        };
        let over = AtomicBool::new(false);
        let writes = async {
            let written = tokio::join!(write(), write(), write());
            over.store(true, Ordering::SeqCst);
            written
        };
        let reads = async {
            let mut seen = BTreeSet::new();
            while !over.load(Ordering::SeqCst) {
                reader.execute("REFRESH TABLE at_once").await.unwrap();
                seen.insert(count(&reader, "at_once").await);
            }
            seen
        };
        let ((first, second, third), seen) = tokio::join!(writes, reads);
        assert_eq!([first, second, third], [ROWS as u64; 3], "{format}");
        assert!(seen.iter().all(|count| count % ROWS == 0), "{format}: {seen:?}");
        reader.execute("REFRESH TABLE at_once").await.unwrap();
        assert_eq!(count(&reader, "at_once").await, 3 * ROWS, "{format}");
        reader.execute("DROP TABLE at_once").await.unwrap();
        reader.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_table_is_made_once_and_replaced_by_one_of_its_format() {
    for format in ["delta", "iceberg"] {
        let session = session(format).await;
        session.execute("DROP TABLE IF EXISTS made").await.unwrap();
        let write =
            async |ids: Range<i64>, mode| session.append(append(&["made"], batch(ids, &["a", "b"]), mode)).await;
        assert_eq!(write(0..3, Mode::Create).await.unwrap(), 3, "{format}");
        let twice = write(0..3, Mode::Create).await.unwrap_err();
        assert_eq!(twice.kind(), ErrorKind::InvalidInput, "{format}: {twice}");
        assert_eq!(count(&session, "made").await, 3, "{format}");
        // Whatever a session makes by itself, what is there keeps its format.
        let other = store(SparkConfig::new(variable("HYBRID_SPARK_TABLES_REMOTE"))).await;
        let other = other.session().await.unwrap();
        let name: &[&str] = if format == "iceberg" {
            &["lake", "made"]
        } else {
            &["made"]
        };
        let replaced = other.append(append(name, batch(5..7, &["c"]), Mode::Replace)).await;
        assert_eq!(replaced.unwrap(), 2, "{format}");
        other.close().await.unwrap();
        session.execute("REFRESH TABLE made").await.unwrap();
        let found = shown(&rows(&session, "SELECT * FROM made ORDER BY id").await.unwrap());
        assert_eq!(found, ["5 | c", "6 | c"], "{format}");
        assert_eq!(described(&session, "made", "Provider").await, format);
        session.execute("DROP TABLE made").await.unwrap();
        session.close().await.unwrap();
    }
}

#[tokio::test]
async fn one_that_is_not_there_is_made_also_where_a_catalog_renames_nothing() {
    let spark = store(SparkConfig::new(variable("HYBRID_SPARK_TABLES_REMOTE"))).await;
    let session = spark.session().await.unwrap();
    session.execute("DROP TABLE IF EXISTS lake.fresh").await.unwrap();
    let made = session
        .append(append(&["lake", "fresh"], batch(0..3, &["a"]), Mode::Replace))
        .await;
    assert_eq!(made.unwrap(), 3);
    assert_eq!(count(&session, "lake.fresh").await, 3);
    session.execute("DROP TABLE lake.fresh").await.unwrap();
    session.close().await.unwrap();
}

/// A SELECT of a feature row of the key 7.
fn row(hour: u8, v: u8) -> String {
    format!("SELECT 7L AS id, TIMESTAMP '2024-04-30 {hour}:00:00Z' AS ts, {v}L AS v")
}

#[tokio::test]
async fn a_version_of_a_table_is_a_source() {
    let spark = store(making("delta")).await;
    let session = spark.session().await.unwrap();
    for statement in [
        "DROP TABLE IF EXISTS versions".to_owned(),
        format!("CREATE TABLE versions USING delta AS {}", row(12, 1)),
        format!("INSERT INTO versions {}", row(13, 3)),
    ] {
        session.execute(&statement).await.unwrap();
    }
    for (query, right) in [
        ("SELECT * FROM versions VERSION AS OF 0", 1),
        ("SELECT * FROM versions -- of now", 3),
    ] {
        let asked = partitioned::retrieval(SparkSource::query(query), None, None);
        let found = shown(&retrieved(&spark, asked).await.unwrap());
        assert_eq!(found, [format!("0 | {right}")], "{query}");
    }
    session.execute("DROP TABLE versions").await.unwrap();
    session.close().await.unwrap();
}

/// Not all of its files: the later row is in one that is no part of the table any more.
#[tokio::test]
async fn a_delta_table_at_a_path_is_a_source() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("days").to_str().unwrap().to_owned();
    let spark = store(making("delta")).await;
    let session = spark.session().await.unwrap();
    for statement in [
        "DROP TABLE IF EXISTS at_a_path".to_owned(),
        format!("CREATE TABLE at_a_path USING delta LOCATION '{path}' AS {}", row(13, 1)),
        format!("INSERT OVERWRITE at_a_path {}", row(12, 3)),
    ] {
        session.execute(&statement).await.unwrap();
    }
    let source = SparkSource {
        path: Some(path),
        table_format: Some("delta".to_owned()),
        ..SparkSource::default()
    };
    let asked = partitioned::retrieval(source, None, None);
    assert_eq!(shown(&retrieved(&spark, asked).await.unwrap()), ["0 | 3"]);
    session.execute("DROP TABLE at_a_path").await.unwrap();
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_table_of_another_catalog_is_a_source() {
    let spark = store(making("delta")).await;
    let session = spark.session().await.unwrap();
    for statement in [
        "DROP TABLE IF EXISTS lake.days.elsewhere".to_owned(),
        format!("CREATE TABLE lake.days.elsewhere USING iceberg AS {}", row(12, 3)),
    ] {
        session.execute(&statement).await.unwrap();
    }
    let source = SparkSource::table("lake.days.elsewhere");
    let schema = OfflineStore::source_schema(&spark, &source).await.unwrap();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["id", "ts", "v"]);
    let asked = partitioned::retrieval(source, None, None);
    assert_eq!(shown(&retrieved(&spark, asked).await.unwrap()), ["0 | 3"]);
    session.execute("DROP TABLE lake.days.elsewhere").await.unwrap();
    session.close().await.unwrap();
}
