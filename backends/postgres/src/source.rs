use hybrid_core::sql::{Relation, folded_name_parts};
use hybrid_core::{DataSource, Error, ErrorKind, Result, Source};
use serde::{Deserialize, Serialize};

/// Rows of a Postgres table or query.
#[derive(DataSource, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresSource {
    /// A table, a view or a foreign table: `table`, `schema.table`, with quotes where a name needs them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// A SELECT, instead of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Feast's registry repeats the source's name among its options; not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl PostgresSource {
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

    /// What it reads from; where a table without a schema is, the server knows.
    ///
    /// # Errors
    /// Definition, when it names neither a table nor a query, or both, or the name is malformed.
    pub fn relation(&self) -> Result<Relation> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        match (given(&self.table), given(&self.query)) {
            (Some(table), None) => Ok(Relation::Table(table_parts(&table)?)),
            (None, Some(query)) => Ok(Relation::Query(query)),
            (Some(_), Some(_)) => Err(undefined("a Postgres source has both a `table` and a `query`")),
            (None, None) => Err(undefined("a Postgres source has neither a `table` nor a `query`")),
        }
    }
}

impl From<PostgresSource> for Source {
    fn from(source: PostgresSource) -> Self {
        Self::with_options(
            PostgresSource::key(),
            [("table", source.table), ("query", source.query)],
        )
    }
}

fn undefined(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Definition, message).with_help("give one of them: `table: schema.name`, or `query: SELECT …`")
}

/// The unquoted parts of `name`, a table's with its schema or without: what is not quoted is in lower case, as the
/// server reads it.
fn table_parts(name: &str) -> Result<Vec<String>> {
    let malformed = |why: &str| {
        let message = format!("`{name}` is no name of a Postgres table: {why}");
        Error::new(ErrorKind::Definition, message)
            .with_help("write `table`, `schema.table` or `\"Schema\".\"table.1\"`")
    };
    let parts = folded_name_parts(name).map_err(malformed)?;
    match parts.len() {
        1 | 2 => Ok(parts),
        _ => Err(malformed(
            "it has more than two parts, and a connection sees one database",
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_at_dots_outside_quotes() {
        let names: [(&str, &[&str]); 4] = [
            ("t", &["t"]),
            (" Stats.Daily ", &["stats", "daily"]),
            ("s.\"T.1\"", &["s", "T.1"]),
            ("\"a\"\"b\" . \"c\"", &["a\"b", "c"]),
        ];
        for (name, parts) in names {
            assert_eq!(table_parts(name).unwrap(), parts, "{name}");
        }
        for name in ["", "a.b.c", "\"a", "a.", ".a", "\"a\"b", "a\"b\""] {
            assert_eq!(table_parts(name).unwrap_err().kind(), ErrorKind::Definition, "{name}");
        }
    }

    #[test]
    fn a_source_is_a_table_or_a_query() {
        let both = PostgresSource {
            query: Some("SELECT 1".to_owned()),
            ..PostgresSource::table("t")
        };
        assert_eq!(both.relation().unwrap_err().kind(), ErrorKind::Definition);
        assert_eq!(
            PostgresSource::default().relation().unwrap_err().kind(),
            ErrorKind::Definition
        );
        let feast = r#"{"name": "n", "query": "", "table": "t"}"#;
        let feast: PostgresSource = serde_json::from_str(feast).unwrap();
        assert_eq!(feast.relation().unwrap(), Relation::Table(vec!["t".into()]));
    }
}
