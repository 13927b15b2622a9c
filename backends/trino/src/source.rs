use hybrid_core::sql::{Relation, name_parts};
use hybrid_core::{DataSource, Error, ErrorKind, Result, Source};
use serde::{Deserialize, Serialize};

/// A table or a query of Trino.
#[derive(DataSource, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrinoSource {
    /// `table`, `schema.table` or `catalog.schema.table`; a part in double quotes may hold anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// A single SELECT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// A folder below `export_location`: rows that are persisted to this source are written there as Parquet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<String>,
}

impl TrinoSource {
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

    /// What it reads from, completed by the configured catalog and schema.
    pub(crate) fn relation(&self, catalog: &str, schema: &str) -> Result<Relation> {
        let (table, query, export) = (self.table.as_deref(), self.query.as_deref(), self.export.as_deref());
        Relation::one_of(table, query, export, |table| qualified(table, catalog, schema))
    }
}

impl From<TrinoSource> for Source {
    fn from(source: TrinoSource) -> Self {
        Self::with_options(
            TrinoSource::key(),
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

/// Catalog, schema and table.
fn qualified(table: &str, catalog: &str, schema: &str) -> Result<Vec<String>> {
    let mut parts = name_parts(table).filter(|parts| parts.len() <= 3).ok_or_else(|| {
        definition(format!("`{table}` is no table name")).with_help(
            "write table, schema.table or catalog.schema.table; put double quotes around a part with dots in it",
        )
    })?;
    if parts.len() < 2 {
        parts.insert(0, schema.to_owned());
    }
    if parts.len() < 3 {
        parts.insert(0, catalog.to_owned());
    }
    Ok(parts)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_completed_by_catalog_and_schema() {
        for (written, expected) in [
            ("t", ["c", "s", "t"]),
            ("a.t", ["c", "a", "t"]),
            ("b.a.t", ["b", "a", "t"]),
            ("\"x.y\".\"t \"\"1\"\"\"", ["c", "x.y", "t \"1\""]),
        ] {
            let relation = TrinoSource::new(written).relation("c", "s").unwrap();
            assert_eq!(
                relation,
                Relation::Table(expected.map(str::to_owned).to_vec()),
                "{written}"
            );
        }
        for wrong in ["a.b.c.d", "a..b", ".", "\"a", "a\"b\"", "\"\"", "a."] {
            let error = TrinoSource::new(wrong).relation("c", "s").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Definition, "{wrong}");
        }
    }

    #[test]
    fn exactly_one_of_table_query_and_export_is_named() {
        assert_eq!(
            TrinoSource::from_query(" SELECT 1 ").relation("c", "s").unwrap(),
            Relation::Query("SELECT 1".to_owned())
        );
        assert_eq!(
            TrinoSource::export("a/b").relation("c", "s").unwrap(),
            Relation::Export("a/b".to_owned())
        );
        let both = TrinoSource {
            query: Some("SELECT 1".into()),
            ..TrinoSource::new("t")
        };
        let folder_too = TrinoSource {
            export: Some("f".into()),
            ..TrinoSource::new("t")
        };
        for source in [both, folder_too, TrinoSource::default(), TrinoSource::new("  ")] {
            assert_eq!(source.relation("c", "s").unwrap_err().kind(), ErrorKind::Definition);
        }
    }
}
