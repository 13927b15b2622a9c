use hybrid_core::sql::Relation;
use hybrid_core::{DataSource, Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// Rows that Spark reads: a table, a query, or files at a path.
#[derive(DataSource, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SparkSource {
    /// A table, with its catalog and schema where they are not the session's: `catalog.schema.table`. A part
    /// that holds a dot stands in backticks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// A single SELECT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// A file or folder that the Spark server can read: a path of its own, or a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The format of the files at `path`: `parquet`, `orc`, `avro`, `json`, `csv`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_format: Option<String>,
    /// The table format at `path`: `delta`, `iceberg`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_format: Option<String>,
}

impl SparkSource {
    /// The rows of a table.
    pub fn table(name: impl Into<String>) -> Self {
        Self {
            table: Some(name.into()),
            ..Self::default()
        }
    }

    /// The rows of a query.
    pub fn query(query: impl Into<String>) -> Self {
        Self {
            query: Some(query.into()),
            ..Self::default()
        }
    }

    /// The rows of files of a format.
    pub fn path(path: impl Into<String>, file_format: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            file_format: Some(file_format.into()),
            ..Self::default()
        }
    }

    /// What Spark reads. Files are a table too, in Spark's own notation: `format`.`path`.
    ///
    /// # Errors
    /// Definition, when it names none of table, query and path, or more than one.
    pub fn relation(&self) -> Result<Relation> {
        match (&self.table, &self.query, &self.path) {
            (Some(table), None, None) => Ok(Relation::Table(parts(table)?)),
            (None, Some(query), None) => Ok(Relation::Query(query.clone())),
            (None, None, Some(path)) => self.files(path),
            (None, None, None) => Err(wrong("names no rows")),
            _ => Err(wrong("names more than one of `table`, `query` and `path`")),
        }
    }

    fn files(&self, path: &str) -> Result<Relation> {
        let format = self.table_format.as_ref().or(self.file_format.as_ref());
        let Some(format) = format.filter(|format| !format.is_empty()) else {
            return Err(
                wrong("has a `path` and no format").with_help("say `file_format: parquet`, or a `table_format`")
            );
        };
        if path.is_empty() || path.contains('\0') {
            return Err(wrong("has a `path` that is none"));
        }
        Ok(Relation::Table(vec![format.to_ascii_lowercase(), path.to_owned()]))
    }
}

fn wrong(message: &str) -> Error {
    Error::new(ErrorKind::Definition, format!("the Spark source {message}"))
        .with_help("give it exactly one of `table`, `query`, and `path` with `file_format`")
}

/// The parts of a table's name; backticks keep dots together, two of them are one.
fn parts(name: &str) -> Result<Vec<String>> {
    let malformed = || {
        wrong(&format!("has the table name `{name}`, which cannot be read"))
            .with_help("a name is `catalog.schema.table`")
    };
    let (mut parts, mut part, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = name.trim().chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '`' if quoted && characters.peek() == Some(&'`') => {
                characters.next();
                part.push('`');
            }
            '`' => quoted = !quoted,
            '.' if !quoted => parts.push(std::mem::take(&mut part)),
            _ => part.push(character),
        }
    }
    parts.push(part);
    if quoted || parts.iter().any(String::is_empty) {
        return Err(malformed());
    }
    Ok(parts)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_at_dots_outside_of_backticks() {
        for (name, expected) in [
            ("t", vec!["t"]),
            ("c.s.t", vec!["c", "s", "t"]),
            ("`a.b`.`c``d`", vec!["a.b", "c`d"]),
            ("delta.`/a.b/c`", vec!["delta", "/a.b/c"]),
        ] {
            assert_eq!(parts(name).unwrap(), expected);
        }
        for name in ["", "a..b", "`a", ".a", "a."] {
            assert_eq!(parts(name).unwrap_err().kind(), ErrorKind::Definition, "{name}");
        }
    }

    #[test]
    fn exactly_one_of_table_query_and_path() {
        assert!(matches!(
            SparkSource::query("SELECT 1").relation(),
            Ok(Relation::Query(_))
        ));
        let files = SparkSource::path("/data/", "Parquet").relation().unwrap();
        assert_eq!(files, Relation::Table(vec!["parquet".into(), "/data/".into()]));
        let both = SparkSource {
            query: Some("SELECT 1".into()),
            ..SparkSource::table("t")
        };
        for source in [
            SparkSource::default(),
            both,
            SparkSource {
                path: Some("/x".into()),
                ..SparkSource::default()
            },
        ] {
            assert_eq!(source.relation().unwrap_err().kind(), ErrorKind::Definition);
        }
    }
}
