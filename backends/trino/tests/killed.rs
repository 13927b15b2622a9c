//! A process that is stopped in the middle of a retrieval: what stays of it in the engine and on shared storage, and what
//! a later process does about that.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::AsArray;
use common::{connect, count, host, kill_query, long, memory, port, rows, running, unique, warehouse};
use hybrid_conformance::killed::{Hybrid, Retrieval, Victim, entity_rows};
use hybrid_conformance::until;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_store_trino::{TrinoConfig, TrinoSource, TrinoStore};
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// After so many seconds a later process drops what is left here: more than a test takes.
const SWEEP_AFTER: u64 = 3_600;

/// Several INSERTs.
const ROWS: usize = 100_000;

/// Each of these tests keeps the engine busy, and the command has little time for cleaning up.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// A schema, and where rows are staged a folder, in which nobody else's sweep is disturbed.
struct Place {
    name: String,
    staged: bool,
}

impl Place {
    fn new(staged: bool) -> Self {
        let name = unique("killed");
        Self { name, staged }
    }

    /// Where the temporary tables are.
    fn schema(&self) -> String {
        let catalog = if self.staged { "hive" } else { "iceberg" };
        format!("{catalog}.{}", self.name)
    }

    fn folder(&self) -> PathBuf {
        warehouse().join(&self.name)
    }

    /// What finds the statement in the engine's list.
    fn statement(&self) -> String {
        format!("slow_{}", self.name)
    }

    fn fields(&self) -> Value {
        let location = format!("local:///{}", self.name);
        let staging = json!({"path": self.folder(), "location": location, "catalog": "hive"});
        json!({
            "host": host(), "port": port(), "catalog": "iceberg", "user": "tester", "connector": {"type": "iceberg"},
            "dataset": self.name, "entity_select_mode": "temp_table", "formulation": "ranked",
            "staging": self.staged.then_some(staging),
        })
    }

    fn config(&self) -> TrinoConfig {
        serde_json::from_value(self.fields()).unwrap()
    }

    fn retrieval(&self, stops: bool) -> Retrieval {
        let query = format!(
            "SELECT x % 10 AS k, TIMESTAMP '1970-01-01 00:00:00.000000' AS ts, max(sin(x + y * z)) AS v FROM ({}) GROUP BY 1",
            long(&self.statement())
        );
        Retrieval {
            fields: self.fields(),
            query,
            rows: ROWS,
            stops,
        }
    }

    /// The tables and folders that are there.
    async fn names(&self, observer: &TrinoStore) -> BTreeSet<String> {
        let schema = self.schema();
        let (catalog, _) = schema.split_once('.').unwrap();
        let query = format!(
            "SELECT 'table ' || table_name FROM {catalog}.information_schema.tables WHERE table_schema = '{}'",
            self.name
        );
        let batches = rows(observer, &query).await.unwrap();
        let tables = batches
            .iter()
            .flat_map(|batch| batch.column(0).as_string::<i32>().iter().flatten());
        let folders = std::fs::read_dir(self.folder()).into_iter().flatten();
        let folders = folders.map(|entry| format!("folder {}", entry.unwrap().file_name().to_string_lossy()));
        tables.map(str::to_owned).chain(folders).collect()
    }

    /// Makes what is none of ours, by its name; returns the names.
    async fn with_others(&self, observer: &TrinoStore) -> BTreeSet<String> {
        let schema = self.schema();
        let session = observer.session().await.unwrap();
        session.execute(&format!("CREATE SCHEMA {schema}")).await.unwrap();
        for name in ["drivers", "hybrid_tmp_1_mine"] {
            let create = format!("CREATE TABLE {schema}.{name} AS SELECT 1 AS x");
            session.execute(&create).await.unwrap();
            if self.staged {
                std::fs::create_dir_all(self.folder().join(name)).unwrap();
            }
        }
        session.close().await.unwrap();
        self.names(observer).await
    }

