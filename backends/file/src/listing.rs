//! Which files a source has, in the order that decides ties: sorted by path.

use std::fs;
use std::path::{Component, Path, PathBuf};

use hybrid_core::{Error, ErrorKind, Result};

use crate::error::{io_error, unsupported};
use crate::hive::{Partition, partition_of};
use crate::storage::{Handle, identity};

/// Folders nested deeper than this are refused: a link to itself, most likely.
const MAX_DEPTH: usize = 64;

/// A file of a source.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    /// Its path as people read it.
    pub name: String,
    /// Its path below the folder that was listed, as parts: what files are sorted by.
    pub parts: Vec<String>,
    /// How to open it.
    pub handle: Handle,
    /// The columns that its folders' names give, outermost first.
    pub partitions: Vec<Partition>,
}

impl Listed {
    pub(crate) fn new(name: String, parts: Vec<String>, handle: Handle) -> Self {
        let folders = parts.len().saturating_sub(1);
        let partitions = parts[..folders].iter().filter_map(|part| partition_of(part)).collect();
        Self {
            name,
            parts,
            handle,
            partitions,
        }
    }

    /// The file's extension, lower case; empty when it has none.
    pub(crate) fn extension(&self) -> String {
        extension(self.parts.last().map_or("", String::as_str))
    }
}

/// The extension of a file's name, lower case.
pub(crate) fn extension(name: &str) -> String {
    Path::new(name)
        .extension()
        .map_or_else(String::new, |e| e.to_string_lossy().to_ascii_lowercase())
}

/// Whether readers pass over a file or folder of this name.
pub(crate) fn is_hidden(name: &str) -> bool {
    // `_year=2024` is a partition of a column `_year`.
    name.starts_with('.') || (name.starts_with('_') && !name.contains('='))
}

/// The files at a local path.
///
/// # Errors
/// NotFound when there is none; Unsupported for a Delta or Iceberg table.
pub(crate) fn list_local(path: &Path) -> Result<Vec<Listed>> {
    some(at(path)?, "there are no files in", path)
}

/// The files that a local glob finds; what it has of `base` is no part of the pattern.
///
/// # Errors
/// Like [`list_local`].
pub(crate) fn list_glob(base: &Path, pattern: &Path) -> Result<Vec<Listed>> {
    some(globbed(base, pattern)?, "no file matches", pattern)
}

fn some(mut found: Vec<Listed>, none: &str, path: &Path) -> Result<Vec<Listed>> {
    found.sort_by(|a, b| a.parts.cmp(&b.parts));
    if found.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, format!("{none} `{}`", path.display()))
            .with_help("files whose names start with `.` or `_` are ignored"));
    }
    Ok(found)
}

