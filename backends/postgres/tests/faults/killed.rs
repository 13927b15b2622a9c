use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use hybrid_core::BatchStream;
use hybrid_core::sql::SqlSession;

use super::cancel::becomes;
use crate::common::{admin, config, fresh, session, version};

const ROLE: &str = "HYBRID_TEST_KILLED_ROLE";

/// What the killed process does: uploads, and then waits for the server.
#[tokio::test]
async fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let mut config = config();
    config.user = role;
    let session = session(config).await;
    let numbers: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..1000));
    let batch = RecordBatch::try_from_iter([("__hybrid_row", numbers)]).unwrap();
    let table = session
        .upload(BatchStream::from_batches(batch.schema(), vec![batch]))
        .await
        .unwrap();
    session
        .execute(&format!("SELECT count(*), pg_sleep(300) FROM {table}"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_killed_process_leaves_no_session_and_no_table() {
    if version().await < 14 {
        eprintln!("not run: this server looks for its client only when it has rows for it");
        return;
    }
    let role = fresh("killed");
    admin(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'hybrid-secret'; GRANT TEMPORARY ON DATABASE hybrid TO {role}"
    ))
    .await;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::child"])
        .env(ROLE, &role)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let sessions =
        format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}' AND query LIKE '%pg_sleep%'");
    let tables =
        format!("SELECT count(*) FROM pg_class WHERE relname LIKE 'hybrid_%' AND pg_get_userbyid(relowner) = '{role}'");
    becomes(&sessions, 1, Duration::from_secs(20)).await;
    becomes(&tables, 1, Duration::from_secs(1)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    becomes(&sessions, 0, Duration::from_secs(20)).await;
    becomes(&tables, 0, Duration::from_secs(5)).await;
}
