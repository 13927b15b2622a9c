//! The command that is interrupted in the middle of a retrieval leaves no statement, no session and no file.

#![allow(clippy::unwrap_used)]

mod common;

use common::proxy::{Fault, Proxy};
use common::{port, staged, unique};
use hybrid_conformance::killed::{Hybrid, Retrieval};
use hybrid_conformance::until;
use serde_json::json;

/// What only the statement of the retrieval has in it.
const STATEMENT: &str = "QUALIFY ROW_NUMBER() OVER";

fn retrieval(port: u16) -> Retrieval {
    Retrieval {
        fields: json!({
            "account": "tests", "user": "tester", "password": "secret", "database": "TEST", "schema": unique("S"),
            "host": "127.0.0.1", "port": port, "protocol": "http", "entity_select_mode": "temp_table",
            "formulation": "ranked", "config_path": concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/empty.ini"),
        }),
        query: "SELECT 7 AS \"k\", '2024-01-01'::TIMESTAMP_NTZ AS \"ts\", 0.5::FLOAT AS \"v\"".to_owned(),
        rows: 2_000,
        stops: false,
    }
}

/// The command is waited for where the proxy must go on.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_command_leaves_nothing() {
    let proxy = Proxy::start(port()).await;
    proxy.fault(STATEMENT, Fault::Held);
    let folder = tempfile::tempdir().unwrap();
    let command = Hybrid::start(folder.path(), "snowflake", &retrieval(proxy.port));
    until("the statement", async || proxy.is_done()).await;
    assert!(proxy.count("COPY INTO") > 0, "the entity rows are in a table");
    command.interrupt();
    let aborted = |line: &String| line.contains("/queries/v1/abort-request") && line.contains(STATEMENT);
    assert!(proxy.seen.lock().unwrap().iter().any(aborted));
    // Temporary tables and stages end with their session.
    let ended = proxy.count("POST /session?delete=true");
    // Where an answer to that is lost it is asked for again.
    assert!(proxy.count("login-request") <= ended, "every session ends");
    // Tests beside this one stage files, too, for a moment.
    until("the end of staged files", async || staged() == 0).await;
}
