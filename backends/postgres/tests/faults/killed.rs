//! A process that is stopped in the middle of a retrieval leaves no connection, no statement and no table.

use hybrid_conformance::killed::{Hybrid, Retrieval, Victim};
use hybrid_store_postgres::{PostgresSource, PostgresStore};
use serde_json::json;

use super::cancel::{becomes, number};
use crate::common::{admin, fresh, store, variable, version};

/// What a connection is at.
pub const ANYTHING: &str = "TRUE";
const UPLOAD: &str = "state = 'active' AND query LIKE 'COPY % FROM STDIN (FORMAT BINARY)'";
pub const STATEMENT: &str = "wait_event = 'PgSleep'";

/// A role that one process, or one store, has: by it its connections and tables are known.
pub struct Role(String);

impl Role {
    pub async fn new() -> Self {
        let name = fresh("killed");
        admin(&format!(
            "CREATE ROLE {name} LOGIN PASSWORD 'hybrid-secret'; GRANT TEMPORARY ON DATABASE hybrid TO {name}"
        ))
        .await;
        Self(name)
    }

    pub fn retrieval(&self, stops: bool) -> Retrieval {
        let variable = |name: &str| variable(&format!("HYBRID_POSTGRES_{name}"));
        let port: u16 = variable("PORT").parse().unwrap();
        Retrieval {
            fields: json!({
                "host": variable("HOST"), "port": port, "database": variable("DATABASE"), "user": self.0,
                "password": "hybrid-secret", "sslmode": "disable", "formulation": "ranked",
            }),
            query: "SELECT g AS k, TIMESTAMPTZ 'epoch' AS ts, g::float8 AS v \
                    FROM generate_series(1, 10) AS g, pg_sleep(300)"
                .to_owned(),
            rows: 2_000,
            stops,
        }
    }

    pub async fn store(&self) -> PostgresStore {
        store(serde_json::from_value(self.retrieval(false).fields).unwrap()).await
    }

    /// How many of its connections are at that.
    pub fn connections(&self, at: &str) -> String {
        let name = &self.0;
        format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{name}' AND {at}")
    }

    pub fn tables(&self) -> String {
        let name = &self.0;
        format!("SELECT count(*) FROM pg_class WHERE relname LIKE 'hybrid_%' AND pg_get_userbyid(relowner) = '{name}'")
    }

    /// Waits until it is at that, with its entity rows in a table.
    pub async fn is_at(&self, what: &str) {
        becomes(&self.connections(what), 1).await;
        assert_eq!(number(&self.tables()).await, 1);
    }

    pub async fn is_gone(&self) {
        becomes(&self.connections(ANYTHING), 0).await;
        becomes(&self.tables(), 0).await;
    }
}

#[tokio::test]
#[ignore = "a process of its own, which the other tests start and kill"]
async fn retrieves_until_killed() {
    let Some(retrieval) = Retrieval::given() else { return };
    let store = store(serde_json::from_value(retrieval.fields.clone()).unwrap()).await;
    retrieval.run(&store, PostgresSource::query(&retrieval.query)).await;
}

async fn killed(stops: bool, at: &str) {
    let role = Role::new().await;
    let victim = Victim::start("killed::retrieves_until_killed", &role.retrieval(stops));
    role.is_at(at).await;
    victim.kill();
    role.is_gone().await;
}

#[tokio::test]
async fn a_process_killed_at_its_upload_leaves_nothing() {
    killed(true, UPLOAD).await;
}

#[tokio::test]
async fn a_process_killed_at_its_statement_leaves_nothing() {
    if version().await < 14 {
        eprintln!("not run: this server looks for its client only when it has rows for it");
        return;
    }
    killed(false, STATEMENT).await;
}

#[tokio::test]
async fn an_interrupted_command_leaves_nothing() {
    let (role, folder) = (Role::new().await, tempfile::tempdir().unwrap());
    let command = Hybrid::start(folder.path(), "postgres", &role.retrieval(false));
    role.is_at(STATEMENT).await;
    command.interrupt();
    // It was cancelled: the server itself would find out seconds later.
    assert_eq!(number(&role.connections(STATEMENT)).await, 0);
    role.is_gone().await;
}
