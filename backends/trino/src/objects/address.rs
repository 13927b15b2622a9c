use std::fmt;

use hybrid_core::{Error, ErrorKind, Result};
use hybrid_objects::Kind;
use object_store::path::Path;

use super::error::of_staging;

/// A URL of a folder in an object store, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) at: hybrid_objects::Address,
    /// The folder in the bucket; empty for the bucket itself.
    pub(super) folder: Path,
}

impl Address {
    /// The folder that a URL names; `None` where its scheme is no object store's.
    ///
    /// # Errors
    /// Config for a URL without a bucket, with what is no folder, or with credentials.
    pub(crate) fn parse(url: &str) -> Result<Option<Self>> {
        let Some(at) = hybrid_objects::Address::parse(url, ErrorKind::Config).map_err(of_staging)? else {
            return Ok(None);
        };
        let wrong = |help: &str| {
            let message = format!("the URL of `staging`, `{}`, is no folder's", at.url);
            Error::new(ErrorKind::Config, message).with_help(help)
        };
        if at.key.contains(['?', '#']) {
            return Err(wrong("credentials and settings are environment variables"));
        }
        // Trino has the same parts, and would see an empty one.
        let folder = Path::parse(at.key.trim_end_matches('/')).ok();
        let folder = folder
            .filter(|_| !at.key.starts_with('/'))
            .ok_or_else(|| wrong("no part of it may be empty, . or .."))?;
        Ok(Some(Self { at, folder }))
    }

    /// How Trino wants such a URL written, where it does not read this one.
    pub(crate) fn instead(&self) -> Option<&'static str> {
        let scheme = self.at.root.split("://").next().unwrap_or_default();
        let (is_read, instead) = match self.at.kind {
            Kind::S3 => (true, "s3://BUCKET/…"),
            Kind::Gcs => (scheme == "gs", "gs://BUCKET/…"),
            Kind::Azure => (
                scheme.starts_with("abfs") && self.at.bucket.contains('@'),
                "abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/…",
            ),
        };
        (!is_read).then_some(instead)
    }

    /// Whether it is another folder for sure. A bucket has several spellings, and some are reached by the protocol of
    /// another store, too.
    pub(crate) fn is_elsewhere(&self, other: &Self) -> bool {
        let ((mine, account), (theirs, their_account)) = (self.bucket(), other.bucket());
        let in_other_account = account.zip(their_account).is_some_and(|(mine, theirs)| mine != theirs);
        let differs = mine != theirs || in_other_account || self.folder != other.folder;
        self.at.kind == other.at.kind && differs
    }

    /// The bucket, or container, and where the URL says it the account of Azure: its host is the data lake's or that of blobs.
    fn bucket(&self) -> (&str, Option<&str>) {
        match self.at.bucket.split_once('@') {
            Some((container, host)) => (container, host.split('.').next()),
            None => (&self.at.bucket, None),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.folder.as_ref() {
            "" => f.write_str(&self.at.root),
            folder => write!(f, "{}/{folder}", self.at.root),
        }
    }
}
