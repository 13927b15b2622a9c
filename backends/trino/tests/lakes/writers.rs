//! What readers see of a table while others write it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use futures::future::try_join_all;
use hybrid_core::sql::Mode;
use hybrid_core::{BatchStream, Source};
use hybrid_store_trino::{TrinoSource, TrinoStore};

use crate::common::{config, connect, count, create, number, router, unique};

/// The connectors that are said to commit a statement whole.
const ATOMIC: [&str; 2] = ["iceberg", "delta_lake"];

/// Of one append.
const ROWS: i64 = 1_000;

fn numbers(rows: i64) -> Vec<RecordBatch> {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    vec![RecordBatch::try_from_iter([("n", column)]).unwrap()]
}

/// Does some work, and says which numbers of rows a reader saw meanwhile.
async fn watched<T>(store: &TrinoStore, table: &str, work: impl Future<Output = T>) -> (T, BTreeSet<i64>) {
    let (over, query) = (AtomicBool::new(false), format!("SELECT count(*) FROM {table}"));
    let work = async {
        let done = work.await;
        over.store(true, Ordering::SeqCst);
        done
    };
    let watch = async {
        let mut seen = BTreeSet::new();
        while !over.load(Ordering::SeqCst) {
            seen.insert(number(store, &query).await);
        }
        seen.insert(number(store, &query).await);
        seen
    };
    tokio::join!(work, watch)
}

#[tokio::test]
async fn appends_at_the_same_time_all_arrive_and_are_seen_whole() {
    for connector in ATOMIC {
        let store = connect(config(connector)).await;
        let schema = unique("appended");
        let table = [connector, schema.as_str(), "t"];
        create(&store, &table, numbers(1), Mode::Create).await.unwrap();
        let writers = (0..3).map(|_| create(&store, &table, numbers(ROWS), Mode::Append));
        let (written, seen) = watched(&store, &table.join("."), try_join_all(writers)).await;
        assert_eq!(written.unwrap(), [ROWS.unsigned_abs(); 3], "{connector}");
        assert!(seen.iter().all(|rows| rows % ROWS == 1), "{connector}: {seen:?}");
        assert_eq!(seen.last(), Some(&(3 * ROWS + 1)), "{connector}");
    }
}

#[tokio::test]
async fn a_table_is_replaced_at_once() {
    for connector in ATOMIC {
        let store = connect(config(connector)).await;
        let schema = unique("replaced");
        let table = [connector, schema.as_str(), "t"];
        create(&store, &table, numbers(1), Mode::Create).await.unwrap();
        let replace = async {
            for rows in 2..=4 {
                let replaced = create(&store, &table, numbers(rows), Mode::Replace).await;
                assert_eq!(replaced.unwrap(), rows.unsigned_abs(), "{connector}");
            }
        };
        let ((), seen) = watched(&store, &table.join("."), replace).await;
        assert!(seen.is_subset(&(1..=4).collect()), "{connector}: {seen:?}");
        assert_eq!(seen.last(), Some(&4), "{connector}");
    }
}

/// Where it takes two steps, whatever the moment: no row is lost, and nothing is left beside the table.
#[tokio::test]
async fn a_replacement_that_is_given_up_has_been_done_or_not() {
    let (own, schema) = (connect(config("memory")).await, unique("given_up"));
    create(&own, &["memory", &schema, "t"], numbers(1), Mode::Create)
        .await
        .unwrap();
    let destination: Source = TrinoSource::new(format!("memory.{schema}.t")).into();
    for (delay, rows) in (0..1_000).step_by(50).zip(2..) {
        let router = router(Arc::new(connect(config("memory")).await));
        let before = number(&own, &format!("SELECT count(*) FROM memory.{schema}.t")).await;
        let batches = numbers(rows);
        let new = BatchStream::from_batches(batches[0].schema(), batches);
        let replaced =
            tokio::time::timeout(Duration::from_millis(delay), router.persist(&destination, new, true)).await;
        router.shutdown().await.unwrap();
        let after = number(&own, &format!("SELECT count(*) FROM memory.{schema}.t")).await;
        match replaced {
            Ok(done) => assert_eq!((done.unwrap(), after), (rows.unsigned_abs(), rows)),
            Err(_) => assert!(after == before || after == rows, "{before}, {rows}: {after}"),
        }
        assert_eq!(
            count(&own, &format!("SHOW TABLES FROM memory.{schema} LIKE 't%'")).await,
            1
        );
    }
}
