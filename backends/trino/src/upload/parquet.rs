use std::fs::File;
use std::io::{self, Write};
use std::mem;
use std::path::Path;

use arrow::datatypes::{Schema, SchemaRef};
use hybrid_core::sql::blocking;
use hybrid_core::{Error, ErrorKind, Result};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::Incoming;
use super::storage::{Staged, Storage};
use crate::config::Staging;
use crate::names;
use crate::objects::Feed;
use crate::session::TrinoSession;
use crate::types::sql_type;

/// Rows per row group: several let Trino read a file with several threads.
const GROUP: usize = 200_000;

impl TrinoSession {
    /// The rows in a Parquet file on shared storage, and an external table over it.
    pub(super) async fn shared_storage(
        &self,
        staging: &Staging,
        storage: &Storage,
        incoming: Incoming,
    ) -> Result<String> {
        let name = names::temporary();
        let schema = SchemaRef::clone(&incoming.schema);
        let sink = self.sink(storage, &name).await?;
        write(sink, incoming).await?;
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
        let made = self.in_schema(&parts, &statement).await;
        made.map_err(|error| error.within(&format!("rows staged in `{location}`")))?;
        Ok(table)
    }

    /// What takes a new file.
    async fn sink(&self, storage: &Storage, name: &str) -> Result<Sink> {
        match storage {
            Storage::Folder(folder) => {
                let folder = folder.join(name);
                self.stages(Staged::Folder(folder.clone()));
                blocking(move || Ok(Sink::File(made(&folder)?))).await
            }
            Storage::Objects(objects) => {
                objects.check().await?;
                let (upload, feed) = objects.begin(name);
                self.stages(Staged::Object(upload));
                Ok(Sink::Object(Vec::new(), feed))
            }
        }
    }
}

/// Where the bytes of a file go.
enum Sink {
    File(File),
    /// What is written, until an object takes it.
    Object(Vec<u8>, Feed),
}

impl Sink {
    /// Hands on what is written.
    async fn hand_on(&mut self) -> Result<()> {
        match self {
            Self::Object(bytes, feed) if !bytes.is_empty() => feed.put(mem::take(bytes)).await,
            _ => Ok(()),
        }
    }

    /// Everything is written.
    async fn end(mut self) -> Result<()> {
        self.hand_on().await?;
        match self {
            Self::File(_) => Ok(()),
            Self::Object(_, feed) => feed.end().await,
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Object(written, _) => written.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Object(..) => Ok(()),
        }
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

async fn write(sink: Sink, mut incoming: Incoming) -> Result<()> {
    let schema = SchemaRef::clone(&incoming.schema);
    let mut writer = blocking(move || open(sink, schema)).await?;
    while let Some(batch) = incoming.next().await? {
        writer = blocking(move || {
            writer.write(&batch).map_err(|error| unwritten(&error))?;
            Ok(writer)
        })
        .await?;
        // The row groups that are full.
        writer.inner_mut().hand_on().await?;
    }
    let sink = blocking(move || writer.into_inner().map_err(|error| unwritten(&error))).await?;
    sink.end().await
}

fn made(folder: &Path) -> Result<File> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let message = format!("the staging folder `{}` cannot be made: {error}", folder.display());
        Error::new(Error::from(error).kind(), message)
            .with_help("`staging.path` must be a folder that this process can write")
    })?;
    Ok(File::create(folder.join("rows.parquet"))?)
}

fn open(sink: Sink, schema: SchemaRef) -> Result<ArrowWriter<Sink>> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP))
        .build();
    ArrowWriter::try_new(sink, schema, Some(properties)).map_err(|error| unwritten(&error))
}

fn unwritten(error: &parquet::errors::ParquetError) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("rows cannot be staged as Parquet: {error}"),
    )
}
