//! Where the rows of a command go: into an output, or to a source of the definitions.

use std::path::Path;
use std::str::FromStr;
use std::time::Instant;

use hybrid_offline_store::config::without_secrets;
use hybrid_offline_store::retrieval::spooled;
use hybrid_offline_store::{
    BatchStream, Error, ErrorKind, FeatureStore, Result, RetrievalJob, RetrievalOptions, Source,
};

use crate::args::To;
use crate::outcome::Outcome;
use crate::output::Output;
use crate::progress::Bar;
use crate::report;
use crate::spared::spare_views;

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
        let Some((scheme, _)) = text.split_once("://") else {
            return text.parse::<Output>().map(Self::Here);
        };
        if scheme.eq_ignore_ascii_case("file") {
            return Err("write the path of a file of this machine without file://".to_owned());
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
    /// and for a source that is there already and may not be overwritten; what its store says that cannot be used.
    pub async fn of(to: &'a To, store: &'a FeatureStore) -> Result<Self> {
        let overwrite = to.overwrite;
        match (&to.persist, &to.output) {
            (Some(name), _) => {
                let source = store.registry().await?.source(name)?.clone();
                spare_views(store, name, None, Some(&source)).await?;
                store.offline_store().check_destination(&source, overwrite).await?;
                if holds_rows(store, &source).await? && !overwrite {
                    let message = format!("the source `{name}` holds rows already");
                    let error = Error::new(ErrorKind::InvalidInput, message);
                    return Err(error.with_help("say --overwrite, or name another"));
                }
                Ok(Self::Source {
                    store,
                    source: Box::new(source),
                    overwrite,
                })
            }
            (None, Place::Here(output)) => {
                if let Output::File(path) = output {
                    spare_views(store, &path.display().to_string(), Some(path), None).await?;
                }
                Ok(Self::Output(output))
            }
            // As a file is, an object is replaced.
            (None, Place::There(url)) => {
                let name = without_secrets(url);
                let source = Source::with_options("file", [("path", Some(url.clone()))]).with_name(name.as_str());
                spare_views(store, &name, None, Some(&source)).await?;
                store.offline_store().check_destination(&source, true).await?;
                holds_rows(store, &source).await?;
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

    /// Reads a stream of the rows of `view` into it, shown by `bar`, and tells how many rows came.
    pub async fn receive(self, mut rows: BatchStream, view: &str, bar: Bar) -> Outcome {
        match self {
            Self::Output(output) => output.receive(rows, bar).await,
            Self::Source {
                store,
                source,
                overwrite,
            } => {
                let began = Instant::now();
                if store.registry().await?.feature_view(view)?.source.key == source.key {
                    // A store with a single connection cannot read and write at once.
                    rows = spooled(rows, RetrievalOptions::default().memory).await?;
                }
                let count = store.offline_store().persist(&source, rows, overwrite).await?;
                let elapsed = began.elapsed();
                drop(bar);
                report::rows(count, elapsed);
                Ok(())
            }
        }
    }
}

/// What a store says that will not do either when the rows have come.
const UNUSABLE: [ErrorKind; 4] = [
    ErrorKind::Config,
    ErrorKind::Unauthenticated,
    ErrorKind::Unavailable,
    ErrorKind::Timeout,
];

/// Whether a source holds rows, as far as its store can tell. A store that cannot be asked is an error, before anything is
/// read for it.
async fn holds_rows(store: &FeatureStore, source: &Source) -> Result<bool> {
    match store.offline_store().source_schema(source).await {
        Ok(_) => Ok(true),
        Err(error) if UNUSABLE.contains(&error.kind()) => Err(error),
        Err(_) => Ok(false),
    }
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
        for wrong in [
            "s3://b/out.arrow",
            "gs://b/folder/",
            "out",
            "file:///a.csv",
            "FILE:///a.csv",
        ] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
