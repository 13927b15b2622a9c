//! Rows into tables, and out of Snowflake into object storage: staged first, then one statement, which does all or
//! nothing.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use hybrid_core::sql::{Append, Mode, sql_type_of};
use hybrid_core::{BatchStream, Error, ErrorKind, Result};

use crate::config::Export;
use crate::names::{list, quoted, table, text};
use crate::session::SnowflakeSession;
use crate::types::sql_type;

impl SnowflakeSession {
    /// Rows into a table, one that is there or one that is made for them.
    pub(crate) async fn write(&self, append: Append) -> Result<u64> {
        let Append {
            table: parts,
            rows,
            mode,
        } = append;
        let schema = Arc::clone(rows.schema());
        let name = table(&parts);
        if mode == Mode::Append {
            let columns = list(schema.fields().iter().map(|field| field.name().as_str()));
            let target = self.work.describe(&format!("SELECT {columns} FROM {name}")).await?;
            let values = stored(&schema, &target)?;
            let (staged, _) = self.staged(rows).await?;
            let insert = format!("INSERT INTO {name} ({columns}) SELECT {values} FROM {staged}");
            return self.work.changed(&insert).await;
        }
        let values = made(&schema)?;
        let (staged, count) = self.staged(rows).await?;
        // A table that is replaced is there until the new one is whole.
        let create = if mode == Mode::Replace {
            "CREATE OR REPLACE TABLE"
        } else {
            "CREATE TABLE"
        };
        let create = format!("{create} {name} AS SELECT {values} FROM {staged}");
        self.work.execute(&create).await?;
        Ok(count)
    }

    /// Rows into a folder of object storage. How many.
    pub(crate) async fn unload(&self, rows: BatchStream, folder: &str) -> Result<u64> {
        let statement = unloading(&self.settings().export, folder, rows.schema())?;
        let (staged, count) = self.staged(rows).await?;
        self.work.execute(&statement.replace(STAGED, &staged)).await?;
        Ok(count)
    }
}

/// The staged columns as the types of the table's.
fn stored(schema: &Schema, target: &Schema) -> Result<String> {
    let column = |field: &Arc<Field>| {
        let column = target.field_with_name(field.name())?;
        Ok(as_type(&quoted(field.name()), sql_type_of(column)))
    };
    Ok(schema
        .fields()
        .iter()
        .map(column)
        .collect::<Result<Vec<_>>>()?
        .join(", "))
}

/// The staged columns as the types that a new table gets.
fn made(schema: &Schema) -> Result<String> {
    let column = |field: &Arc<Field>| {
        let name = quoted(field.name());
        Ok(format!("{} AS {name}", as_type(&name, &sql_type(field.data_type())?)))
    };
    Ok(schema
        .fields()
        .iter()
        .map(column)
        .collect::<Result<Vec<_>>>()?
        .join(", "))
}

/// A staged value as a type.
fn as_type(name: &str, sql_type: &str) -> String {
    match sql_type {
        "VARIANT" => format!("PARSE_JSON({name})"),
        "ARRAY" | "OBJECT" => format!("PARSE_JSON({name})::{sql_type}"),
        // A cast would cut what is too long; INSERT refuses it.
        "VARCHAR" | "BINARY" => name.to_owned(),
        other => format!("{name}::{other}"),
    }
}

/// Where the staged table's name goes.
const STAGED: &str = "\u{0}staged";

/// The statement that writes staged rows to object storage as Parquet.
fn unloading(export: &Export, folder: &str, schema: &Schema) -> Result<String> {
    let missing = |field: &str| {
        let message = format!("`export` needs `{field}` in the store's configuration");
        Error::new(ErrorKind::Config, message)
    };
    let location = export
        .location
        .as_deref()
        .ok_or_else(|| missing("blob_export_location"))?;
    let integration = export
        .integration
        .as_deref()
        .ok_or_else(|| missing("storage_integration_name"))?;
    let zoned = schema
        .fields()
        .iter()
        .find(|field| matches!(field.data_type(), DataType::Timestamp(_, Some(_))));
    if let Some(zoned) = zoned.filter(|_| !export.convert_timestamps) {
        let message = format!(
            "column `{}` has a zone, and Snowflake writes no such timestamps to Parquet",
            zoned.name()
        );
        return Err(Error::new(ErrorKind::InvalidInput, message)
            .with_help("`convert_timestamp_columns: true` writes them as UTC without a zone"));
    }
    let size = export
        .max_file_size
        .map(|size| format!(" MAX_FILE_SIZE = {size}"))
        .unwrap_or_default();
    let columns = list(schema.fields().iter().map(|field| field.name().as_str()));
    Ok(format!(
        "COPY INTO {} FROM (SELECT {columns} FROM {STAGED}) STORAGE_INTEGRATION = {} FILE_FORMAT = (TYPE = PARQUET) \
         HEADER = TRUE OVERWRITE = FALSE{size}",
        text(&format!("{location}/{folder}/")),
        plain(integration),
    ))
}

/// A name without quotes is in capitals, as in Feast.
fn plain(name: &str) -> String {
    let simple = !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    match simple && !name.starts_with(|first: char| first.is_ascii_digit()) {
        true => name.to_owned(),
        false => quoted(name.trim_matches('"')),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::datatypes::TimeUnit;

    use super::*;

    fn schema(zone: bool) -> Schema {
        let time = DataType::Timestamp(TimeUnit::Microsecond, zone.then(|| "UTC".into()));
        Schema::new(vec![
            Field::new("id", DataType::Int64, true),
            Field::new("it's", time, true),
        ])
    }

    fn export() -> Export {
        Export {
            integration: Some("feast_s3".into()),
            location: Some("s3://bucket/it's".into()),
            convert_timestamps: true,
            max_file_size: Some(1_000),
        }
    }

    #[test]
    fn unloading_is_one_statement() {
        let statement = unloading(&export(), "training/may", &schema(true)).unwrap();
        assert_eq!(
            statement.replace(STAGED, "\"t\""),
            "COPY INTO 's3://bucket/it''s/training/may/' FROM (SELECT \"id\", \"it's\" FROM \"t\") STORAGE_INTEGRATION = feast_s3 \
             FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE OVERWRITE = FALSE MAX_FILE_SIZE = 1000"
        );
    }

    #[test]
    fn what_cannot_be_unloaded_is_refused_before_anything_is_sent() {
        let mut plain = export();
        plain.convert_timestamps = false;
        let error = unloading(&plain, "a", &schema(true)).unwrap_err();
        assert!(error.to_string().contains("convert_timestamp_columns"), "{error}");
        assert!(unloading(&plain, "a", &schema(false)).is_ok());
        let error = unloading(&Export::default(), "a", &schema(false)).unwrap_err();
        assert!(error.to_string().contains("blob_export_location"), "{error}");
    }

    #[test]
    fn staged_values_become_those_of_the_table() {
        assert_eq!(as_type("\"x\"", "VARIANT"), "PARSE_JSON(\"x\")");
        assert_eq!(as_type("\"x\"", "OBJECT"), "PARSE_JSON(\"x\")::OBJECT");
        assert_eq!(as_type("\"x\"", "NUMBER(20,4)"), "\"x\"::NUMBER(20,4)");
        assert_eq!(as_type("\"x\"", "VARCHAR"), "\"x\"");
    }
}
