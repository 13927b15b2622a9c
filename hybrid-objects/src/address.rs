use hybrid_core::config::without_secrets;
use hybrid_core::{Error, ErrorKind, Result};

/// The object stores, each behind a cargo feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Amazon S3, and what speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure's blobs, and its data lake.
    Azure,
}

const SCHEMES: [(&str, Kind); 9] = [
    ("s3", Kind::S3),
    ("s3a", Kind::S3),
    ("s3n", Kind::S3),
    ("gs", Kind::Gcs),
    ("gcs", Kind::Gcs),
    ("az", Kind::Azure),
    ("azure", Kind::Azure),
    ("abfs", Kind::Azure),
    ("abfss", Kind::Azure),
];

impl Kind {
    /// Whose a URL's scheme is, in small letters; `None` where it is no object store's.
    pub fn of(scheme: &str) -> Option<Self> {
        SCHEMES.iter().find(|(name, _)| *name == scheme).map(|(_, kind)| *kind)
    }

    /// The schemes of all of them, for people.
    pub fn schemes() -> String {
        SCHEMES.map(|(name, _)| name).join(", ")
    }

    /// The cargo feature that compiles it in.
    pub fn feature(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gcs => "gcs",
            Self::Azure => "azure",
        }
    }

    /// The environment variables that hold its credentials.
    pub fn variables(self) -> &'static str {
        match self {
            Self::S3 => "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_REGION, AWS_SESSION_TOKEN)",
            Self::Gcs => "GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_SERVICE_ACCOUNT",
            Self::Azure => {
                "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY (or a SAS token, or a client id and secret)"
            }
        }
    }
}

/// `scheme://bucket/key`, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Whose scheme it is.
    pub kind: Kind,
    /// As the user wrote it, without what messages must not show.
    pub url: String,
    /// Scheme and bucket: `s3://bucket`; for Azure also `abfss://container@account.host`.
    pub root: String,
    /// The bucket, or what Azure has for it.
    pub bucket: String,
    /// What stands behind the bucket and a slash, as it is written: `%`, `?` and `#` mean themselves, as in the stores' own
    /// tools.
    pub key: String,
}

impl Address {
    /// The address that a URL is; `None` where its scheme is no object store's.
    ///
    /// # Errors
    /// `mistake`, where there is no bucket.
    pub fn parse(url: &str, mistake: ErrorKind) -> Result<Option<Self>> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Ok(None);
        };
        let scheme = scheme.to_ascii_lowercase();
        let Some(kind) = Kind::of(&scheme) else {
            return Ok(None);
        };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        // Elsewhere a name before the host is a user's.
        let plain = |c: char| c.is_alphanumeric() || "-._".contains(c) || (c == '@' && kind == Kind::Azure);
        if bucket.is_empty() || !bucket.chars().all(plain) {
            let message = format!("`{}` does not name a bucket", without_secrets(url));
            return Err(Error::new(mistake, message).with_help(format!("write {scheme}://BUCKET/PATH")));
        }
        Ok(Some(Self {
            kind,
            url: without_secrets(url),
            root: format!("{scheme}://{bucket}"),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        }))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart_and_keys_stay_as_written() {
        for (url, kind, root, bucket, key) in [
            ("s3://b/a%20b/c?.csv", Kind::S3, "s3://b", "b", "a%20b/c?.csv"),
            ("S3A://b", Kind::S3, "s3a://b", "b", ""),
            ("gs://b//x/", Kind::Gcs, "gs://b", "b", "/x/"),
            ("az://c/x y", Kind::Azure, "az://c", "c", "x y"),
            ("abfss://c@a.host/x", Kind::Azure, "abfss://c@a.host", "c@a.host", "x"),
        ] {
            let found = Address::parse(url, ErrorKind::Config).unwrap().unwrap();
            assert_eq!((found.kind, found.root.as_str()), (kind, root), "{url}");
            assert_eq!((found.bucket.as_str(), found.key.as_str()), (bucket, key), "{url}");
        }
    }

    #[test]
    fn what_names_no_bucket_is_a_mistake_and_what_is_no_object_stores_is_none() {
        for url in [
            "s3://",
            "s3:///key",
            "s3://a b/key",
            "gs://me@b/x",
            "s3://me:hunter2@b/x",
        ] {
            let error = Address::parse(url, ErrorKind::Definition).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Definition, "{url}");
            let text = error.to_string();
            assert!(text.contains("://BUCKET/PATH") && !text.contains("hunter2"), "{text}");
        }
        for url in ["/mnt/stage", "local:///stage", "hdfs://h/x"] {
            assert_eq!(Address::parse(url, ErrorKind::Config).unwrap(), None, "{url}");
        }
    }
}
