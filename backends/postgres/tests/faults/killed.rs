use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use hybrid_conformance::killed::Victim;
use hybrid_core::BatchStream;
use hybrid_core::sql::SqlSession;

use super::cancel::{becomes, number};
use crate::common::{admin, config, fresh, session, version};

const ROLE: &str = "HYBRID_TEST_KILLED_ROLE";

#[tokio::test]
#[ignore = "a process of its own, which the other test starts and kills"]
async fn waits_for_the_server_until_killed() {
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
    let mut program = Command::new(std::env::current_exe().unwrap());
    program
        .args(["--exact", "killed::waits_for_the_server_until_killed", "--ignored"])
        .env(ROLE, &role)
        .stdout(Stdio::null());
    let victim = Victim::spawn(&mut program);
    let sessions =
        format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}' AND query LIKE '%pg_sleep%'");
    let tables =
        format!("SELECT count(*) FROM pg_class WHERE relname LIKE 'hybrid_%' AND pg_get_userbyid(relowner) = '{role}'");
    becomes(&sessions, 1).await;
    assert_eq!(number(&tables).await, 1);
    victim.kill();
    becomes(&sessions, 0).await;
    becomes(&tables, 0).await;
}
