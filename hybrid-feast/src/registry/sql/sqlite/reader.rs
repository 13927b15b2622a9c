use hybrid_core::Result;
use rusqlite::{Connection, Result as Sql};

use super::super::Settings;
use super::super::rows::{Row, Rows, document, no_message};
use super::super::table::{TABLES, Table};
use super::error::failed;
use super::place::Place;
use crate::registry::backing::{Loaded, Version};

/// A connection that stays open to tell whether others have written since.
pub(super) struct Reader {
    connection: Connection,
    /// The file that it has open.
    pub(super) file: u64,
    /// Tells it from other readers.
    number: u64,
}

impl Reader {
    pub(super) fn new(connection: Connection, file: u64, number: u64) -> Self {
        Self {
            connection,
            file,
            number,
        }
    }

    /// What is there now; `None` where that still is the `known` version.
    pub(super) fn load(
        &mut self,
        known: Option<&Version>,
        settings: &Settings,
        place: &Place,
    ) -> Result<Option<Loaded>> {
        let number = self.number;
        let failed = |error| failed(place, "read", error);
        if known.is_some() && known == Some(&version(&self.connection, number).map_err(failed)?) {
            return Ok(None);
        }
        // All of it as it is at one moment.
        let transaction = self.connection.transaction().map_err(failed)?;
        let tables = tables(&transaction).map_err(failed)?;
        let missing = settings.missing(&tables);
        let found = match missing {
            None => rows(&transaction, &tables, &settings.project, place)?,
            Some(_) => Vec::new(),
        };
        Ok(Some(Loaded {
            version: Some(version(&transaction, number).map_err(failed)?),
            document: document(found, &settings.project, &settings.place)?,
            missing,
        }))
    }
}

/// A number of SQLite's that changes when another connection has written, be it of another process.
fn version(connection: &Connection, reader: u64) -> Sql<Version> {
    let number: i64 = connection.query_one("PRAGMA data_version", [], |row| row.get(0))?;
    Ok(format!("{reader}/{number}"))
}

/// The tables of definitions that are there.
pub(super) fn tables(connection: &Connection) -> Sql<Vec<&'static Table>> {
    let mut statement = connection.prepare("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")?;
    let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Sql<_>>()?;
    Ok(const { &TABLES }
        .iter()
        .filter(|table| names.iter().any(|name| name == table.name))
        .collect())
}

/// Every row of a project.
pub(super) fn rows(
    connection: &Connection,
    tables: &[&'static Table],
    project: &str,
    place: &Place,
) -> Result<Vec<Row>> {
    let shown = place.to_string();
    let failed = |error| failed(place, "read", error);
    let mut all = Rows::new(&shown);
    for table in tables {
        let mut statement = connection.prepare(&select(table)).map_err(failed)?;
        let mut rows = statement.query([project]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let name = row.get_ref(0).map_err(failed)?;
            let name = String::from_utf8_lossy(name.as_bytes().unwrap_or_default()).into_owned();
            let message = row.get_ref(1).map_err(failed)?.as_bytes();
            let message = message.map_err(|_| no_message(table, &name, &shown))?.to_vec();
            all.push(Row { table, name, message })?;
        }
    }
    Ok(all.into_inner())
}

/// Name and message of a project's rows; the project is `$1`.
fn select(table: &Table) -> String {
    let Table { name, id, message, .. } = table;
    format!("SELECT {id}, {message} FROM {name} WHERE {}", table.condition())
}
