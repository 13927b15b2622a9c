//! On-demand feature views, which views.py defines: with a Python that has Feast, which `scripts/test feast` names
//! in HYBRID_FEAST_PYTHON.

mod columns;
mod failures;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use hybrid_core::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use hybrid_core::arrow::datatypes::Float64Type;
use hybrid_server::{ServerConfig, WorkerConfig};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tonic::Status;

use crate::support::{DAY, HOUR, Repo, Running, exchange, frame, historical};

fn python() -> String {
    std::env::var("HYBRID_FEAST_PYTHON").expect("HYBRID_FEAST_PYTHON names a Python that has Feast")
}

/// A repository whose registry Feast added the views to.
async fn repo() -> Repo {
    static REGISTRY: OnceCell<Vec<u8>> = OnceCell::const_new();
    let repo = Repo::new().await;
    let path = repo.dir.path().join("registry.db");
    let registry = REGISTRY.get_or_init(|| async {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server/on_demand/views.py");
        let applied = Command::new(python())
            .arg(script)
            .arg(repo.dir.path())
            .output()
            .unwrap();
        assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
        std::fs::read(&path).unwrap()
    });
    std::fs::write(&path, registry.await).unwrap();
    repo
}

async fn serve(repo: &Repo) -> Running {
    let workers = WorkerConfig {
        command: vec![python()],
        call_time: Duration::from_secs(10),
        memory: 512 << 20,
        ..WorkerConfig::default()
    };
    repo.serve_with(ServerConfig {
        workers: Some(workers),
        ..ServerConfig::default()
    })
    .await
}

/// What Feast's clients send: the references asked for, then those that the views are made of.
fn command(references: &[&str]) -> Value {
    let mut command = historical();
    command["feature_refs"] = json!(references);
    command
}

/// Entity rows of driver 3, an hour apart, with a column `number`: 0, 1, …
fn numbered(rows: usize) -> RecordBatch {
    let numbers = Int64Array::from_iter_values((0..rows).map(|number| number as i64));
    let times: Vec<i64> = (0..rows).map(|row| DAY + (row % 24) as i64 * HOUR).collect();
    with(&frame(&vec![3; rows], &times), "number", Arc::new(numbers))
}

/// Two entity rows that ask for something to go wrong.
fn how(how: &str) -> RecordBatch {
    with(
        &frame(&[3, 3], &[DAY, DAY]),
        "how",
        Arc::new(StringArray::from(vec![how; 2])),
    )
}

fn with(rows: &RecordBatch, name: &str, column: ArrayRef) -> RecordBatch {
    let schema = rows.schema();
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let columns = names.zip(rows.columns().iter().cloned());
    RecordBatch::try_from_iter(columns.chain([(name, column)])).unwrap()
}

async fn ask(server: &Running, command: &Value, rows: RecordBatch) -> Result<RecordBatch, Status> {
    exchange(&mut server.client().await, command, rows).await
}

/// What comes of it: the process's number.
async fn trouble(server: &Running, what: &str) -> Result<String, Status> {
    let found = ask(server, &command(&["trouble:done"]), how(what)).await?;
    Ok(found["done"].as_string::<i32>().value(1).to_owned())
}

async fn process(server: &Running) -> String {
    trouble(server, "nothing").await.unwrap()
}

fn names(rows: &RecordBatch) -> Vec<String> {
    rows.schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect()
}

fn doubles(rows: &RecordBatch, name: &str) -> Vec<Option<f64>> {
    rows[name].as_primitive::<Float64Type>().iter().collect()
}
