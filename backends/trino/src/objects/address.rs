use std::fmt;

use hybrid_core::config::without_secrets;
use hybrid_core::{Error, ErrorKind, Result};
use object_store::path::Path;

/// The object stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    S3,
    Gcs,
    Azure,
}

const SCHEMES: [(&str, Kind); 8] = [
    ("s3", Kind::S3),
    ("s3a", Kind::S3),
    ("gs", Kind::Gcs),
    ("gcs", Kind::Gcs),
    ("az", Kind::Azure),
    ("azure", Kind::Azure),
    ("abfs", Kind::Azure),
    ("abfss", Kind::Azure),
];

/// A URL of a folder in an object store, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) kind: Kind,
    /// Scheme and bucket: `s3://bucket`; for Azure also `abfss://container@account.host`.
    pub(super) root: String,
    /// The bucket, or what Azure has for it.
    pub(super) bucket: String,
    /// The folder in it; empty for the bucket itself.
    pub(super) folder: Path,
}

impl Address {
    /// The folder that a URL names; `None` where its scheme is no object store's.
    ///
    /// # Errors
    /// Config for a URL without a bucket, with what is no folder, or with credentials.
    pub(crate) fn parse(url: &str) -> Result<Option<Self>> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Ok(None);
        };
        let scheme = scheme.to_ascii_lowercase();
        let Some((_, kind)) = SCHEMES.iter().find(|(name, _)| *name == scheme) else {
            return Ok(None);
        };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        // Elsewhere a name before the host is a user's.
        let plain = |c: char| c.is_alphanumeric() || "-._".contains(c) || (c == '@' && *kind == Kind::Azure);
        if bucket.is_empty() || !bucket.chars().all(plain) {
            return Err(wrong(url, "does not name a bucket").with_help(format!("write {scheme}://BUCKET/FOLDER")));
        }
        if key.contains(['?', '#']) {
            return Err(wrong(url, "is no folder's").with_help("credentials and settings are environment variables"));
        }
        // Trino has the same parts, and would see an empty one.
        let folder = Path::parse(key.trim_end_matches('/')).ok();
        let folder = folder
            .filter(|_| !key.starts_with('/'))
            .ok_or_else(|| wrong(url, "is no folder's").with_help("no part of it may be empty, . or .."))?;
        Ok(Some(Self {
            kind: *kind,
            root: format!("{scheme}://{bucket}"),
            bucket: bucket.to_owned(),
            folder,
        }))
    }

    /// The schemes that are known, for people.
    pub(crate) fn schemes() -> String {
        SCHEMES.map(|(name, _)| name).join(", ")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.folder.as_ref() {
            "" => f.write_str(&self.root),
            folder => write!(f, "{}/{folder}", self.root),
        }
    }
}

fn wrong(url: &str, what: &str) -> Error {
    let message = format!("the URL of `staging`, `{}`, {what}", without_secrets(url));
    Error::new(ErrorKind::Config, message)
}
