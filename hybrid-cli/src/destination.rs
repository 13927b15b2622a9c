//! Where the rows of a command go: into an output, or to a source of the definitions.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use hybrid_offline_store::config::without_secrets;
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
                spare_views(store, name, local_path(store, &source).as_deref(), Some(&source)).await?;
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

/// Refuses a place that one of the project's views is read from: a file of this machine, a source, or both.
async fn spare_views(store: &FeatureStore, place: &str, path: Option<&Path>, source: Option<&Source>) -> Result<()> {
    let registry = store.registry().await?;
    let file = path.and_then(target);
    let is_read = |view: &&FeatureView| {
        let read = local_path(store, &view.source);
        let is_file = file.as_deref().zip(read).is_some_and(|(file, read)| is_in(file, &read));
        is_file || source.is_some_and(|source| is_same(source, &view.source))
    };
    let Some(view) = registry.feature_views.iter().find(is_read) else {
        return Ok(());
    };
    let message = format!("`{place}` is where feature view `{}` is read from", view.name);
    Err(Error::new(ErrorKind::InvalidInput, message).with_help("name another"))
}

/// Options that say how rows are read, and not where they are.
const HOW: [&str; 5] = [
    "name",
    "file_format",
    "table_format",
    "s3_endpoint_override",
    "date_partition_column_format",
];

/// Whether both are one place, or the first lies in the second.
fn is_same(target: &Source, read: &Source) -> bool {
    match (url(target), url(read)) {
        (Some(target), Some(read)) => is_among(&target, &read),
        (None, None) => target.key == read.key && place(target) == place(read),
        _ => false,
    }
}

/// What says where a source's rows are.
fn place(source: &Source) -> BTreeMap<&str, String> {
    let options = source
        .options
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_string()));
    options.filter(|(name, _)| !HOW.contains(name)).collect()
}

/// The URL of a source of objects, as one of its spellings.
fn url(source: &Source) -> Option<String> {
    let (scheme, rest) = source.options.get("path")?.as_str()?.split_once("://")?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "s3a" => "s3".to_owned(),
        "gcs" => "gs".to_owned(),
        "azure" => "az".to_owned(),
        other => other.to_owned(),
    };
    Some(format!("{scheme}://{}", rest.trim_end_matches('/')))
}

/// What makes a path a glob, or ends a part of one.
const GLOB: [char; 4] = ['*', '?', '[', ']'];

/// Whether a file or object is what is read, lies in it, or may be one of a glob's: that begins and ends as they do.
fn is_among(target: &str, read: &str) -> bool {
    let begins = read.find(GLOB).map(|at| &read[..at]);
    let ends = read.rfind(GLOB).map(|at| &read[at + 1..]);
    match begins.zip(ends) {
        Some((begins, ends)) => target.starts_with(begins) && target.ends_with(ends),
        None => target
            .strip_prefix(read.trim_end_matches('/'))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
    }
}

/// The same of files of this machine; the first is resolved already.
fn is_in(file: &Path, read: &Path) -> bool {
    match read.canonicalize() {
        Ok(read) => file.starts_with(read),
        Err(_) => glob(read).is_some_and(|read| is_among(&file.to_string_lossy(), &read)),
    }
}

/// A glob, links in its first folders resolved.
fn glob(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    let (folder, _) = text[..text.find(GLOB)?].rsplit_once('/')?;
    let rest = &text[folder.len()..];
    Some(format!("{}{rest}", Path::new(folder).canonicalize().ok()?.display()))
}

/// Where a file would appear, links resolved; folders that are not there will be made.
fn target(path: &Path) -> Option<PathBuf> {
    path.ancestors().find_map(|there| {
        let rest = path.strip_prefix(there).ok()?;
        let there = Some(there).filter(|there| !there.as_os_str().is_empty());
        let mut whole = there.unwrap_or(Path::new(".")).canonicalize().ok()?;
        for part in rest.components() {
            match part {
                Component::ParentDir => {
                    whole.pop();
                }
                part => whole.push(part),
            }
        }
        Some(whole)
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
#[allow(clippy::unwrap_used)]
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

    #[test]
    fn what_is_read_is_known_in_every_spelling() {
        for (target, read) in [
            ("s3://b/x.parquet", "s3a://b/x.parquet"),
            ("s3://b/data/x.parquet", "s3://b/data/"),
            ("s3://b/data/x.parquet", "s3://b"),
            ("gs://b/data/2024.parquet", "gcs://b/data/*.parquet"),
            ("gs://b/data/a/2024.parquet", "gs://b/data/**/20[12]?.parquet"),
        ] {
            assert!(is_same(&at("file", target), &at("file", read)), "{target} {read}");
        }
        for (target, read) in [
            ("s3://b/x.parquet", "s3://c/x.parquet"),
            ("s3://b/data2/x.parquet", "s3://b/data"),
            ("s3://b/data/x.csv", "s3://b/data/*.parquet"),
            ("s3://b/other/x.parquet", "s3://b/data/*.parquet"),
            ("s3://b/data/x.parquet", "data/x.parquet"),
        ] {
            assert!(!is_same(&at("file", target), &at("file", read)), "{target} {read}");
        }
        // Another store may read the same objects.
        assert!(is_same(
            &at("file", "s3://b/data/x.parquet"),
            &at("spark", "s3://b/data")
        ));
    }

    fn at(key: &str, path: &str) -> Source {
        Source::with_options(key, [("path", Some(path.to_owned()))])
    }

    #[test]
    fn a_file_is_known_where_it_will_be() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("a.parquet"), "").unwrap();
        let is_read = |file: &str, read: &str| is_in(&target(&data.join(file)).unwrap(), &folder.path().join(read));
        for (file, read) in [
            ("a.parquet", "data/a.parquet"),
            ("b.parquet", "data"),
            ("new/deeper/b.parquet", "data/"),
            ("new/../a.parquet", "data/a.parquet"),
            ("b.parquet", "data/*.parquet"),
        ] {
            assert!(is_read(file, read), "{file} {read}");
        }
        for (file, read) in [
            ("b.parquet", "data/a.parquet"),
            ("../b.parquet", "data"),
            ("b.csv", "data/*.parquet"),
            ("b.parquet", "other/*.parquet"),
        ] {
            assert!(!is_read(file, read), "{file} {read}");
        }
    }

    #[test]
    fn a_table_is_the_same_however_it_is_read() {
        let table = |key: &str, name: &str, format: Option<&str>| {
            let format = format.map(str::to_owned);
            Source::with_options(key, [("table", Some(name.to_owned())), ("table_format", format)])
        };
        let (plain, told) = (table("spark", "t", None), table("spark", "t", Some("delta")));
        assert!(is_same(&plain, &told) && is_same(&told, &plain));
        assert!(!is_same(&plain, &table("spark", "u", None)));
        assert!(!is_same(&plain, &table("trino", "t", None)));
    }
}
