use hybrid_core::{Error, ErrorKind};

use super::{EXPIRED, NO_TOKEN, WRONG_TOKEN, finished, is_expired};

/// The code in an answer of S3; empty where it has none.
pub(crate) fn storage_code(error: &object_store::Error) -> String {
    hybrid_objects::code(error).unwrap_or_default()
}

/// What S3 says of the staging location.
pub(crate) fn storage(error: object_store::Error, what: &str) -> Error {
    use object_store::Error as S;
    let (kind, retryable, help) = match (storage_code(&error).as_str(), &error) {
        (code, _) if is_expired(code) => (ErrorKind::Unauthenticated, true, EXPIRED),
        (NO_TOKEN, _) => (ErrorKind::Unauthenticated, false, WRONG_TOKEN),
        ("NoSuchBucket", _) | (_, S::NotFound { .. }) => {
            (ErrorKind::NotFound, false, "check the bucket of `s3_staging_location`")
        }
        ("InvalidAccessKeyId" | "SignatureDoesNotMatch", _) | (_, S::Unauthenticated { .. }) => {
            (ErrorKind::Unauthenticated, false, "check the AWS credentials")
        }
        ("AccessDenied", _) | (_, S::PermissionDenied { .. }) => (
            ErrorKind::PermissionDenied,
            false,
            "the AWS identity must read, write and delete there",
        ),
        (_, S::NotSupported { .. } | S::NotImplemented { .. }) => (ErrorKind::Unsupported, false, ""),
        _ => (ErrorKind::Unavailable, true, ""),
    };
    finished(
        Error::new(kind, format!("s3_staging_location: cannot {what}")),
        retryable,
        help,
        None,
    )
    .with_cause(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As S3 tells them, in the words of the client.
    #[test]
    fn answers_of_s3_have_kinds() {
        use ErrorKind as K;
        let answer = |status: &str, code: &str| {
            format!(
                "Error performing GET https://s3.eu-west-1.amazonaws.com/b/staging/hybrid_1_a/manifest in 31.1ms - Server returned \
                 non-2xx status code: {status}: <?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>No.\
                 </Message><RequestId>4442587FB7D0A2F9</RequestId></Error>"
            )
        };
        let one_of_many =
            "DeleteObjects request failed for key staging/x: Access Denied (code: AccessDenied)".to_owned();
        for (told, kind, retryable) in [
            (answer("400 Bad Request", "ExpiredToken"), K::Unauthenticated, true),
            (answer("400 Bad Request", "InvalidToken"), K::Unauthenticated, false),
            (answer("403 Forbidden", "RequestExpired"), K::Unauthenticated, true),
            (answer("403 Forbidden", "InvalidAccessKeyId"), K::Unauthenticated, false),
            (answer("403 Forbidden", "AccessDenied"), K::PermissionDenied, false),
            (one_of_many, K::PermissionDenied, false),
            (answer("404 Not Found", "NoSuchBucket"), K::NotFound, false),
            (answer("503 Service Unavailable", "SlowDown"), K::Unavailable, true),
            (
                "Error performing PUT: connection reset".to_owned(),
                K::Unavailable,
                true,
            ),
        ] {
            let failed = object_store::Error::Generic {
                store: "S3",
                source: told.clone().into(),
            };
            let error = storage(failed, "read x");
            assert_eq!((error.kind(), error.is_retryable()), (kind, retryable), "{told}");
        }
    }
}
