use hybrid_core::sql::{Relation, name_parts};
use hybrid_core::{DataSource, Error, ErrorKind, Result, Source};
use serde::{Deserialize, Serialize};

/// A table or a query of Snowflake.
#[derive(DataSource, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnowflakeSource {
    /// `table`, `schema.table` or `database.schema.table`, letters as they are in Snowflake; a part in
    /// double quotes may hold anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// A single SELECT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The table's schema; absent: the configuration's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The table's database; absent: the configuration's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// A folder below `blob_export_location`: rows that are persisted to this source are unloaded there as
    /// Parquet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<String>,
}

impl SnowflakeSource {
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

    /// What it is, completed by the configured database and schema.
    pub(crate) fn relation(&self, database: &str, schema: &str) -> Result<Relation> {
        let (table, query, export) = (self.table.as_deref(), self.query.as_deref(), self.export.as_deref());
        Relation::one_of(table, query, export, |table| {
            let database = given(&self.database).unwrap_or(database);
            let schema = given(&self.schema).unwrap_or(schema);
            qualified(table, database, schema)
        })
    }
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

impl From<SnowflakeSource> for Source {
    fn from(source: SnowflakeSource) -> Self {
        Self::with_options(
            SnowflakeSource::key(),
            [
                ("table", source.table),
                ("query", source.query),
                ("schema", source.schema),
                ("database", source.database),
                ("export", source.export),
            ],
        )
    }
}

fn definition(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Definition, message)
}

/// Database, schema and table.
fn qualified(table: &str, database: &str, schema: &str) -> Result<Vec<String>> {
    let mut parts = name_parts(table).filter(|parts| parts.len() <= 3).ok_or_else(|| {
        definition(format!("`{table}` is no table name")).with_help(
            "write table, schema.table or database.schema.table; put double quotes around a part with dots in it",
        )
    })?;
    if parts.len() < 2 {
        parts.insert(0, schema.to_owned());
    }
    if parts.len() < 3 {
        parts.insert(0, database.to_owned());
    }
    Ok(parts)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_completed_by_database_and_schema() {
        for (written, expected) in [
            ("t", ["D", "S", "t"]),
            ("a.t", ["D", "a", "t"]),
            ("b.a.t", ["b", "a", "t"]),
            ("\"x.y\".\"t \"\"1\"\"\"", ["D", "x.y", "t \"1\""]),
        ] {
            let relation = SnowflakeSource::new(written).relation("D", "S").unwrap();
            assert_eq!(
                relation,
                Relation::Table(expected.map(str::to_owned).to_vec()),
                "{written}"
            );
        }
        for wrong in ["a.b.c.d", "a..b", ".", "\"a", "a\"b\"", "\"\"", "a."] {
            let error = SnowflakeSource::new(wrong).relation("D", "S").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Definition, "{wrong}");
        }
        let mut own = SnowflakeSource::new("t");
        (own.database, own.schema) = (Some("X".into()), Some("Y".into()));
        let expected = Relation::Table(vec!["X".into(), "Y".into(), "t".into()]);
        assert_eq!(own.relation("D", "S").unwrap(), expected);
    }

    #[test]
    fn exactly_one_of_table_query_and_export_is_named() {
        assert_eq!(
            SnowflakeSource::from_query(" SELECT 1 ").relation("D", "S").unwrap(),
            Relation::Query("SELECT 1".to_owned())
        );
        assert_eq!(
            SnowflakeSource::export("may").relation("D", "S").unwrap(),
            Relation::Export("may".to_owned())
        );
        let mut both = SnowflakeSource::new("t");
        both.query = Some("SELECT 1".into());
        for source in [both, SnowflakeSource::default(), SnowflakeSource::new("  ")] {
            assert_eq!(source.relation("D", "S").unwrap_err().kind(), ErrorKind::Definition);
        }
    }
}
