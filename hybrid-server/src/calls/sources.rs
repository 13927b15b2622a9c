//! Which source a name or a message of Feast's stands for.

use std::path::{Component, Path, PathBuf};

use hybrid_core::{Error, ErrorKind, Result, Source};

use super::Desk;
use crate::command::SourceText;
use crate::status::{FeastClass, as_feast};

/// The store of files.
pub(super) const FILE: &str = "file";

impl Desk<'_> {
    /// The source of that name; where none is registered, a name that is a path is a file, and in a repository with
    /// one store of tables any other is a table.
    pub(super) fn source(&self, name: &str) -> Result<Source> {
        if let Some(source) = self.registered(name) {
            return Ok(source.clone());
        }
        let stores = self.calls.store.offline_store().stores();
        let mut keys = stores.iter().map(|(key, _)| key.as_str());
        if is_path(name) && keys.clone().any(|key| key == FILE) {
            let source = Source::with_options(FILE, [("path", Some(name.to_owned()))]).with_name(name);
            self.check_folder(&source)?;
            return Ok(source);
        }
        let tables = keys.by_ref().filter(|key| *key != FILE).collect::<Vec<_>>();
        if let ([only], false) = (tables.as_slice(), is_path(name)) {
            return Ok(Source::with_options(*only, [("table", Some(name.to_owned()))]).with_name(name));
        }
        let error = match self.registry.source(name) {
            Ok(source) => return Ok(source.clone()),
            Err(error) => error,
        };
        let error = error.with_help("a path is good enough for a file, in a repository with a file store");
        Err(as_feast(error, FeastClass::DataSource))
    }

    fn registered(&self, name: &str) -> Option<&Source> {
        let own = self.registry.sources.iter().find(|source| source.name == name);
        let of_views = || {
            let mut views = self.registry.feature_views.iter();
            views.find(|view| view.source.name == name).map(|view| &view.source)
        };
        own.or_else(of_views)
    }

    /// The source that a message of Feast's describes; it need not be registered.
    pub(super) fn described(&self, text: &SourceText) -> Result<Source> {
        let source = hybrid_feast::source_from_json(&text.data_source_proto)?;
        match self.registered(&source.name) {
            Some(known) if *known == source => {}
            // What a permission says of a name is not meant for another source that a caller gives that name.
            Some(_)
                if self
                    .permissions
                    .as_ref()
                    .is_some_and(|permissions| !permissions.is_empty()) =>
            {
                let message = format!("source `{}` is registered as another one", source.name);
                let error = Error::new(ErrorKind::PermissionDenied, message);
                return Err(as_feast(
                    error.with_help("apply it first, or give it a name of its own"),
                    FeastClass::Permission,
                ));
            }
            _ => self.check_folder(&source)?,
        }
        Ok(source)
    }

    /// Callers may be kept to some folders in what they name themselves.
    fn check_folder(&self, source: &Source) -> Result<()> {
        let Some(folders) = &self.calls.limits.folders else {
            return Ok(());
        };
        let path = source.options.get("path").and_then(serde_json::Value::as_str);
        let Some(path) = path.filter(|_| source.key == FILE) else {
            return Ok(());
        };
        let full = lexical(&folders.first().cloned().unwrap_or_default().join(path));
        if !path.contains("://") && folders.iter().any(|folder| full.starts_with(lexical(folder))) {
            return Ok(());
        }
        let message = format!("`{path}` is not registered, and outside of the folders that callers may name");
        let error = Error::new(ErrorKind::PermissionDenied, message);
        Err(as_feast(
            error.with_help("register it as a source, or let the server allow its folder"),
            FeastClass::Permission,
        ))
    }
}

fn is_path(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    name.contains(['/', '\\']) || matches!(extension, Some("parquet" | "csv" | "arrow"))
}

/// The path without `.` and `..`, which may lead out of a folder.
fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_tables() {
        assert!(is_path("a/b") && is_path("a.parquet") && is_path("s3://b/a") && is_path("C:\\a"));
        assert!(!is_path("a") && !is_path("schema.table"));
    }

    #[test]
    fn no_path_leads_out_of_its_folder() {
        assert_eq!(lexical(Path::new("/a/b/../../c/./d")), Path::new("/c/d"));
    }
}
