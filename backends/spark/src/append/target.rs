use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use hybrid_core::sql::{Dialect, SqlSession, sql_type_of};
use hybrid_core::{ErrorKind, Result};

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
        let below = file
            .split_once(self.path.trim_end_matches('/'))
            .map_or("", |(_, below)| below);
        let folders = below.rsplit_once('/').map_or("", |(folders, _)| folders);
        if folders.contains('=') {
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
