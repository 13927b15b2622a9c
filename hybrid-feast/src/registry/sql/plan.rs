//! What an apply changes, as statements.

use std::time::{SystemTime, UNIX_EPOCH};

use hybrid_core::Result;

use super::Settings;
use super::rows::{Contents, Row, contents, document};
use super::table::{HISTORY, METADATA, Table};
use crate::registry::Applied;
use crate::registry::backing::Change;

/// One statement with the values of `$1`, `$2` and so on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(i64),
    Bytes(Vec<u8>),
}

/// What `change` makes of `rows`, and the statements that do the same to the tables.
///
/// # Errors
/// Corrupt, for a row that holds something else; what `change` says.
pub(super) fn plan(rows: Vec<Row>, settings: &Settings, change: &mut Change) -> Result<(Applied, Vec<Statement>)> {
    let mut document = document(rows, &settings.project, &settings.place)?;
    let before = contents(&document, &settings.project)?;
    let (applied, changed) = change(&mut document)?;
    if !changed {
        return Ok((applied, Vec::new()));
    }
    let after = contents(&document, &settings.project)?;
    Ok((applied, statements(&before, after, settings)))
}

fn statements(before: &Contents, after: Contents, settings: &Settings) -> Vec<Statement> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let project = settings.project.as_str();
    let mut statements = Vec::new();
    for ((table, name), _) in before.iter().filter(|(key, _)| !after.contains_key(key)) {
        statements.extend(
            Table::named(table)
                .map(|table| deletions(table, name, project))
                .into_iter()
                .flatten(),
        );
    }
    for ((table, name), message) in after {
        let key = (table, name);
        if before.get(&key) != Some(&message) {
            let values = [key.1.into(), project.into(), Value::Number(now), Value::Bytes(message)];
            statements.extend(Table::named(table).map(|table| Statement::new(table.upsert(), values)));
        }
    }
    if !settings.purge_feast_metadata {
        statements.extend(metadata(project, now));
    }
    statements
}

fn deletions(table: &Table, name: &str, project: &str) -> Vec<Statement> {
    let values = || [name.into(), project.into()];
    let mut all = vec![Statement::new(table.delete(), values())];
    if table.has_versions() {
        let sql = format!("DELETE FROM {HISTORY} WHERE {} = $1 AND project_id = $2", table.id);
        all.push(Statement::new(sql, values()));
    }
    all
}

/// The project's id, made once, and when it changed.
fn metadata(project: &str, now: i64) -> [Statement; 2] {
    let row = |key: &str, value: String| [project.into(), key.into(), value.into(), Value::Number(now)];
    let insert = format!(
        "INSERT INTO {METADATA} (project_id, metadata_key, metadata_value, last_updated_timestamp) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (project_id, metadata_key) DO"
    );
    let update = format!(
        "{insert} UPDATE SET metadata_value = excluded.metadata_value, \
         last_updated_timestamp = excluded.last_updated_timestamp"
    );
    let id = crate::registry::document::random_uuid();
    [
        Statement::new(format!("{insert} NOTHING"), row("project_uuid", id)),
        Statement::new(update, row("last_updated_timestamp", now.to_string())),
    ]
}

impl Statement {
    fn new(sql: String, values: impl Into<Vec<Value>>) -> Self {
        Self {
            sql,
            values: values.into(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
