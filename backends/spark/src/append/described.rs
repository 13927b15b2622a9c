use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use futures::TryStreamExt;
use hybrid_core::Result;
use hybrid_core::sql::{Dialect, SqlSession};

use crate::SparkDialect;
use crate::error::{unexpected, unsupported};
use crate::session::SparkSession;

/// Formats whose commits are whole.
const COMMITTING: [&str; 4] = ["delta", "iceberg", "hudi", "paimon"];
/// Those of them whose tables can be replaced.
const REPLACING: [&str; 2] = ["delta", "iceberg"];
/// Formats of plain files, of which a single one becomes visible by one rename.
const FILES: [&str; 5] = ["parquet", "orc", "avro", "json", "csv"];

/// What Spark says of a table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) provider: String,
    pub(crate) partitions: Vec<String>,
    kind: String,
    bucketed: bool,
    rows: Option<u64>,
}

impl Described {
    pub(crate) async fn of(session: &SparkSession, name: &str) -> Result<Self> {
        let rows: Vec<_> = session
            .query(&format!("DESCRIBE TABLE EXTENDED {name}"))
            .await?
            .try_collect()
            .await?;
        let mut lines = Vec::new();
        for batch in &rows {
            let [names, values] = [0, 1].map(|index| {
                batch
                    .columns()
                    .get(index)
                    .and_then(|column| column.as_string_opt::<i32>())
            });
            let (Some(names), Some(values)) = (names, values) else {
                return Err(unexpected(
                    "Spark described a table by other columns than a name and a type",
                ));
            };
            let text = |column: &arrow::array::StringArray, row| {
                if column.is_null(row) {
                    String::new()
                } else {
                    column.value(row).to_owned()
                }
            };
            lines.extend((0..batch.num_rows()).map(|row| (text(names, row), text(values, row))));
        }
        Ok(Self::read(&lines))
    }

    fn read(lines: &[(String, String)]) -> Self {
        let mut described = Self::default();
        let mut section = "";
        for (name, value) in lines {
            if name.starts_with('#') && name != "# col_name" {
                section = name;
                continue;
            }
            match (section, name.as_str()) {
                (_, "" | "# col_name") => {}
                ("# Partition Information", _) => described.partitions.push(name.clone()),
                ("# Partitioning", _) => described.partitions.push(value.clone()),
                ("# Detailed Table Information" | "# Detailed View Information", "Provider") => {
                    described.provider = value.to_ascii_lowercase()
                }
                ("# Detailed Table Information" | "# Detailed View Information", "Type") => {
                    described.kind.clone_from(value)
                }
                ("# Detailed Table Information", "Num Buckets") => described.bucketed = true,
                ("# Detailed Table Information", "Statistics") => described.rows = rows_in(value),
                _ => {}
            }
        }
        described
    }

    pub(crate) fn commits_whole(&self) -> bool {
        COMMITTING.contains(&self.provider.as_str())
    }

    /// The format, where it puts a new table in the place of one in a single step, whatever the catalog does.
    pub(crate) fn replaced_whole(&self) -> Option<&'static str> {
        REPLACING.into_iter().find(|format| *format == self.provider)
    }

    /// Refuses what rows cannot be appended to whole.
    pub(crate) fn check(&self, name: &str) -> Result<()> {
        let refuse = |why: &str| {
            Err(unsupported(format!("rows cannot be appended to {name}: {why}"))
                .with_help("append to a table of Delta, Iceberg, or plain files without buckets"))
        };
        match self.provider.as_str() {
            _ if self.kind == "VIEW" => refuse("it is a view"),
            "" => refuse("Spark does not say how it is stored"),
            _ if self.commits_whole() => Ok(()),
            _ if self.bucketed => refuse("it has buckets, each of which would become visible by itself"),
            provider if FILES.contains(&provider) => Ok(()),
            provider => refuse(&format!(
                "its format `{provider}` does not promise to show all rows or none"
            )),
        }
    }
}

/// The number before ` rows` in `1234 bytes, 10 rows`; where only the bytes are known, Spark can say 0 rows.
fn rows_in(statistics: &str) -> Option<u64> {
    statistics
        .split(", ")
        .find_map(|part| part.strip_suffix(" rows")?.parse().ok())
        .filter(|rows| *rows > 0)
}

/// How many rows a table has, where ANALYZE has counted them.
pub(crate) async fn row_estimate(session: &SparkSession, table: &[String]) -> Result<Option<u64>> {
    if super::Files::named(table).is_some() || table.last().is_some_and(|name| name.contains('/')) {
        return Ok(None);
    }
    let name: Vec<String> = table.iter().map(|part| SparkDialect.quote(part)).collect();
    Ok(Described::of(session, &name.join(".")).await?.rows)
}

/// The single value of a query.
pub(crate) async fn text(session: &SparkSession, query: &str) -> Result<String> {
    let rows: Vec<_> = session.query(query).await?.try_collect().await?;
    let column = rows
        .iter()
        .find(|batch| batch.num_rows() > 0)
        .and_then(|batch| batch.columns().first().cloned());
    let column = column.ok_or_else(|| unexpected(format!("Spark answered `{query}` with nothing")))?;
    Ok(cast(&column, &DataType::Utf8)?.as_string::<i32>().value(0).to_owned())
}

/// The single number of a query.
pub(crate) async fn number(session: &SparkSession, query: &str) -> Result<i64> {
    let rows: Vec<_> = session.query(query).await?.try_collect().await?;
    let column = rows
        .iter()
        .find(|batch| batch.num_rows() > 0)
        .and_then(|batch| batch.columns().first().cloned());
    let number = column.and_then(|column| column.as_primitive_opt::<Int64Type>().map(|column| column.value(0)));
    number.ok_or_else(|| unexpected(format!("Spark answered `{query}` with no number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[(&str, &str)]) -> Vec<(String, String)> {
        lines
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_description_is_read() {
        let described = Described::read(&lines(&[
            ("Provider", "string"),
            ("d", "string"),
            ("# Partition Information", ""),
            ("# col_name", "data_type"),
            ("d", "string"),
            ("", ""),
            ("# Detailed Table Information", ""),
            ("Type", "MANAGED"),
            ("Provider", "parquet"),
            ("Statistics", "123 bytes, 45 rows"),
        ]));
        assert_eq!((described.provider.as_str(), described.rows), ("parquet", Some(45)));
        assert_eq!(described.partitions, ["d"]);
        assert!(described.check("t").is_ok() && !described.commits_whole());
        assert_eq!((rows_in("123 bytes"), rows_in("123 bytes, 0 rows")), (None, None));
    }

    #[test]
    fn what_does_not_commit_whole_is_refused() {
        for details in [("Provider", "jdbc"), ("Provider", ""), ("Type", "VIEW")] {
            let described = Described::read(&lines(&[("# Detailed Table Information", ""), details]));
            assert!(described.check("t").is_err(), "{details:?}");
        }
    }
}
