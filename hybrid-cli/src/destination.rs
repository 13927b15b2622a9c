//! Where the rows of a command go: into an output, or to a source of the definitions.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use hybrid_offline_store::retrieval::spooled;
use hybrid_offline_store::{
    BatchStream, Error, ErrorKind, FeatureStore, FeatureView, Result, RetrievalJob, RetrievalOptions, Source,
};

use crate::args::To;
use crate::outcome::Outcome;
use crate::output::Output;
use crate::progress::Bar;
use crate::report;

/// What `-o` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On this machine.
    Here(Output),
    /// The URL of an object, which the file store writes.
    There(String),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.contains("://") {
            return text.parse::<Output>().map(Self::Here);
        }
        let extension = Path::new(text).extension().map(|e| e.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("parquet" | "csv") => Ok(Self::There(text.to_owned())),
            _ => Err("name an object that ends in .parquet or .csv".to_owned()),
        }
    }
}

/// Where rows go.
pub enum Destination<'a> {
    /// A file or standard output.
    Output(&'a Output),
    /// A table, a file or an object of a store, or what a warehouse exports.
    Source {
        store: &'a FeatureStore,
        source: Box<Source>,
        overwrite: bool,
    },
}

impl<'a> Destination<'a> {
    /// What was asked for.
    ///
    /// # Errors
    /// NotFound for a source that is not defined; InvalidInput for a place that one of the project's views is read from,
    /// and for a source that is there already and may not be overwritten.
    pub async fn of(to: &'a To, store: &'a FeatureStore) -> Result<Self> {
        let overwrite = to.overwrite;
        match (&to.persist, &to.output) {
            (Some(name), _) => {
                let source = Box::new(store.registry().await?.source(name)?.clone());
                let path = local_path(store, &source);
                let is_same = |read: &Source| (&read.key, &read.options) == (&source.key, &source.options);
                spare_views(store, name, path.as_deref(), is_same).await?;
                if !overwrite && store.offline_store().source_schema(&source).await.is_ok() {
                    let message = format!("the source `{name}` holds rows already");
                    let error = Error::new(ErrorKind::InvalidInput, message);
                    return Err(error.with_help("say --overwrite, or name another"));
                }
                Ok(Self::Source {
                    store,
                    source,
                    overwrite,
                })
            }
            (None, Place::Here(output)) => {
                if let Output::File(path) = output {
                    spare_views(store, &path.display().to_string(), Some(path), |_| false).await?;
                }
                Ok(Self::Output(output))
            }
            // As a file is, an object is replaced.
            (None, Place::There(url)) => {
                let source = Source::with_options("file", [("path", Some(url.clone()))]).with_name(url);
                let path = |source: &Source| source.options.get("path").cloned();
                let is_same = |read: &Source| read.key == source.key && path(read) == path(&source);
                spare_views(store, url, None, is_same).await?;
                Ok(Self::Source {
                    store,
                    source: Box::new(source),
                    overwrite: true,
                })
            }
        }
    }

    /// Runs a retrieval into it, shown by `bar`, and tells what it gave.
    pub async fn retrieve(self, job: RetrievalJob, bar: Bar) -> Outcome {
        match self {
            Self::Output(output) => output.retrieve(job, bar).await,
            Self::Source { source, overwrite, .. } => {
                let summary = job.persist(&source, overwrite).await?;
                drop(bar);
                report::summary(&summary);
                Ok(())
            }
        }
    }

    /// Reads a stream into it, shown by `bar`, and tells how many rows came.
    pub async fn receive(self, rows: BatchStream, bar: Bar) -> Outcome {
        match self {
            Self::Output(output) => output.receive(rows, bar).await,
            Self::Source {
                store,
                source,
                overwrite,
            } => {
                let began = Instant::now();
                // A store with a single connection cannot read and write at once.
                let rows = spooled(rows, RetrievalOptions::default().memory).await?;
                let count = store.offline_store().persist(&source, rows, overwrite).await?;
                let elapsed = began.elapsed();
                drop(bar);
                report::rows(count, elapsed);
                Ok(())
            }
        }
    }
}

/// Refuses a place that one of the project's views is read from.
async fn spare_views(
    store: &FeatureStore,
    place: &str,
    path: Option<&Path>,
    is_same: impl Fn(&Source) -> bool,
) -> Result<()> {
    let registry = store.registry().await?;
    let target = path.and_then(target);
    let is_inside = |source: &Source| {
        let read = local_path(store, source).and_then(|path| path.canonicalize().ok());
        target
            .as_ref()
            .zip(read)
            .is_some_and(|(target, read)| target.starts_with(read))
    };
    let is_read = |view: &&FeatureView| is_same(&view.source) || is_inside(&view.source);
    let Some(view) = registry.feature_views.iter().find(is_read) else {
        return Ok(());
    };
    let message = format!("`{place}` is where feature view `{}` is read from", view.name);
    Err(Error::new(ErrorKind::InvalidInput, message).with_help("name another"))
}

/// Where a file would appear, links resolved; nothing where its folder is not there.
fn target(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().or_else(|| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
        Some(folder.join(path.file_name()?))
    })
}

/// The file or folder of a source, where that is one of files.
fn local_path(store: &FeatureStore, source: &Source) -> Option<PathBuf> {
    let config = store.config();
    let file_store = config
        .stores
        .iter()
        .find(|store| store.key == "file" && source.key == "file")?;
    let base = file_store
        .fields
        .get("path")
        .and_then(|path| path.as_str())
        .unwrap_or("");
    let path = source.options.get("path")?.as_str()?;
    let path = path.strip_prefix("file://").unwrap_or(path);
    Some(config.repo.join(base).join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_an_object_and_all_else_is_here() {
        let there = Ok(Place::There("s3://b/may/out.parquet".to_owned()));
        assert_eq!("s3://b/may/out.parquet".parse(), there);
        assert_eq!("-".parse(), Ok(Place::Here(Output::Table)));
        assert_eq!("a.csv".parse(), Ok(Place::Here(Output::File("a.csv".into()))));
        for wrong in ["s3://b/out.arrow", "gs://b/folder/", "out"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
