//! Rows as files: Trino writes a folder of Parquet, under an external table of Hive that is dropped afterwards.

use hybrid_core::{BatchStream, Error, ErrorKind, Result};

use crate::append::made;
use crate::catalogs::micros_of;
use crate::error::name_of;
use crate::names;
use crate::session::TrinoSession;

/// What makes a statement write one file: object storage shows that when it is whole.
const ONE_FILE: [(&str, &str); 3] = [
    ("scale_writers", "true"),
    ("max_writer_task_count", "1"),
    ("task_max_writer_count", "1"),
];

impl TrinoSession {
    /// Writes rows to a folder below the configured place, where nothing is yet.
    pub(crate) async fn write_folder(&self, rows: BatchStream, folder: &str) -> Result<u64> {
        let config = self.config();
        let location = config
            .export_location
            .as_deref()
            .ok_or_else(|| missing("export_location"))?;
        let (catalog, schema) = config.exports().ok_or_else(|| missing("export_catalog"))?;
        self.check_exports(catalog).await?;
        let values = made(rows.schema(), "hive")?;
        let select = format!("SELECT {values} FROM {}", self.incoming(rows).await?);
        self.writes();
        self.write_one_file(catalog);
        let parts = [catalog.to_owned(), schema.to_owned(), names::temporary()];
        let table = names::table(&parts);
        // Dropping an external table leaves its files.
        self.made_table(&table);
        let place = format!("{}/{folder}", location.trim_end_matches('/'));
        let statement = format!(
            "CREATE TABLE {table} WITH (external_location = {}, format = 'PARQUET') AS {select}",
            names::text(&place)
        );
        let written = self.in_schema(&parts, &statement).await;
        Ok(written.map_err(|error| unwritten(error, &place))?.unwrap_or_default())
    }

    async fn check_exports(&self, catalog: &str) -> Result<()> {
        let connector = self.connector(catalog).await?;
        if connector == "hive" {
            return Ok(());
        }
        let message = format!("catalog `{catalog}` of the connector `{connector}` does not export");
        Err(Error::new(ErrorKind::Config, message)
            .with_help("let `export_catalog` name a catalog of the Hive connector"))
    }

    fn write_one_file(&self, catalog: &str) {
        for (name, value) in ONE_FILE {
            self.set(name, value);
        }
        self.set(&format!("{catalog}.target_max_file_size"), "1PB");
        let (name, value) = micros_of(catalog);
        self.set(&name, value);
    }
}

fn missing(field: &str) -> Error {
    let message = format!("`export` needs `{field}` in the store's configuration");
    Error::new(ErrorKind::Config, message).with_help(
        "`export_location` is a folder as Trino names it, s3://bucket/folder, `export_catalog` a catalog of the Hive connector",
    )
}

fn unwritten(error: Error, place: &str) -> Error {
    if name_of(&error) == Some("HIVE_PATH_ALREADY_EXISTS") {
        let message = format!("there is something in `{place}` already");
        return Error::new(ErrorKind::InvalidInput, message)
            .with_help("export to a folder of its own")
            .with_cause(error);
    }
    if name_of(&error) == Some("NOT_SUPPORTED") && error.message().contains("non-managed") {
        return error.with_help("the catalog needs `hive.non-managed-table-writes-enabled=true`");
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Failure, query_error};

    fn failed(name: &str, message: &str) -> Error {
        query_error(Failure {
            message: message.to_owned(),
            error_name: name.to_owned(),
            error_type: "EXTERNAL".to_owned(),
            ..Failure::default()
        })
    }

    #[test]
    fn what_is_there_stays() {
        let there = failed(
            "HIVE_PATH_ALREADY_EXISTS",
            "Target directory for table 's.t' already exists: s3://b/f",
        );
        let error = unwritten(there, "s3://b/f");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.message().contains("`s3://b/f`"), "{error}");
    }

    #[test]
    fn the_setting_of_the_catalog_is_named() {
        let refused = failed("NOT_SUPPORTED", "Writes to non-managed Hive tables is disabled");
        let error = unwritten(refused, "s3://b/f");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(
            error.to_string().contains("hive.non-managed-table-writes-enabled"),
            "{error}"
        );
    }
}