    /// Waits until a frame is on its way; unless that stops there, until its statement runs.
    async fn busy(&self, observer: &TrinoStore, before: usize, stops: bool) {
        until("the frame", async || self.names(observer).await.len() > before).await;
        if !stops {
            until("the statement", async || {
                running(observer, &self.statement()).await == 1
            })
            .await;
        }
    }

    /// Renames what killed processes left as if it were older; returns the names.
    async fn age(&self, observer: &TrinoStore, others: &BTreeSet<String>) -> BTreeSet<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let made = now.as_secs() - 2 * SWEEP_AFTER;
        let session = observer.session().await.unwrap();
        let (schema, folder) = (self.schema(), self.folder());
        for left in &self.names(observer).await - others {
            let (kind, name) = left.split_once(' ').unwrap();
            let old = format!("hybrid_tmp_{made}_{}", name.rsplit('_').next().unwrap());
            if kind == "folder" {
                std::fs::rename(folder.join(name), folder.join(old)).unwrap();
            } else {
                let rename = format!("ALTER TABLE {schema}.{name} RENAME TO {schema}.{old}");
                session.execute(&rename).await.unwrap();
            }
        }
        session.close().await.unwrap();
        &self.names(observer).await - others
    }

    /// Kills a process in the middle of its upload, or of its statement.
    async fn kill(&self, observer: &TrinoStore, stops: bool) {
        let before = self.names(observer).await.len();
        let victim = Victim::start("retrieves_until_killed", &self.retrieval(stops));
        self.busy(observer, before, stops).await;
        victim.kill();
    }
}

#[tokio::test]
#[ignore = "a process of its own, which the other tests start and kill"]
async fn retrieves_until_killed() {
    let Some(retrieval) = Retrieval::given() else { return };
    let store = connect(serde_json::from_value(retrieval.fields.clone()).unwrap()).await;
    retrieval.run(&store, TrinoSource::from_query(&retrieval.query)).await;
}

#[tokio::test]
async fn what_was_inserted_is_swept_by_name_and_age() {
    swept(Place::new(false), 2).await;
}

#[tokio::test]
async fn what_was_staged_is_swept_by_name_and_age() {
    // Two folders, and the table over one of them.
    swept(Place::new(true), 3).await;
}

async fn swept(place: Place, left_behind: usize) {
    let _alone = ONE_AT_A_TIME.lock().await;
    let observer = memory().await;
    let others = place.with_others(&observer).await;
    place.kill(&observer, true).await;
    place.kill(&observer, false).await;
    // It would go on until query.client.timeout.
    assert_eq!(running(&observer, &place.statement()).await, 1);
    kill_query(&observer, &place.statement()).await;
    let left = place.age(&observer, &others).await;
    assert_eq!(left.len(), left_behind, "{left:?}");

    let living = connect(place.config()).await.session().await.unwrap();
    let rows = entity_rows(1_000, false).stream().unwrap();
    let relation = living.upload(rows).await.unwrap();
    let there = place.names(&observer).await;
    assert!(there.is_superset(&left), "{there:?}: they are younger than a day");
    let stays = &there - &left;
    assert!(stays.len() > others.len(), "{stays:?}");
    let mut later = place.config();
    later.sweep_after = SWEEP_AFTER;
    let later = connect(later).await;
    later.session().await.unwrap().close().await.unwrap();
    until("the sweep", async || place.names(&observer).await == stays).await;
    assert_eq!(count(&observer, &format!("SELECT 1 FROM {relation}")).await, 1_000);
    living.close().await.unwrap();
    assert_eq!(place.names(&observer).await, others);
}

#[tokio::test]
async fn an_interrupted_command_leaves_nothing() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let (observer, place) = (memory().await, Place::new(true));
    let folder = tempfile::tempdir().unwrap();
    let command = Hybrid::start(folder.path(), "trino", &place.retrieval(false));
    place.busy(&observer, 0, false).await;
    command.interrupt();
    assert_eq!(place.names(&observer).await, BTreeSet::new());
    assert_eq!(running(&observer, &place.statement()).await, 0);
}
