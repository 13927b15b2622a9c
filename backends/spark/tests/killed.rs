//! A process that is stopped in the middle of a retrieval: what stays of it on the server and in the staging location,
//! and what the server's clock and a later process do about that. And a retrieval that ends early in a process that goes
//! on.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use common::{Server, config, free_port, remote, retrieved, rows, runs, shown, slow, store, through, variable};
use hybrid_conformance::killed::{Hybrid, Retrieval, Victim, entity_rows};
use hybrid_conformance::{partitioned, until};
use hybrid_core::ErrorKind;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_store_spark::{SparkSession, SparkSource, SparkStore};
use serde_json::{Value, json};

/// So many pass through the staging location.
const ROWS: usize = 300_000;

/// How long the server below keeps a session that nobody asks anything of.
const KEPT: Duration = Duration::from_secs(8);

/// Spark's own clocks, which are two, five and sixty minutes by default, and look every thirty seconds.
const CLOCKS: [&str; 10] = [
    "--conf",
    "spark.connect.execute.reattachable.senderMaxStreamDuration=2s",
    "--conf",
    "spark.connect.execute.manager.detachedTimeout=2s",
    "--conf",
    "spark.connect.execute.manager.maintenanceInterval=1s",
    "--conf",
    "spark.connect.session.manager.defaultSessionTimeout=8s",
    "--conf",
    "spark.connect.session.manager.maintenanceInterval=1s",
];

fn fields(url: &str, folder: &Path) -> Value {
    json!({"connect_url": url, "staging_location": folder, "formulation": "ranked"})
}

/// An address whose session is known by its name, to be looked into.
fn in_one_session(address: &str) -> String {
    format!("{address};session_id={}", uuid::Uuid::new_v4())
}

/// How many views of ours a session has.
async fn views(session: &SparkSession) -> usize {
    rows(session, "SHOW VIEWS LIKE '__hybrid*'").await.unwrap().num_rows()
}

