use hybrid_core::sql::{Relation, folded_name_parts};
use hybrid_core::{DataSource, Error, ErrorKind, Result, Source};
use serde::{Deserialize, Serialize};

/// Rows of a Redshift table or query.
#[derive(DataSource, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedshiftSource {
    /// A table or a view: `table`, `schema.table` or `database.schema.table`, with quotes where a name needs them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// A SELECT, instead of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The table's schema, where `table` does not name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The table's database, where it is not the store's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// A folder below `s3_staging_location`: rows that are persisted to this source are unloaded there as Parquet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<String>,
    /// Feast's registry may repeat the source's name among its options; not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl RedshiftSource {
    /// The rows of a table.
    pub fn table(table: impl Into<String>) -> Self {
        Self {
            table: Some(table.into()),
            ..Self::default()
        }
    }

    /// The rows of a SELECT.
    pub fn query(query: impl Into<String>) -> Self {
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

    /// What it is; a table without a schema is in `schema`, and `database` is not named in statements.
    ///
    /// # Errors
    /// Definition, when it names no or several of table, query and folder to export to, or the name is malformed.
    pub fn relation(&self, database: &str, schema: &str) -> Result<Relation> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        match (given(&self.table), given(&self.query), given(&self.export)) {
            (Some(table), None, None) => {
                let schema = given(&self.schema).unwrap_or_else(|| schema.to_owned());
                let mut parts = table_parts(&table)?;
                if parts.len() == 1 {
                    parts.insert(0, schema);
                }
                if parts.len() == 2 {
                    parts.splice(0..0, given(&self.database));
                }
                if parts.len() == 3 && parts[0] == database {
                    parts.remove(0);
                }
                Ok(Relation::Table(parts))
            }
            (None, Some(query), None) => Ok(Relation::Query(query)),
            (None, None, Some(folder)) => Ok(Relation::Export(folder)),
            (None, None, None) => Err(undefined("a Redshift source has neither a `table` nor a `query`")),
            _ => Err(undefined(
                "a Redshift source has more than one of `table`, `query` and `export`",
            )),
        }
    }
}

impl From<RedshiftSource> for Source {
    fn from(source: RedshiftSource) -> Self {
        Self::with_options(
            RedshiftSource::key(),
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

fn undefined(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Definition, message).with_help("give one of them: `table: schema.name`, or `query: SELECT …`")
}

/// The unquoted parts of a table's name: what is not quoted is in lower case, as Redshift reads it.
fn table_parts(name: &str) -> Result<Vec<String>> {
    let malformed = |why: &str| {
        let message = format!("`{name}` is no name of a Redshift table: {why}");
        Error::new(ErrorKind::Definition, message)
            .with_help("write `table`, `schema.table`, `database.schema.table` or `\"Schema\".\"table.1\"`")
    };
    let parts = folded_name_parts(name).map_err(malformed)?;
    if parts.len() > 3 {
        return Err(malformed("it has more than three parts"));
    }
    Ok(parts)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parts(source: &RedshiftSource) -> Vec<String> {
        match source.relation("dev", "public").unwrap() {
            Relation::Table(parts) => parts,
            other => panic!("no table: {other:?}"),
        }
    }

    #[test]
    fn names_are_split_at_dots_outside_quotes() {
        for (name, wanted) in [
            ("t", vec!["public", "t"]),
            (" Stats.Daily ", vec!["stats", "daily"]),
            ("dev.s.t", vec!["s", "t"]),
            ("Other.s.\"T.1\"", vec!["other", "s", "T.1"]),
            ("\"a\"\"b\" . \"c\"", vec!["a\"b", "c"]),
        ] {
            assert_eq!(parts(&RedshiftSource::table(name)), wanted, "{name}");
        }
        for name in ["", "a.b.c.d", "\"a", "a.", ".a", "\"a\"b", "a\"b\""] {
            let error = RedshiftSource::table(format!("{name} "))
                .relation("dev", "public")
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Definition, "{name}");
        }
    }

    #[test]
    fn schema_and_database_complete_a_name() {
        let mut source = RedshiftSource::table("t");
        source.schema = Some("s".to_owned());
        assert_eq!(parts(&source), ["s", "t"]);
        source.database = Some("dev".to_owned());
        assert_eq!(parts(&source), ["s", "t"]);
        source.database = Some("other".to_owned());
        assert_eq!(parts(&source), ["other", "s", "t"]);
    }

    #[test]
    fn a_source_is_a_table_a_query_or_an_export() {
        let export = RedshiftSource::export("may");
        assert_eq!(export.relation("d", "s").unwrap(), Relation::Export("may".to_owned()));
        let both = RedshiftSource {
            table: Some("t".to_owned()),
            ..export
        };
        assert_eq!(both.relation("d", "s").unwrap_err().kind(), ErrorKind::Definition);
        let both = RedshiftSource {
            query: Some("SELECT 1".to_owned()),
            ..RedshiftSource::table("t")
        };
        assert_eq!(both.relation("d", "s").unwrap_err().kind(), ErrorKind::Definition);
        let neither = RedshiftSource::default().relation("d", "s").unwrap_err();
        assert_eq!(neither.kind(), ErrorKind::Definition);
        let feast = r#"{"query": "", "table": "t", "schema": "", "database": ""}"#;
        let feast: RedshiftSource = serde_json::from_str(feast).unwrap();
        assert_eq!(parts(&feast), ["public", "t"]);
    }
}
