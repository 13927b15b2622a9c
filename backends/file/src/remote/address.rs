//! What an address says of a source's objects.

use hybrid_core::config::without_secrets;
use hybrid_core::{Error, ErrorKind, Result};
use hybrid_objects::Address;

use crate::location::is_glob;

/// # Errors
/// Definition for what is no URL of an object store, or names no bucket.
pub(super) fn parse(url: &str) -> Result<Address> {
    Address::parse(url, ErrorKind::Definition)?.ok_or_else(|| {
        let message = format!("`{}` is no URL of an object store", without_secrets(url));
        Error::new(ErrorKind::Definition, message)
    })
}

/// The key or glob without slashes around it; empty for the whole bucket.
pub(super) fn key(address: &Address) -> &str {
    address.key.trim_matches('/')
}

/// Whether an object may have exactly this key.
pub(super) fn may_be_object(address: &Address) -> bool {
    let is_folder = address.key.is_empty() || address.key.ends_with('/');
    !is_folder && !is_glob(&address.key)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_of_objects_folders_or_globs() {
        for (url, found, is_object) in [
            ("s3://b/a%20b/c.parquet", "a%20b/c.parquet", true),
            ("abfss://c@a.dfs.core.windows.net//x/y.csv", "x/y.csv", true),
            ("s3://b/c?.parquet", "c?.parquet", false),
            ("gs://b", "", false),
            ("gs://b/", "", false),
            ("gs://b/x/", "x", false),
        ] {
            let address = parse(url).unwrap();
            assert_eq!((key(&address), may_be_object(&address)), (found, is_object), "{url}");
        }
        for wrong in ["s3://", "hdfs://h/x", "x"] {
            assert_eq!(parse(wrong).unwrap_err().kind(), ErrorKind::Definition, "{wrong}");
        }
    }
}
