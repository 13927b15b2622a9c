//! Places that feature views are read from: results go nowhere over them, nor among them.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use hybrid_offline_store::{Error, ErrorKind, FeatureStore, FeatureView, Result, Source};

/// Refuses a place that one of the project's views is read from: a file of this machine, or a source.
///
/// # Errors
/// InvalidInput, naming the view.
pub async fn spare_views(
    store: &FeatureStore,
    place: &str,
    path: Option<&Path>,
    source: Option<&Source>,
) -> Result<()> {
    let registry = store.registry().await?;
    let path = path.map(Path::to_owned);
    let path = path.or_else(|| local_path(store, source?));
    let file = path.as_deref().and_then(target);
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
const HOW: [&str; 4] = ["name", "file_format", "table_format", "s3_endpoint_override"];

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
        "s3a" | "s3n" => "s3".to_owned(),
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

/// The file or folder of a source, where that is one of files of this machine.
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
    (!path.contains("://")).then(|| config.repo.join(base).join(path))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_known_in_every_spelling() {
        for (target, read) in [
            ("s3://b/x.parquet", "s3a://b/x.parquet"),
            ("s3n://b/x.parquet", "s3://b/x.parquet"),
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
