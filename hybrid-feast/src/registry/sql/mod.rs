//! A registry in tables of a database: one row per definition, its message in a column.

mod plan;
#[cfg(feature = "registry-sql-postgres")]
mod postgres;
mod rows;
#[cfg(feature = "registry-sql-sqlite")]
mod sqlite;
mod table;

#[cfg(feature = "registry-sql-postgres")]
pub(crate) use postgres::Postgres;
#[cfg(feature = "registry-sql-sqlite")]
pub(crate) use sqlite::Sqlite;

use hybrid_core::config::{SchemaMode, SqlRegistry};
use hybrid_core::{Error, ErrorKind};

use table::Table;

/// The statements that make the tables and indexes which are missing.
const SCHEMA: &str = include_str!("schema.sql");

/// What is asked of the tables of one project.
#[derive(Debug, Clone)]
struct Settings {
    project: String,
    schema_mode: SchemaMode,
    purge_feast_metadata: bool,
    /// The database, as messages name it.
    place: String,
}

impl Settings {
    fn new(config: &SqlRegistry, project: &str, place: String) -> Self {
        Self {
            project: project.to_owned(),
            schema_mode: config.schema_mode,
            purge_feast_metadata: config.purge_feast_metadata,
            place,
        }
    }

    /// Why a database with these tables holds no registry, if it holds none.
    fn missing(&self, tables: &[&Table]) -> Option<String> {
        let known = |table: &&Table| tables.iter().any(|present| present.name == table.name);
        let required = |table: &&Table| table.needed || self.schema_mode == SchemaMode::Verify;
        let missing: Vec<&str> = table::TABLES
            .iter()
            .filter(required)
            .filter(|table| !known(table))
            .map(|table| table.name)
            .collect();
        (!missing.is_empty()).then(|| {
            let (tables, have) = (missing.join(", "), if missing.len() == 1 { "table" } else { "tables" });
            format!("{} holds no registry of Feast: it has no {have} {tables}", self.place)
        })
    }
}

/// More than a registry has.
fn too_large(place: &str) -> Error {
    let most = super::document::MAX_BYTES;
    let message = format!("the registry in {place} has more than {most} bytes, which is the most that is read");
    Error::new(ErrorKind::ResourceExhausted, message)
}
