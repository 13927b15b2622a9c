use std::fs::File;
use std::path::Path;

use arrow::datatypes::{Schema, SchemaRef};
use hybrid_core::sql::blocking;
use hybrid_core::{Error, ErrorKind, Result};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::Incoming;
use crate::config::Staging;
use crate::names;
use crate::session::TrinoSession;
use crate::types::sql_type;

/// Rows per row group: several let Trino read a file with several threads.
const GROUP: usize = 200_000;

impl TrinoSession {
    /// The rows in a Parquet file on shared storage, and an external table over it.
    pub(super) async fn shared_storage(&self, staging: &Staging, incoming: Incoming) -> Result<String> {
        let name = names::temporary();
        let folder = staging.path.join(&name);
        self.made_folder(&folder);
        let schema = SchemaRef::clone(&incoming.schema);
        write(&folder, incoming).await?;
        let schema_name = self.config().staging_schema(staging).to_owned();
        let parts = [staging.catalog.clone(), schema_name, name.clone()];
        let table = names::table(&parts);
        self.made_table(&table);
        let location = format!("{}/{name}", staging.location.trim_end_matches('/'));
        let statement = format!(
            "CREATE TABLE {table} ({}) WITH (external_location = {}, format = 'PARQUET')",
            columns(&schema)?,
            names::text(&location)
        );
        self.in_schema(&parts, &statement).await?;
        Ok(table)
    }
}

fn columns(schema: &Schema) -> Result<String> {
    let column = |field: &std::sync::Arc<arrow::datatypes::Field>| {
        Ok(format!(
            "{} {}",
            names::quoted(field.name()),
            sql_type(field.data_type())?
        ))
    };
    Ok(schema
        .fields()
        .iter()
        .map(column)
        .collect::<Result<Vec<_>>>()?
        .join(", "))
}

async fn write(folder: &Path, mut incoming: Incoming) -> Result<()> {
    let (place, schema) = (folder.to_owned(), SchemaRef::clone(&incoming.schema));
    let mut writer = blocking(move || open(&place, schema)).await?;
    while let Some(batch) = incoming.next().await? {
        writer = blocking(move || {
            writer.write(&batch).map_err(|error| unwritten(&error))?;
            Ok(writer)
        })
        .await?;
    }
    blocking(move || writer.close().map(drop).map_err(|error| unwritten(&error))).await
}

fn open(folder: &Path, schema: SchemaRef) -> Result<ArrowWriter<File>> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let message = format!("the staging folder `{}` cannot be made: {error}", folder.display());
        Error::new(Error::from(error).kind(), message)
            .with_help("`staging.path` must be a folder that this process can write")
    })?;
    let file = File::create(folder.join("rows.parquet"))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP))
        .build();
    ArrowWriter::try_new(file, schema, Some(properties)).map_err(|error| unwritten(&error))
}

fn unwritten(error: &parquet::errors::ParquetError) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("rows cannot be staged as Parquet: {error}"),
    )
}
