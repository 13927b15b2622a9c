use hybrid_core::sql::Relation;
use hybrid_core::{DataSource, Error, ErrorKind, Result, Source};
use serde::{Deserialize, Serialize};

/// A table, a view or a query of BigQuery.
#[derive(DataSource, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BigQuerySource {
    /// `table`, `dataset.table` or `project.dataset.table`, with or without backticks around it or around a part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// A single SELECT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// A folder below `gcs_staging_location`: rows that are persisted to this source are exported there as Parquet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<String>,
}

impl BigQuerySource {
    /// The rows of a table.
    pub fn new(table: impl Into<String>) -> Self {
        Self {
            table: Some(table.into()),
            ..Self::default()
        }
    }

    /// The rows of a SELECT.
    pub fn from_query(query: impl Into<String>) -> Self {
        Self {
            query: Some(query.into()),
            ..Self::default()
        }
    }

    /// A folder to persist rows to, as Parquet.
    pub fn export(folder: impl Into<String>) -> Self {
        Self {
            export: Some(folder.into()),
            ..Self::default()
        }
    }

    /// What it is, completed by the project and the configured dataset.
    pub(crate) fn relation(&self, project: &str, dataset: &str) -> Result<Relation> {
        let (table, query, export) = (self.table.as_deref(), self.query.as_deref(), self.export.as_deref());
        Relation::one_of(table, query, export, |table| qualified(table, project, dataset))
    }
}

impl From<BigQuerySource> for Source {
    fn from(source: BigQuerySource) -> Self {
        Self::with_options(
            BigQuerySource::key(),
            [
                ("table", source.table),
                ("query", source.query),
                ("export", source.export),
            ],
        )
    }
}

fn definition(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Definition, message)
}

/// Project, dataset and table; four parts are those of a view of INFORMATION_SCHEMA.
fn qualified(table: &str, project: &str, dataset: &str) -> Result<Vec<String>> {
    let parts = parts(table).filter(|parts| parts.iter().all(|part| fits(part)));
    let mut parts = parts.ok_or_else(|| {
        definition(format!("`{table}` is no table name"))
            .with_help("write table, dataset.table or project.dataset.table")
    })?;
    if parts.len() < 2 {
        parts.insert(0, dataset.to_owned());
    }
    if parts.len() < 3 {
        parts.insert(0, project.to_owned());
    }
    Ok(parts)
}

/// What no part of a name can hold.
fn fits(part: &str) -> bool {
    !part.is_empty() && !part.contains(['`', '\\', '\n', '\r', '/', '"', '\''])
}

/// The one to four parts of a name, without their backticks.
fn parts(table: &str) -> Option<Vec<String>> {
    let plain = unquoted(table)?;
    // A project of a domain has a dot before its colon; before the names of SQL, a colon ended the project.
    let (domain, rest) = match plain.split_once(':') {
        Some((domain, rest)) => (Some(domain), rest),
        None => (None, plain.as_str()),
    };
    let mut parts: Vec<String> = rest.split('.').map(|part| part.trim().to_owned()).collect();
    match domain.map(str::trim) {
        Some(domain) if domain.contains('.') => parts[0] = format!("{domain}:{}", parts[0]),
        Some(project) => parts.insert(0, project.to_owned()),
        None => {}
    }
    (parts.len() <= 4).then_some(parts)
}

/// The name without backticks, which may stand around all of it or around parts.
fn unquoted(table: &str) -> Option<String> {
    let whole = table.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    if let Some(whole) = whole.filter(|whole| !whole.contains('`')) {
        return Some(whole.to_owned());
    }
    // The pieces at odd places stood between backticks; others are plain, and begin and end with a dot inside.
    let pieces: Vec<&str> = table.split('`').collect();
    let inner = pieces.len() % 2 == 1 && pieces.iter().skip(1).step_by(2).all(|piece| !piece.is_empty());
    let dotted = pieces.iter().enumerate().step_by(2).all(|(at, piece)| {
        let first = at == 0 || pieces.len() == 1;
        let last = at + 1 == pieces.len();
        (first || piece.starts_with('.') || (last && piece.is_empty()))
            && (last || piece.ends_with('.') || (first && piece.is_empty()))
    });
    (inner && dotted).then(|| pieces.concat())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_completed_by_project_and_dataset() {
        for (written, expected) in [
            ("t", ["p", "d", "t"]),
            ("a.t", ["p", "a", "t"]),
            ("b.a.t", ["b", "a", "t"]),
            ("`b-1.a.t`", ["b-1", "a", "t"]),
            ("`b-1`.a.`events_*`", ["b-1", "a", "events_*"]),
            ("old-project:a.t", ["old-project", "a", "t"]),
            ("example.com:b.a.t", ["example.com:b", "a", "t"]),
        ] {
            let relation = BigQuerySource::new(written).relation("p", "d").unwrap();
            assert_eq!(
                relation,
                Relation::Table(expected.map(str::to_owned).to_vec()),
                "{written}"
            );
        }
        let schema = BigQuerySource::new("p.d.INFORMATION_SCHEMA.TABLES")
            .relation("p", "d")
            .unwrap();
        assert!(matches!(schema, Relation::Table(parts) if parts.len() == 4));
        for wrong in [
            "a.b.c.d.e",
            "a..b",
            ".",
            "`a",
            "a`b`",
            "``",
            "a.",
            "a.b`; DROP TABLE `x",
            "a\\.b",
            "x/../y",
        ] {
            let error = BigQuerySource::new(wrong).relation("p", "d").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Definition, "{wrong}");
        }
    }

    #[test]
    fn exactly_one_of_table_query_and_export_is_named() {
        let query = BigQuerySource::from_query(" SELECT 1 ").relation("p", "d").unwrap();
        assert_eq!(query, Relation::Query("SELECT 1".to_owned()));
        let export = BigQuerySource::export("may").relation("p", "d").unwrap();
        assert_eq!(export, Relation::Export("may".to_owned()));
        let (mut both, mut exported) = (BigQuerySource::new("t"), BigQuerySource::export("may"));
        (both.query, exported.table) = (Some("SELECT 1".into()), Some("t".into()));
        for source in [both, exported, BigQuerySource::default(), BigQuerySource::new("  ")] {
            assert_eq!(source.relation("p", "d").unwrap_err().kind(), ErrorKind::Definition);
        }
    }
}
