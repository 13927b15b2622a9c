use hybrid_core::config::without_secrets;
use hybrid_core::{Error, ErrorKind, Result};

use crate::address::Kind;

/// Looks at an `s3_endpoint_override`; `kind`: of the address that it is for, where that is an object store's.
///
/// # Errors
/// `mistake`, where it is no URL, holds credentials, or is for another store than S3.
pub fn check_endpoint(endpoint: &str, kind: Option<Kind>, mistake: ErrorKind) -> Result<()> {
    let wrong = |message: &str| Error::new(mistake, message);
    if kind != Some(Kind::S3) {
        return Err(wrong("`s3_endpoint_override` is for s3:// alone"));
    }
    // Not shown: there may be a password in it.
    if endpoint.contains('@') {
        return Err(wrong("`s3_endpoint_override` holds credentials")
            .with_help("give them by environment variables (AWS_ACCESS_KEY_ID)"));
    }
    if endpoint.starts_with("https://") || endpoint.starts_with("http://") {
        return Ok(());
    }
    let shown = without_secrets(endpoint);
    Err(wrong(&format!(
        "`s3_endpoint_override`, `{shown}`, does not start with https:// or http://"
    )))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_checked_and_not_shown_with_a_password() {
        let check = |endpoint, kind| check_endpoint(endpoint, kind, ErrorKind::Config);
        for endpoint in ["https://minio", "http://localhost:9000"] {
            assert!(check(endpoint, Some(Kind::S3)).is_ok(), "{endpoint}");
        }
        for (endpoint, kind, says) in [
            (
                "localhost:9000",
                Some(Kind::S3),
                "`localhost:9000`, does not start with",
            ),
            ("http://me:hunter2@host", Some(Kind::S3), "holds credentials"),
            ("http://minio", Some(Kind::Azure), "is for s3:// alone"),
            ("http://minio", None, "is for s3:// alone"),
        ] {
            let error = check(endpoint, kind).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{endpoint}");
            let text = error.to_string();
            assert!(text.contains(says) && !text.contains("hunter2"), "{text}");
        }
    }
}
