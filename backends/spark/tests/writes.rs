//! Appends: whole or not at all, checked, and refused where that cannot be had.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;
#[path = "writes/stored.rs"]
mod stored;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use common::{append, rows, session, shown, variable};
use hybrid_core::ErrorKind;
use hybrid_core::sql::{Mode, SqlSession};

fn batch(ids: &[i64], days: &[&str]) -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("d", DataType::Utf8, true),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(ids.to_vec())),
        Arc::new(StringArray::from(days.to_vec())),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

#[tokio::test]
async fn values_that_do_not_fit_change_nothing() {
    let session = session().await;
    session
        .execute("CREATE OR REPLACE TEMPORARY VIEW w_view AS SELECT 1 AS id")
        .await
        .unwrap();
    session.execute("DROP TABLE IF EXISTS w_small").await.unwrap();
    session
        .execute("CREATE TABLE w_small (id INT, d STRING, e DOUBLE) USING parquet")
        .await
        .unwrap();
    let error = session
        .append(append(&["w_small"], batch(&[1, 1 << 40], &["a", "b"]), Mode::Append))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    session
        .append(append(&["w_small"], batch(&[7], &["a"]), Mode::Append))
        .await
        .unwrap();
    assert_eq!(
        shown(&rows(&session, "SELECT * FROM w_small").await.unwrap()),
        ["7 | a | NULL"]
    );
    let error = session
        .append(append(&["w_view"], batch(&[1], &["a"]), Mode::Append))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let error = session
        .append(append(&["w_nowhere"], batch(&[1], &["a"]), Mode::Append))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    session.execute("DROP TABLE w_small").await.unwrap();
    session.close().await.unwrap();
}

#[tokio::test]
async fn several_partitions_at_once_are_refused() {
    let session = session().await;
    session.execute("DROP TABLE IF EXISTS w_parts").await.unwrap();
    session
        .execute("CREATE TABLE w_parts (id BIGINT, d STRING) USING parquet PARTITIONED BY (d)")
        .await
        .unwrap();
    let error = session
        .append(append(&["w_parts"], batch(&[1, 2], &["a", "b"]), Mode::Append))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("2 partitions"), "{error}");
    session
        .append(append(&["w_parts"], batch(&[1, 2], &["a", "a"]), Mode::Append))
        .await
        .unwrap();
    session
        .append(append(&["w_parts"], batch(&[3], &["b"]), Mode::Append))
        .await
        .unwrap();
    assert_eq!(
        shown(&rows(&session, "SELECT * FROM w_parts ORDER BY id").await.unwrap()),
        ["1 | a", "2 | a", "3 | b"]
    );
    let plan = session.explain("SELECT * FROM w_parts WHERE d = 'a'").await.unwrap();
    assert!(plan.contains("PartitionFilters: [isnotnull(d"), "{plan}");
    session.execute("DROP TABLE w_parts").await.unwrap();
    session.close().await.unwrap();
}

#[tokio::test]
async fn folders_of_files_are_written_too() {
    let session = session().await;
    let folder = format!("{}/w_folder", variable("HYBRID_SPARK_DIR"));
    let _ = fs::remove_dir_all(&folder);
    session
        .append(append(&[&folder], batch(&[1], &["a"]), Mode::Create))
        .await
        .unwrap();
    assert!(
        session
            .append(append(&[&folder], batch(&[1], &["a"]), Mode::Create))
            .await
            .is_err()
    );
    session
        .append(append(&["parquet", &folder], batch(&[2], &["b"]), Mode::Append))
        .await
        .unwrap();
    let files = fs::read_dir(&folder).unwrap().filter(|file| {
        file.as_ref()
            .unwrap()
            .path()
            .extension()
            .is_some_and(|e| e == "parquet")
    });
    assert_eq!(files.count(), 2, "one file for each write");
    let query = format!("SELECT * FROM parquet.`{folder}` ORDER BY id");
    assert_eq!(shown(&rows(&session, &query).await.unwrap()), ["1 | a", "2 | b"]);
    let replaced = session
        .append(append(&[&folder], batch(&[3], &["c"]), Mode::Replace))
        .await
        .unwrap_err();
    assert_eq!(replaced.kind(), ErrorKind::Unsupported, "{replaced}");
    assert_eq!(shown(&rows(&session, &query).await.unwrap()), ["1 | a", "2 | b"]);
    fs::remove_dir_all(&folder).unwrap();
    session
        .append(append(&[&folder], batch(&[3], &["c"]), Mode::Replace))
        .await
        .unwrap();
    assert_eq!(shown(&rows(&session, &query).await.unwrap()), ["3 | c"]);
    session.close().await.unwrap();
}