async fn connect(fields: Value) -> SparkStore {
    store(serde_json::from_value(fields).unwrap()).await
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Makes a file older than what a later process leaves alone.
fn age(file: &Path) {
    let old = SystemTime::now() - Duration::from_secs(25 * 60 * 60);
    let file = File::options().append(true).open(file).unwrap();
    file.set_modified(old).unwrap();
}

#[tokio::test]
#[ignore = "a process of its own, which the other tests start and kill"]
async fn retrieves_until_killed() {
    let Some(retrieval) = Retrieval::given() else { return };
    let store = connect(retrieval.fields.clone()).await;
    retrieval.run(&store, SparkSource::query(&retrieval.query)).await;
}

#[tokio::test]
async fn what_a_killed_process_left_ends_by_the_servers_clock_or_is_swept() {
    let server = Server::start(free_port().await, &CLOCKS).await;
    let observer = through(server.port).await;
    let staged = tempfile::tempdir().unwrap();
    let name = format!("killed_{}", uuid::Uuid::new_v4().simple());
    // Also warms the server up, which gives sessions little time.
    assert!(!runs(&observer, &name).await);
    let mut sessions = Vec::new();
    for stops in [true, false] {
        let retrieval = Retrieval {
            fields: fields(&in_one_session(&remote(server.port)), staged.path()),
            query: slow(&name),
            rows: ROWS,
            stops,
        };
        let before = names(staged.path()).len();
        let victim = Victim::start("retrieves_until_killed", &retrieval);
        until("the staged file", async || names(staged.path()).len() > before).await;
        if !stops {
            until("the statement", async || runs(&observer, &name).await).await;
        }
        victim.kill();
        sessions.push(connect(retrieval.fields).await);
    }
    let session = sessions[1].session().await.unwrap();
    assert_eq!(views(&session).await, 1);
    until("the end of the statement", async || !runs(&observer, &name).await).await;
    tokio::time::sleep(KEPT + Duration::from_secs(4)).await;
    for store in &sessions {
        let ended = store.session().await.err().unwrap();
        assert_eq!(ended.kind(), ErrorKind::Unavailable, "{ended}");
        assert!(!ended.to_string().contains("cannot be reached"), "{ended}");
    }
    swept(staged.path()).await;
}

/// What two killed processes have left in the folder goes when it is old, and nothing else.
async fn swept(folder: &Path) {
    let fields = fields(&variable("HYBRID_SPARK_REMOTE"), folder);
    let left = names(folder);
    assert_eq!(left.len(), 2, "{left:?}");
    let living = connect(fields.clone()).await.session().await.unwrap();
    assert_eq!(names(folder), left, "young ones may belong to a process that lives");
    let view = living.upload(entity_rows(ROWS, false).stream().unwrap()).await.unwrap();
    fs::write(folder.join("drivers.parquet"), "somebody else's").unwrap();
    let stays = &names(folder) - &left;
    assert_eq!(stays.len(), 2, "{stays:?}");
    left.iter().for_each(|name| age(&folder.join(name)));
    age(&folder.join("drivers.parquet"));
    connect(fields).await;
    assert_eq!(names(folder), stays);
    let counted = rows(&living, &format!("SELECT COUNT(*) FROM {view}")).await.unwrap();
    assert_eq!(shown(&counted), [ROWS.to_string()]);
    living.close().await.unwrap();
    assert_eq!(names(folder), BTreeSet::from(["drivers.parquet".to_owned()]));
}

#[tokio::test]
async fn an_interrupted_command_leaves_nothing() {
    let observer = store(config()).await;
    let (folder, staged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let name = format!("interrupted_{}", uuid::Uuid::new_v4().simple());
    let retrieval = Retrieval {
        fields: fields(&variable("HYBRID_SPARK_REMOTE"), staged.path()),
        query: slow(&name),
        rows: ROWS,
        stops: false,
    };
    let command = Hybrid::start(folder.path(), "spark", &retrieval);
    until("the statement", async || runs(&observer, &name).await).await;
    assert_eq!(names(staged.path()).len(), 1);
    command.interrupt();
    assert_eq!(names(staged.path()), BTreeSet::new());
    until("the end of the statement", async || !runs(&observer, &name).await).await;
}

#[tokio::test]
async fn a_retrieval_that_fails_or_is_dropped_leaves_nothing() {
    let observer = store(config()).await;
    let staged = tempfile::tempdir().unwrap();
    let fields = fields(&in_one_session(&variable("HYBRID_SPARK_REMOTE")), staged.path());
    let spark = connect(fields.clone()).await;
    let session = spark.session().await.unwrap();
    let left = async || (names(staged.path()).len(), views(&session).await);
    let query = "SELECT id, TIMESTAMP_MICROS(0) AS ts, CAST(1 / (id - 7) AS BIGINT) AS v FROM RANGE(1000)";
    let mut asked = partitioned::retrieval(SparkSource::query(query), None, None);
    asked.views[0].join_keys[0].entity = "k".to_owned();
    asked.entities = entity_rows(ROWS, false);
    let error = retrieved(&spark, asked).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    until("the end of what failed", async || left().await == (0, 0)).await;

    let name = format!("dropped_{}", uuid::Uuid::new_v4().simple());
    let retrieval = Retrieval {
        fields,
        query: slow(&name),
        rows: ROWS,
        stops: false,
    };
    let is_seen = async {
        until("the statement", async || runs(&observer, &name).await).await;
        assert_eq!(left().await, (1, 1));
    };
    tokio::select! {
        () = retrieval.run(&spark, SparkSource::query(&retrieval.query)) => panic!("it was to be dropped"),
        () = is_seen => {}
    }
    until("the end of what was dropped", async || left().await == (0, 0)).await;
    until("the end of the statement", async || !runs(&observer, &name).await).await;
    session.close().await.unwrap();
}
