//! The processes, with a script that needs no Feast. What needs it is in tests/server.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use futures::future::join_all;
use hybrid_conformance::signal;
use hybrid_core::{BatchStream, ErrorKind, Result};

use super::config::WorkerConfig;
use super::pool::Pool;
use super::request::{Asked, Request};
use super::transform::Workers;

const FAKE: &str = include_str!("fake.py");

fn config() -> WorkerConfig {
    WorkerConfig {
        call_time: Duration::from_secs(60),
        memory: 1_000_000,
        ..WorkerConfig::default()
    }
}

fn pool(config: WorkerConfig) -> Pool {
    Pool::new(config, FAKE, std::env::temp_dir()).unwrap()
}

fn rows() -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    RecordBatch::try_from_iter([("n", column)]).unwrap()
}

async fn ask(pool: &Pool, what: &str) -> Result<RecordBatch> {
    let view = Asked {
        name: what.to_owned(),
        alias: None,
        features: vec!["n".to_owned()],
        message: vec![0; 10],
    };
    let request = Request {
        views: [view].into(),
        full_feature_names: false,
        agreed: Arc::default(),
        rows: rows(),
    };
    pool.ask(request).await
}

async fn pid(pool: &Pool) -> String {
    let told = ask(pool, "pid").await.unwrap_err();
    assert_eq!(told.kind(), ErrorKind::InvalidInput);
    told.message().rsplit(' ').next().unwrap().to_owned()
}

async fn ends(pid: &str) {
    let gone = async {
        while signal("-0", pid) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone).await.unwrap();
}

#[tokio::test]
async fn a_process_is_used_again() {
    let pool = pool(config());
    assert_eq!(ask(&pool, "echo").await.unwrap(), rows());
    let first = pid(&pool).await;
    assert_eq!(pid(&pool).await, first);
    drop(pool);
    ends(&first).await;
}

#[tokio::test]
async fn one_begins_before_it_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    // What it is begun with goes away: whoever is asked afterwards has begun before.
    let python = folder.path().join("python");
    std::fs::write(&python, "#!/bin/sh\nexec python3 \"$@\"\n").unwrap();
    std::fs::set_permissions(&python, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let command = vec![python.display().to_string()];
    let pool = pool(WorkerConfig { command, ..config() });
    pool.prepare().await.unwrap();
    std::fs::remove_file(&python).unwrap();
    let first = pid(&pool).await;
    pool.prepare().await.unwrap();
    assert_eq!(pid(&pool).await, first);
}

#[tokio::test]
async fn many_calls_share_a_few_processes() {
    let pool = pool(config());
    let mut pids = join_all((0..20).map(|_| pid(&pool))).await;
    pids.sort();
    pids.dedup();
    assert!(pids.len() <= 2, "{pids:?}");
}

#[tokio::test]
async fn a_process_that_went_wrong_is_replaced() {
    let pool = pool(WorkerConfig {
        call_time: Duration::from_secs(2),
        ..config()
    });
    for (what, kind, words) in [
        ("exit", ErrorKind::Unexpected, "exit status: 3"),
        ("sleep", ErrorKind::Timeout, "`sleep`: 3 rows took longer than 2 s"),
        ("memory", ErrorKind::ResourceExhausted, "--python-worker-memory"),
        ("long", ErrorKind::ResourceExhausted, "--python-worker-memory"),
        ("garbage", ErrorKind::Unexpected, "`garbage`"),
        ("none", ErrorKind::Unexpected, "no Arrow stream"),
    ] {
        let before = pid(&pool).await;
        let error = ask(&pool, what).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{what}: {error}");
        assert!(error.to_string().contains(words), "{error}");
        ends(&before).await;
        assert_ne!(pid(&pool).await, before, "{what}");
    }
    let before = pid(&pool).await;
    assert!(ask(&pool, "unclean").await.is_ok());
    assert_ne!(pid(&pool).await, before);
}

#[tokio::test]
async fn a_process_that_somebody_killed_is_replaced() {
    let pool = pool(config());
    let before = pid(&pool).await;
    assert!(signal("-9", &before));
    assert_ne!(pid(&pool).await, before);
}

#[tokio::test]
async fn a_call_that_is_given_up_ends_its_process() {
    let pool = pool(config());
    let before = pid(&pool).await;
    let call = ask(&pool, "sleep");
    assert!(tokio::time::timeout(Duration::from_millis(300), call).await.is_err());
    ends(&before).await;
    assert!(ask(&pool, "echo").await.is_ok());
}

#[tokio::test]
async fn what_others_printed_is_not_told() {
    let pool = pool(WorkerConfig {
        processes: 1,
        ..config()
    });
    assert!(ask(&pool, "echo").await.is_ok());
    let error = ask(&pool, "exit").await.unwrap_err().to_string();
    assert!(error.contains("about exit") && !error.contains("about echo"), "{error}");
}

#[tokio::test]
async fn what_cannot_begin_says_why() {
    for (command, words) in [
        (&["no-such-python"][..], "`no-such-python` cannot begin"),
        (&["false"], "it ended"),
        (&["python3", "-S", "-I"], "No module named"),
    ] {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        let workers = Workers::new(WorkerConfig { command, ..config() }, std::env::temp_dir()).unwrap();
        let rows = BatchStream::from_batches(rows().schema(), vec![rows()]);
        let error = workers.transform(Vec::new(), false, rows).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(
            error.to_string().contains(words) && error.to_string().contains("--python-worker"),
            "{error}"
        );
    }
    let none = WorkerConfig {
        command: Vec::new(),
        ..config()
    };
    assert_eq!(
        Workers::new(none, std::env::temp_dir()).err().unwrap().kind(),
        ErrorKind::Config
    );
}
