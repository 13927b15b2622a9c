//! A URL of an object store, taken apart. Keys are used as they are written: `%`, `?` and `#` mean
//! themselves, as in the stores' own tools.

use hybrid_core::config::without_secrets;
use hybrid_core::{Error, ErrorKind, Result};

use crate::location::is_glob;

/// `scheme://bucket/key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// As the user wrote it, without what messages must not show.
    pub url: String,
    /// Scheme and bucket: `s3://bucket`; for Azure also `abfss://container@account.host`.
    pub root: String,
    /// The bucket, or what Azure has for it.
    pub bucket: String,
    /// The key or glob without slashes around it; empty for the whole bucket.
    pub key: String,
    /// Whether the URL ends with a slash.
    folder: bool,
}

impl Address {
    /// # Errors
    /// Definition when there is no bucket.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let plain = |c: char| c.is_alphanumeric() || "-._@".contains(c);
        if bucket.is_empty() || !bucket.chars().all(plain) {
            let message = format!("`{}` does not name a bucket", without_secrets(url));
            return Err(Error::new(ErrorKind::Definition, message).with_help(format!("write {scheme}://BUCKET/PATH")));
        }
        Ok(Self {
            url: without_secrets(url),
            root: format!("{scheme}://{bucket}"),
            bucket: bucket.to_owned(),
            key: key.trim_matches('/').to_owned(),
            folder: key.is_empty() || key.ends_with('/'),
        })
    }

    /// Whether an object may have exactly this key.
    pub(super) fn may_be_object(&self) -> bool {
        !self.folder && !is_glob(&self.key)
    }

    /// The URL of another key in the bucket.
    pub(super) fn url_of(&self, key: &str) -> String {
        format!("{}/{key}", self.root)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart_and_keys_stay_as_written() {
        let address = Address::parse("s3://b/a%20b/c?.parquet").unwrap();
        assert_eq!(
            (address.root.as_str(), address.key.as_str()),
            ("s3://b", "a%20b/c?.parquet")
        );
        assert!(!address.may_be_object());
        let address = Address::parse("abfss://c@a.dfs.core.windows.net/x/y.csv").unwrap();
        assert_eq!(
            (address.bucket.as_str(), address.key.as_str()),
            ("c@a.dfs.core.windows.net", "x/y.csv")
        );
        assert!(address.may_be_object());
        for folder in ["gs://b", "gs://b/", "gs://b/x/"] {
            assert!(!Address::parse(folder).unwrap().may_be_object(), "{folder}");
        }
        for wrong in ["s3://", "s3:///key", "s3://a b/key"] {
            assert_eq!(
                Address::parse(wrong).unwrap_err().kind(),
                ErrorKind::Definition,
                "{wrong}"
            );
        }
    }
}
