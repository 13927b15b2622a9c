//! An apply: one transaction, with the tables of definitions to itself.

use std::sync::{Arc, Mutex, PoisonError};

use hybrid_core::config::SchemaMode;
use hybrid_core::{Error, ErrorKind};
use tokio_postgres::types::{ToSql, Type};

use super::super::plan::{Statement, Value, plan};
use super::super::table::{HISTORY, METADATA, TABLES, Table};
use super::super::{SCHEMA, Settings};
use super::query;
use super::server::{Failed, Server, Session};
use crate::blocking::blocking;
use crate::registry::Applied;
use crate::registry::backing::Change;
use crate::registry::document::RecordKind;

/// How often an apply begins anew when others were faster.
const ATTEMPTS: usize = 10;

/// What Feast keeps beside definitions.
const OTHERS: [&str; 4] = [METADATA, HISTORY, "validation_references", "managed_infra"];

pub(super) async fn update(server: &Server, settings: &Arc<Settings>, change: Change) -> Result<Applied, Failed> {
    let change = Arc::new(Mutex::new(change));
    for _ in 1..ATTEMPTS {
        // What is not committed ends with its session.
        match attempt(&server.connect().await?, settings, &change).await {
            Err(failed) if failed.is_conflict() => {}
            outcome => return outcome,
        }
    }
    attempt(&server.connect().await?, settings, &change).await
}

async fn attempt(session: &Session, settings: &Arc<Settings>, change: &Arc<Mutex<Change>>) -> Result<Applied, Failed> {
    let connection = session.connection()?;
    connection.batch_execute(BEGIN).await?;
    if settings.schema_mode == SchemaMode::Auto {
        make_tables(session).await?;
    }
    let tables = query::tables(session).await?;
    if let Some(why) = settings.missing(&tables) {
        return Err(Error::new(ErrorKind::NotFound, why).into());
    }
    connection.batch_execute(&lock(&tables)).await?;
    let (_, rows) = query::rows(session, &tables, settings).await?;
    let (settings, change) = (Arc::clone(settings), Arc::clone(change));
    let planned = blocking(move || {
        let mut change = change.lock().unwrap_or_else(PoisonError::into_inner);
        plan(rows, &settings, &mut change)
    });
    let (applied, statements) = planned.await?;
    for statement in &statements {
        run(session, statement).await?;
    }
    connection.batch_execute("COMMIT").await?;
    Ok(applied)
}

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '5s'";

/// Whoever may only write rows needs no right to make tables as long as all are there.
async fn make_tables(session: &Session) -> Result<(), Failed> {
    let names: Vec<&str> = const { &TABLES }.iter().map(|table| table.name).chain(OTHERS).collect();
    if query::present(session, &names).await?.len() < names.len() {
        session
            .connection()?
            .batch_execute(&SCHEMA.replace(" BLOB", " BYTEA"))
            .await?;
    }
    Ok(())
}

/// Keeps other writers from definitions until the end. Feast, when it has written one, touches the project on another
/// connection: locking that table as well would have both wait for each other, which no server sees.
fn lock(tables: &[&Table]) -> String {
    use RecordKind::{Permission, Project, SavedDataset};
    let locked = tables
        .iter()
        .filter(|table| !matches!(table.kind, Project | Permission | SavedDataset));
    let names: Vec<&str> = locked.map(|table| table.name).collect();
    format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", names.join(", "))
}

async fn run(session: &Session, statement: &Statement) -> Result<(), Failed> {
    let values = statement.values.iter().map(|value| match value {
        Value::Text(text) => (text as &(dyn ToSql + Sync), Type::TEXT),
        Value::Number(number) => (number as _, Type::INT8),
        Value::Bytes(bytes) => (bytes as _, Type::BYTEA),
    });
    let values: Vec<_> = values.collect();
    session.connection()?.execute_typed(&statement.sql, &values).await?;
    Ok(())
}