/// Also where Spark gives their paths in another spelling.
#[tokio::test]
async fn folders_of_partitions_are_refused_whatever_their_path() {
    let session = session().await;
    for name in ["w plain", "w 100%", "w+plus", "w%20b"] {
        let folder = format!("{}/{name}", variable("HYBRID_SPARK_DIR"));
        let _ = fs::remove_dir_all(&folder);
        let plain = format!("{folder}/plain");
        for id in [1, 2] {
            let mode = if id == 1 { Mode::Create } else { Mode::Append };
            let written = session.append(append(&[&plain], batch(&[id], &["a"]), mode)).await;
            assert_eq!(written.unwrap(), 1, "{plain}");
        }
        let query = format!("SELECT * FROM parquet.`{plain}` ORDER BY id");
        assert_eq!(shown(&rows(&session, &query).await.unwrap()), ["1 | a", "2 | a"]);
        let parts = format!("{folder}/parts");
        let write = append(&[&format!("{parts}/day=1")], batch(&[1], &["a"]), Mode::Create);
        session.append(write).await.unwrap();
        let url = format!("file://{parts}/");
        let tables: [&[&str]; 2] = [&["parquet", &parts], &[&url]];
        for table in tables {
            let error = session
                .append(append(table, batch(&[2], &["b"]), Mode::Append))
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{table:?}: {error}");
        }
        assert_eq!(fs::read_dir(&parts).unwrap().count(), 1, "{parts}");
    }
    session.close().await.unwrap();
}

#[tokio::test]
async fn readers_see_all_rows_of_a_write_or_none() {
    let session = session().await;
    session.execute("DROP TABLE IF EXISTS w_whole").await.unwrap();
    session
        .execute("CREATE TABLE w_whole (id BIGINT, d STRING) USING parquet")
        .await
        .unwrap();
    let (ids, days): (Vec<i64>, Vec<&str>) = (0..50_000).map(|id| (id, "x")).unzip();
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let rows = batch(&ids, &days);
            tokio::spawn(async move {
                let session = common::session().await;
                let done = session.append(append(&["w_whole"], rows, Mode::Append)).await;
                session.close().await.unwrap();
                done
            })
        })
        .collect();
    let reader = tokio::spawn(async move {
        let session = common::session().await;
        let mut seen = Vec::new();
        for _ in 0..20 {
            session.execute("REFRESH TABLE w_whole").await.unwrap();
            seen.push(
                shown(&rows(&session, "SELECT COUNT(*) FROM w_whole").await.unwrap())[0]
                    .parse::<i64>()
                    .unwrap(),
            );
        }
        session.close().await.unwrap();
        seen
    });
    for writer in writers {
        assert_eq!(writer.await.unwrap().unwrap(), 50_000);
    }
    let seen = reader.await.unwrap();
    assert!(seen.iter().all(|count| count % 50_000 == 0), "{seen:?}");
    session.execute("REFRESH TABLE w_whole").await.unwrap();
    assert_eq!(
        shown(&rows(&session, "SELECT COUNT(*) FROM w_whole").await.unwrap())[0],
        "200000"
    );
    session.execute("DROP TABLE w_whole").await.unwrap();
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_write_that_is_given_up_leaves_nothing_or_all_of_it() {
    let session = session().await;
    session.execute("DROP TABLE IF EXISTS w_killed").await.unwrap();
    session
        .execute("CREATE TABLE w_killed (id BIGINT, d STRING) USING parquet")
        .await
        .unwrap();
    let (ids, days): (Vec<i64>, Vec<&str>) = (0..3_000_000).map(|id| (id, "x")).unzip();
    let write = session.append(append(&["w_killed"], batch(&ids, &days), Mode::Append));
    let given_up = tokio::time::timeout(Duration::from_millis(1500), write).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let other = common::session().await;
    let finished = matches!(given_up, Ok(Ok(_)));
    println!("given up: {given_up:?}");
    let count = shown(&rows(&other, "SELECT COUNT(*) FROM w_killed").await.unwrap())[0].clone();
    // One that was committing when it was given up is there, and whole.
    assert!(count == "3000000" || (count == "0" && !finished), "{count} {finished}");
    session.close().await.unwrap();
    other.execute("DROP TABLE w_killed").await.unwrap();
    other.close().await.unwrap();
}
