use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use arrow::array::RecordBatch;
use futures::TryStreamExt;
use hybrid_core::sql::blocking;
use hybrid_core::{BatchStream, Error, ErrorKind, Result};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use crate::protocol::Plan;
use crate::session::SparkSession;
use crate::types::Incoming;
use crate::upload::Uploaded;

/// What the names of our files begin with; Spark does not see files that begin with an underscore.
const PREFIX: &str = "hybrid_upload_";
/// Older ones belong to a process that was killed.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);
/// A row group ends with so many rows or bytes: it is in memory until it is written.
const GROUP_ROWS: usize = 1 << 18;
const GROUP_BYTES: usize = 64 << 20;

/// A folder that this process and the Spark server both reach.
#[derive(Debug, Clone)]
pub(crate) struct Staging {
    folder: PathBuf,
}

impl Staging {
    /// The folder of a `staging_location`; `None` where only the server reaches it.
    ///
    /// # Errors
    /// Config, when it is neither a whole path nor a URL.
    pub(crate) fn at(location: &str) -> Result<Option<Self>> {
        let path = location
            .strip_prefix("file://")
            .or_else(|| location.strip_prefix("file:"))
            .unwrap_or(location);
        match path {
            _ if path.contains("://") => Ok(None),
            _ if path.starts_with('/') => Ok(Some(Self { folder: path.into() })),
            _ => Err(
                Error::new(ErrorKind::Config, format!("`staging_location: {location}` is no place"))
                    .with_help("the server must find it too: write `/path`, `file:///path` or another URL"),
            ),
        }
    }

    /// Makes the folder and removes what killed processes left in it.
    pub(crate) async fn prepare(&self) -> Result<()> {
        let folder = self.folder.clone();
        blocking(move || {
            fs::create_dir_all(&folder).map_err(|error| trouble("make the folder", &folder, &error))?;
            sweep(&folder);
            Ok(())
        })
        .await
    }

    /// Writes rows to a Parquet file and names it as a view; `first` were read already.
    pub(crate) async fn upload(
        &self,
        session: &SparkSession,
        incoming: &Incoming,
        first: Vec<RecordBatch>,
        mut rest: BatchStream,
    ) -> Result<Uploaded> {
        let file = self
            .folder
            .join(format!("{PREFIX}{}.parquet", uuid::Uuid::new_v4().simple()));
        session
            .staged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(file.clone());
        let mut count = first.iter().map(|batch| batch.num_rows() as u64).sum();
        let schema = incoming.schema().clone();
        let path = file.clone();
        let mut writer = blocking(move || {
            let created = File::create_new(&path).map_err(|error| trouble("write", &path, &error))?;
            let mut writer =
                ArrowWriter::try_new(created, schema, Some(properties())).map_err(|error| unwritten(&path, error))?;
            first
                .iter()
                .try_for_each(|batch| writer.write(batch))
                .map_err(|error| unwritten(&path, error))?;
            Ok(writer)
        })
        .await?;
        while let Some(batch) = rest.try_next().await? {
            let batch = incoming.convert(&batch)?;
            count += batch.num_rows() as u64;
            let path = file.clone();
            writer = blocking(move || {
                writer.write(&batch).map_err(|error| unwritten(&path, error))?;
                Ok(writer)
            })
            .await?;
        }
        let path = file.clone();
        blocking(move || writer.close().map(drop).map_err(|error| unwritten(&path, error))).await?;
        let view = view(session, &file).await?;
        Ok(Uploaded {
            view,
            rows: count,
            schema: incoming.schema().clone(),
        })
    }

    /// Removes our files at the end of a session.
    pub(crate) async fn remove(&self, files: Vec<PathBuf>) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        blocking(move || {
            for file in files {
                match fs::remove_file(&file) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(trouble("remove", &file, &error));
                    }
                    _ => {}
                }
            }
            Ok(())
        })
        .await
    }
}

async fn view(session: &SparkSession, file: &Path) -> Result<String> {
    let name = SparkSession::fresh_name();
    session.remember(&name);
    let path = file.to_string_lossy().replace('`', "``");
    let statement = format!("CREATE TEMPORARY VIEW `{name}` AS SELECT * FROM parquet.`file://{path}`");
    session
        .run(Plan::statement(&statement))
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                error.with_help("the server does not reach `staging_location`: leave it out, or share the folder")
            }
            _ => error,
        })?;
    Ok(name)
}

/// Removes files of ours that are too old to be in use; what cannot be removed stays for the next time.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let age = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
            .and_then(|at| SystemTime::now().duration_since(at).ok());
        if ours && age.is_some_and(|age| age > ABANDONED) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn trouble(action: &str, path: &Path, error: &std::io::Error) -> Error {
    let kind = Error::from(std::io::Error::from(error.kind())).kind();
    Error::new(
        kind,
        format!("cannot {action} `{}` in `staging_location`: {error}", path.display()),
    )
}

fn unwritten(path: &Path, error: parquet::errors::ParquetError) -> Error {
    let kind = match &error {
        parquet::errors::ParquetError::External(cause) => {
            cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind)
        }
        _ => None,
    };
    let kind = kind.map_or(ErrorKind::Unexpected, |kind| {
        Error::from(std::io::Error::from(kind)).kind()
    });
    Error::new(kind, format!("cannot write `{}` in `staging_location`", path.display())).with_cause(error)
}

fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        .build()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_folder_a_url_or_wrong() {
        for folder in ["/a b/c", "file:///a b/c", "file:/a b/c"] {
            assert_eq!(Staging::at(folder).unwrap().unwrap().folder, Path::new("/a b/c"));
        }
        assert!(Staging::at("s3://bucket/stage").unwrap().is_none());
        for wrong in ["", "stage", "./stage", "file://stage"] {
            assert_eq!(Staging::at(wrong).unwrap_err().kind(), ErrorKind::Config, "{wrong}");
        }
    }
}
