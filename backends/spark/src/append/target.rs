use std::borrow::Cow;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use hybrid_core::sql::{Dialect, SqlSession, sql_type_of};
use hybrid_core::{ErrorKind, Result};
use percent_encoding::percent_decode_str;

use super::described::text;
use crate::SparkDialect;
use crate::error::{invalid, unsupported};
use crate::session::SparkSession;
use crate::types::{AS_TEXT, NANOS, sql_type};
use crate::upload::Uploaded;

/// Formats that Spark writes to a path without a catalog.
const FORMATS: [&str; 5] = ["parquet", "orc", "avro", "json", "csv"];

/// A folder of files, as a table's name: a path, or a format and a path.
pub(crate) struct Files {
    pub(crate) format: String,
    pub(crate) path: String,
}

impl Files {
    pub(crate) fn named(table: &[String]) -> Option<Self> {
        let (format, path) = match table {
            [path] if path.contains('/') => ("parquet", path),
            [format, path] if path.contains('/') && FORMATS.contains(&format.as_str()) => (format.as_str(), path),
            _ => return None,
        };
        Some(Self {
            format: format.to_owned(),
            path: path.clone(),
        })
    }

    fn quoted(&self) -> String {
        format!("{}.{}", self.format, SparkDialect.quote(&self.path))
    }

    /// Refuses to replace what is there: Spark removes the files of a folder before it writes others, which would be lost
    /// with a write that fails. Of what cannot be read, the write itself says that it is there.
    pub(crate) async fn refuse_replacing(&self, session: &SparkSession) -> Result<()> {
        let known = session.describe(&format!("SELECT * FROM {}", self.quoted())).await;
        if known.is_err() {
            return Ok(());
        }
        let message = format!(
            "the files in `{}` are not replaced: Spark would remove them before others are written",
            self.path
        );
        Err(unsupported(message)
            .with_help("write to a folder of its own, or to a Delta or Iceberg table, which is replaced in one step"))
    }

    /// The columns of the files that are there.
    pub(crate) async fn describe(&self, session: &SparkSession) -> Result<SchemaRef> {
        let known = session.describe(&format!("SELECT * FROM {}", self.quoted())).await?;
        let one = format!(
            "SELECT COALESCE(MAX(f), '') FROM (SELECT _metadata.file_path AS f FROM {} LIMIT 1)",
            self.quoted()
        );
        let file = text(session, &one).await?;
        if is_partitioned(&file, &self.path) {
            let message = format!(
                "`{}` is divided into partition folders, which a path does not describe",
                self.path
            );
            return Err(unsupported(message)
                .with_help("make it a table in the catalog, partitioned by those columns, and append to that"));
        }
        Ok(known)
    }
}

/// Whether there are partition folders between a folder and a file in it, whose path Spark gives percent-encoded.
fn is_partitioned(file: &str, folder: &str) -> bool {
    let folder: Vec<Cow<'_, str>> = parts(folder).map(Cow::from).collect();
    let file: Vec<Cow<'_, str>> = parts(file)
        .map(|part| percent_decode_str(part).decode_utf8_lossy())
        .collect();
    // One that is not whole begins somewhere in the file's path.
    let below = (0..file.len()).find_map(|at| file[at..].strip_prefix(folder.as_slice()));
    below
        .and_then(|below| below.split_last())
        .is_some_and(|(_, folders)| folders.iter().any(|folder| folder.contains('=')))
}

/// The parts of a path, without what a URL has before it: Spark writes `file:/a` where it was given `/a` or `file:///a`.
fn parts(location: &str) -> impl Iterator<Item = &str> {
    let path = match location.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => rest.split_once('/').map_or("", |(_, path)| path),
        _ => location.strip_prefix("file:").unwrap_or(location),
    };
    path.split('/').filter(|part| !part.is_empty())
}

/// The SELECT of uploaded rows, in the columns of a table; what was not given is NULL. As one task where one
/// file is to come of it.
pub(crate) fn columns(known: &Schema, uploaded: &Uploaded, one_file: bool) -> Result<String> {
    let unknown = uploaded
        .schema
        .fields()
        .iter()
        .find(|field| position(known, field.name()).is_none());
    if let Some(field) = unknown {
        return Err(invalid(format!("the table has no column `{}`", field.name())));
    }
    let columns = known.fields().iter().map(|field| {
        let given = position(&uploaded.schema, field.name()).map(|index| uploaded.schema.field(index));
        Ok(format!(
            "{} AS {}",
            value(field, given)?,
            SparkDialect.quote(field.name())
        ))
    });
    let hint = if one_file { "/*+ COALESCE(1) */ " } else { "" };
    Ok(format!(
        "SELECT {hint}{} FROM `{}`",
        columns.collect::<Result<Vec<_>>>()?.join(", "),
        uploaded.view
    ))
}

