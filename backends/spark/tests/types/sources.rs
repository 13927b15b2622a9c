//! What a source names: files at a path, and a table by its schema and its catalog.

use hybrid_conformance::partitioned;
use hybrid_core::OfflineStore;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_store_spark::SparkSource;

use crate::common::{config, retrieved, shown, store};

/// A SELECT of a feature row of the key 7.
fn row(v: u8) -> String {
    format!("SELECT 7L AS id, TIMESTAMP '2024-04-30 12:00:00Z' AS ts, {v}L AS v")
}

#[tokio::test]
async fn files_at_a_path_are_a_source() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(config()).await;
    let session = store.session().await.unwrap();
    for (format, v) in [("parquet", 1), ("orc", 2), ("json", 3)] {
        let path = folder.path().join(format).to_str().unwrap().to_owned();
        let write = format!("INSERT OVERWRITE DIRECTORY '{path}' USING {format} {}", row(v));
        session.execute(&write).await.unwrap();
        let asked = partitioned::retrieval(SparkSource::path(path, format), None, None);
        let found = shown(&retrieved(&store, asked).await.unwrap());
        assert_eq!(found, [format!("0 | {v}")], "{format}");
    }
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_table_is_found_by_its_schema_and_its_catalog() {
    let store = store(config()).await;
    let session = store.session().await.unwrap();
    for statement in [
        "DROP TABLE IF EXISTS t_named".to_owned(),
        "DROP DATABASE IF EXISTS t_schema CASCADE".to_owned(),
        "CREATE DATABASE t_schema".to_owned(),
        format!("CREATE TABLE t_named USING parquet AS {}", row(1)),
        format!("CREATE TABLE t_schema.t_named USING parquet AS {}, 'x' AS note", row(2)),
    ] {
        session.execute(&statement).await.unwrap();
    }
    for (name, v, columns) in [
        ("t_named", 1, 3),
        ("t_schema.t_named", 2, 4),
        ("spark_catalog.t_schema.t_named", 2, 4),
    ] {
        let source = SparkSource::table(name);
        let schema = OfflineStore::source_schema(&store, &source).await.unwrap();
        assert_eq!(schema.fields().len(), columns, "{name}");
        let asked = partitioned::retrieval(source, None, None);
        let found = shown(&retrieved(&store, asked).await.unwrap());
        assert_eq!(found, [format!("0 | {v}")], "{name}");
    }
    for statement in ["DROP TABLE t_named", "DROP DATABASE t_schema CASCADE"] {
        session.execute(statement).await.unwrap();
    }
    session.close().await.unwrap();
}
