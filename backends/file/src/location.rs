//! What a source's path means: a place in this machine's file system, or in an object store.

use std::path::{Path, PathBuf};

use hybrid_core::config::without_secrets;
use hybrid_core::{Error, ErrorKind, Result};
use hybrid_objects::Kind;

/// Where a source's files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// A path or a glob of this machine; `folder` when it was written with a `/` at its end.
    Local { path: PathBuf, folder: bool },
    /// A URL of an object store.
    Remote(String),
}

fn is_compiled_in(kind: Kind) -> bool {
    match kind {
        Kind::S3 => cfg!(feature = "s3"),
        Kind::Gcs => cfg!(feature = "gcs"),
        Kind::Azure => cfg!(feature = "azure"),
    }
}

/// Resolves a source's `path`; relative ones start at `base`.
///
/// # Errors
/// Definition for an empty path or an unknown scheme; Unsupported, naming the cargo feature, for a
/// store that is not compiled in.
pub(crate) fn resolve(base: &Path, path: &str) -> Result<Location> {
    if path.is_empty() {
        return Err(definition("the source's path is empty").with_help("give a file, a folder or a glob"));
    }
    let Some((scheme, rest)) = path.split_once("://") else {
        return Ok(local(base.join(path), path));
    };
    let scheme = scheme.to_ascii_lowercase();
    if scheme == "file" {
        let rest = rest.strip_prefix("localhost").unwrap_or(rest);
        let decoded = percent_decoded(rest);
        return Ok(local(base.join(&decoded), &decoded));
    }
    let Some(kind) = Kind::of(&scheme) else {
        return Err(
            definition(format!("`{}`: unknown scheme `{scheme}`", without_secrets(path)))
                .with_help(format!("the schemes are file, {}", Kind::schemes())),
        );
    };
    if !is_compiled_in(kind) {
        let feature = kind.feature();
        let message = format!(
            "`{}`: this program was built without {scheme}://",
            without_secrets(path)
        );
        return Err(Error::new(ErrorKind::Unsupported, message).with_help(format!(
            "turn on the cargo feature `{feature}`: hybrid-offline-store = {{ features = [\"{feature}\"] }}"
        )));
    }
    // The object store knows one spelling of each of these.
    let scheme = match scheme.as_str() {
        "s3a" | "s3n" => "s3",
        "gcs" => "gs",
        other => other,
    };
    Ok(Location::Remote(format!("{scheme}://{rest}")))
}

fn local(path: PathBuf, written: &str) -> Location {
    Location::Local {
        path,
        folder: written.ends_with('/'),
    }
}

fn definition(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Definition, message)
}

/// Whether a path has the characters that make it a glob.
pub(crate) fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// Replaces `%41` by `A`; what is no such sequence, or would be no UTF-8, stays.
pub(crate) fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let byte = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn paths_start_at_the_base_and_urls_are_decoded() {
        let base = Path::new("/repo");
        let local = |path: &str, folder| Location::Local {
            path: path.into(),
            folder,
        };
        assert_eq!(resolve(base, "a/b.parquet").unwrap(), local("/repo/a/b.parquet", false));
        assert_eq!(resolve(base, "/x/").unwrap(), local("/x/", true));
        assert_eq!(
            resolve(base, "file:///x/a%20b.csv").unwrap(),
            local("/x/a b.csv", false)
        );
        assert_eq!(percent_decoded("100%"), "100%");
        assert_eq!(percent_decoded("a%2Fb%zz"), "a/b%zz");
        assert_eq!(percent_decoded("%ff"), "%ff");
    }

    #[test]
    fn a_store_that_is_not_compiled_in_names_its_feature() {
        for (url, feature, compiled) in [
            ("s3://b/k.parquet", "`s3`", cfg!(feature = "s3")),
            ("s3n://b/k.parquet", "`s3`", cfg!(feature = "s3")),
            ("gs://b/k.parquet", "`gcs`", cfg!(feature = "gcs")),
            ("abfss://c@a.dfs.core.windows.net/k", "`azure`", cfg!(feature = "azure")),
        ] {
            match resolve(Path::new("/"), url) {
                Ok(_) => assert!(compiled),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Unsupported);
                    assert!(!compiled && error.to_string().contains(feature), "{error}");
                }
            }
        }
        let error = resolve(Path::new("/"), "hdfs://me:pw@x/y?sig=abc").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Definition);
        let text = error.to_string();
        assert!(
            !text.contains("pw") && !text.contains("abc") && text.contains("@x/y"),
            "{text}"
        );
    }
}