fn at(path: &Path) -> Result<Vec<Listed>> {
    let metadata = fs::metadata(path).map_err(|error| io_error("read", path.display(), error))?;
    if metadata.is_dir() {
        return walked(path, &[], &mut Vec::new());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(vec![listed(path.to_owned(), vec![name])])
}

fn listed(path: PathBuf, parts: Vec<String>) -> Listed {
    Listed::new(path.display().to_string(), parts, Handle::Local(path))
}

/// Every file below `folder`; `above` are the parts of its own path that count, `open` the folders
/// around it: a link back to one of those is passed over.
fn walked(folder: &Path, above: &[String], open: &mut Vec<(u64, u64)>) -> Result<Vec<Listed>> {
    let metadata = fs::metadata(folder).map_err(|error| io_error("list", folder.display(), error))?;
    let Some(identity) = identity(&metadata) else {
        return entries(folder, above, open);
    };
    if open.contains(&identity) {
        return Ok(Vec::new());
    }
    open.push(identity);
    let found = entries(folder, above, open);
    open.pop();
    found
}

fn entries(folder: &Path, above: &[String], open: &mut Vec<(u64, u64)>) -> Result<Vec<Listed>> {
    refuse_tables(folder)?;
    if above.len() > MAX_DEPTH {
        let message = format!("`{}` is nested deeper than {MAX_DEPTH} folders", folder.display());
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    let fail = |error| io_error("list", folder.display(), error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_hidden(&name) {
            continue;
        }
        let path = entry.path();
        let parts = [above, &[name]].concat();
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => found.extend(walked(&path, &parts, open)?),
            Ok(_) => found.push(listed(path, parts)),
            // Gone since the folder was listed: a temporary name of a writer.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_error("read", path.display(), error)),
        }
    }
    Ok(found)
}

/// Delta and Iceberg keep files that are no longer part of the table: reading all would be wrong.
pub(crate) fn refuse_tables(folder: &Path) -> Result<()> {
    if folder.join("_delta_log").is_dir() {
        return Err(table_format("Delta", folder.display().to_string()));
    }
    let Ok(entries) = fs::read_dir(folder.join("metadata")) else {
        return Ok(());
    };
    let iceberg = |entry: fs::DirEntry| entry.file_name().to_string_lossy().ends_with(".metadata.json");
    if entries.flatten().any(iceberg) {
        return Err(table_format("Iceberg", folder.display().to_string()));
    }
    Ok(())
}

pub(crate) fn table_format(kind: &str, folder: String) -> Error {
    unsupported(format!(
        "`{folder}` is a {kind} table, which the file store does not read"
    ))
    .with_help("name a folder of plain Parquet or CSV files, or export the table to one")
}

fn globbed(base: &Path, pattern: &Path) -> Result<Vec<Listed>> {
    let (above, below) = match pattern.strip_prefix(base) {
        Ok(below) => (base, below),
        Err(_) => (Path::new(""), pattern),
    };
    let text = Path::new(&glob::Pattern::escape(&above.to_string_lossy())).join(below);
    let text = text.to_string_lossy();
    let bad = |error: glob::PatternError| {
        Error::new(
            ErrorKind::Definition,
            format!("`{}` is no valid glob: {error}", pattern.display()),
        )
    };
    let options = glob::MatchOptions {
        require_literal_leading_dot: true,
        ..Default::default()
    };
    let fixed = above.join(fixed_prefix(below));
    let mut found = Vec::new();
    for path in glob::glob_with(&text, options).map_err(bad)? {
        let path = path.map_err(|error| {
            let at = error.path().display().to_string();
            io_error("read", at, error.into())
        })?;
        let parts = parts_below(&fixed, &path);
        if parts.iter().any(|part| is_hidden(part)) {
            continue;
        }
        if path.is_dir() {
            found.extend(walked(&path, &parts, &mut Vec::new())?);
        } else {
            found.push(listed(path, parts));
        }
    }
    // `**` finds a file and the folder that it is in.
    found.sort_by(|a, b| a.parts.cmp(&b.parts));
    found.dedup_by(|a, b| a.parts == b.parts);
    Ok(found)
}

/// The leading folders of a glob that have no wildcard.
fn fixed_prefix(pattern: &Path) -> PathBuf {
    let all: Vec<Component<'_>> = pattern.components().collect();
    let plain = |c: &&Component<'_>| !crate::location::is_glob(&c.as_os_str().to_string_lossy());
    let count = all.iter().take_while(plain).count().min(all.len().saturating_sub(1));
    all[..count].iter().collect()
}

fn parts_below(prefix: &Path, path: &Path) -> Vec<String> {
    path.strip_prefix(prefix)
        .unwrap_or(path)
        .components()
        .map(|c| c.as_os_str().to_string_lossy().into_owned())
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_takes_its_base_literally() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("[x]");
        fs::create_dir_all(base.join("k=1")).unwrap();
        fs::write(base.join("k=1/a.csv"), "").unwrap();
        let found = list_glob(&base, &base.join("k=*/*.csv")).unwrap();
        assert_eq!(found[0].parts, ["k=1", "a.csv"]);
        assert_eq!(found[0].partitions.len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_around_it_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("a.csv"), "").unwrap();
        std::os::unix::fs::symlink(folder.path(), inner.join("back")).unwrap();
        std::os::unix::fs::symlink(&inner, inner.join("self")).unwrap();
        let found = list_local(folder.path()).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