/// Spark's names differ by more than their case, unless it was told otherwise.
fn position(schema: &Schema, name: &str) -> Option<usize> {
    let exact = schema.fields().iter().position(|field| field.name() == name);
    exact.or_else(|| {
        schema
            .fields()
            .iter()
            .position(|field| field.name().eq_ignore_ascii_case(name))
    })
}

/// A given column in the type of the table's; ANSI casts are checked.
fn value(known: &Field, given: Option<&Field>) -> Result<String> {
    let said = sql_type_of(known);
    let name = given.map(|given| SparkDialect.quote(given.name()));
    let Some((name, given)) = name.zip(given) else {
        return Ok("NULL".to_owned());
    };
    if said == "variant" {
        return Ok(format!("PARSE_JSON({name})"));
    }
    if AS_TEXT.contains(&said) || NANOS.contains(&said) || said == "nested" {
        return Err(unsupported(format!(
            "column `{}` has Spark's type {said}, which cannot be written",
            known.name()
        )));
    }
    let text = known.data_type() == &DataType::Utf8;
    if text && matches!(given.data_type(), DataType::Timestamp(..)) {
        return Ok(format!("DATE_FORMAT({name}, \"yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'\")"));
    }
    match sql_type(known.data_type()) {
        Ok(data_type) => Ok(format!("CAST({name} AS {data_type})")),
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(name),
        Err(error) => Err(error),
    }
}

/// The SELECT of uploaded rows for a table that is made of them.
pub(crate) fn made(uploaded: &Uploaded) -> String {
    let column = |field: &std::sync::Arc<Field>| {
        let name = SparkDialect.quote(field.name());
        match field.data_type() {
            // A column of nothing but NULL says no type, and files need one.
            DataType::Null => format!("CAST({name} AS STRING) AS {name}"),
            _ => name,
        }
    };
    let columns: Vec<String> = uploaded.schema.fields().iter().map(column).collect();
    format!(
        "SELECT /*+ COALESCE(1) */ {} FROM `{}`",
        columns.join(", "),
        uploaded.view
    )
}

/// The query that counts the partitions of uploaded rows.
pub(crate) fn partition_of(known: &Schema, partitions: &[String], uploaded: &Uploaded) -> Result<String> {
    let of = |name: &String| {
        let field = position(known, name).map(|index| known.field(index));
        let field = field.ok_or_else(|| invalid(format!("the partition column `{name}` is no column of the table")))?;
        let given = position(&uploaded.schema, name).map(|index| uploaded.schema.field(index));
        value(field, given)
    };
    let values = partitions.iter().map(of).collect::<Result<Vec<_>>>()?;
    Ok(format!(
        "SELECT COUNT(*) FROM (SELECT DISTINCT {} FROM `{}`)",
        values.join(", "),
        uploaded.view
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partition_folders_are_found_below_any_path() {
        for (file, folder, partitioned) in [
            ("file:///data/t/day=1/part-0.parquet", "/data/t", true),
            ("file:/data/t/day=1/part-0.parquet", "file:///data/t/", true),
            ("file:///data/t/a=1/b=2/part-0.parquet", "/data//t", true),
            ("file:///home/data/t/day=1/part-0.parquet", "data/t", true),
            ("file:///data/my%20dir/day=1/part-0.parquet", "/data/my dir", true),
            ("file:///data/100%25/day=1/part-0.parquet", "/data/100%", true),
            ("file:///data/a%2520b/day=1/part-0.parquet", "/data/a%20b", true),
            ("file:///data/a+b/day=1/part-0.parquet", "/data/a+b", true),
            ("file:///data/gr%C3%B6%C3%9Fe/day=1/part-0.parquet", "/data/größe", true),
            ("s3a://b/t%20t/day=1/part-0.parquet", "s3a://b/t t", true),
            ("s3a://b/day=1/part-0.parquet", "s3a://b/", true),
            ("s3a://b/day=1/part-0.parquet", "s3a://b", true),
            ("file:///data/my%20dir/part=0.parquet", "/data/my dir", false),
            ("file:///data/day=1/part-0.parquet", "/data/day=1", false),
            ("file:///a=1/data/my%20dir/part-0.parquet", "/a=1/data/my dir", false),
            ("", "/data/t", false),
        ] {
            assert_eq!(is_partitioned(file, folder), partitioned, "{file} in {folder}");
        }
    }
}
