//! Rows to the document that a registry file is, and back to what differs.

use std::collections::BTreeMap;

use hybrid_core::{Error, ErrorKind, Result};
use prost_reflect::DynamicMessage;
use prost_reflect::prost::Message;

use super::super::changes::spec_mut;
use super::super::document::{Document, MAX_BYTES, RecordKind};
use super::table::{TABLES, Table};
use super::too_large;
use crate::proto::{self, Fields};

/// One row of a table.
pub(super) struct Row {
    pub(super) table: &'static Table,
    pub(super) name: String,
    pub(super) message: Vec<u8>,
}

/// Rows as they come, up to the most that is read.
pub(super) struct Rows<'p> {
    place: &'p str,
    rows: Vec<Row>,
    bytes: usize,
}

impl<'p> Rows<'p> {
    pub(super) fn new(place: &'p str) -> Self {
        Self {
            place,
            rows: Vec::new(),
            bytes: 0,
        }
    }

    pub(super) fn push(&mut self, row: Row) -> Result<()> {
        self.bytes += row.name.len() + row.message.len();
        if self.bytes > MAX_BYTES {
            return Err(too_large(self.place));
        }
        self.rows.push(row);
        Ok(())
    }

    pub(super) fn into_inner(self) -> Vec<Row> {
        self.rows
    }
}

/// A message that is no blob.
pub(super) fn no_message(table: &Table, name: &str, place: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("{} holds something else", what(table, name, place)),
    )
}

fn what(table: &Table, name: &str, place: &str) -> String {
    format!(
        "column {} of row `{name}` of table {} in {place}",
        table.message, table.name
    )
}

/// The definitions of `project` in `rows`, ordered by name, as the database's order means nothing.
///
/// # Errors
/// Corrupt, for a row that holds something else: the error names it.
pub(super) fn document(mut rows: Vec<Row>, project: &str, place: &str) -> Result<Document> {
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    let mut document = Document::decode(&[])?;
    for Row { table, name, message } in rows {
        let kind = table.kind;
        let mut message = proto::decode(kind.names().0, &message, &what(table, &name, place))?;
        // Feast keeps both in columns of their own, and the project nowhere else.
        let (key, value) = match kind {
            RecordKind::Project => ("name", name.as_str()),
            _ => ("project", project),
        };
        spec_mut(&mut message, kind)?.set_text(key, value)?;
        document.put(kind, None, &message)?;
    }
    Ok(document)
}

/// The messages of a project by table and name.
pub(super) type Contents = BTreeMap<(&'static str, String), Vec<u8>>;

/// What `document` holds of `project`.
pub(super) fn contents(document: &Document, project: &str) -> Result<Contents> {
    let mut contents = Contents::new();
    for table in const { &TABLES } {
        for record in document.records(table.kind, project)? {
            contents.insert((table.name, record.name), bytes(&record.message));
        }
    }
    Ok(contents)
}

fn bytes(message: &DynamicMessage) -> Vec<u8> {
    message.encode_to_vec()
}
