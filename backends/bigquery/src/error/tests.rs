//! Payloads as BigQuery and its Storage API send them.

#![allow(clippy::unwrap_used)]

use super::*;

fn refused(status: u16, body: &str) -> Error {
    status_error(StatusCode::from_u16(status).unwrap(), body)
}

fn body(code: u16, reason: &str, message: &str) -> String {
    format!(
        r#"{{"error": {{"code": {code}, "message": "{message}", "errors": [{{"message": "{message}", "domain": "global", "reason": "{reason}"}}], "status": "X"}}}}"#
    )
}

#[test]
fn a_reason_says_what_a_caller_can_do() {
    use ErrorKind as K;
    for (status, reason, message, kind, retryable) in [
        (
            404,
            "notFound",
            "Not found: Table p:d.t was not found in location EU",
            K::NotFound,
            false,
        ),
        (
            400,
            "invalidQuery",
            "Syntax error: Unexpected identifier at [1:1]",
            K::InvalidInput,
            false,
        ),
        (400, "invalidQuery", "Unrecognized name: x at [1:8]", K::NotFound, false),
        (
            403,
            "accessDenied",
            "Access Denied: Project p: User does not have bigquery.jobs.create",
            K::PermissionDenied,
            false,
        ),
        (
            403,
            "rateLimitExceeded",
            "Exceeded rate limits",
            K::ResourceExhausted,
            true,
        ),
        (
            403,
            "quotaExceeded",
            "Quota exceeded: Your project exceeded quota",
            K::ResourceExhausted,
            false,
        ),
        (
            503,
            "backendError",
            "Visibility check was unavailable. Please retry",
            K::Unavailable,
            true,
        ),
        (500, "internalError", "An internal error occurred", K::Unavailable, true),
        (
            400,
            "bytesBilledLimitExceeded",
            "Query exceeded limit for bytes billed: 1",
            K::ResourceExhausted,
            false,
        ),
        (
            400,
            "resourcesExceeded",
            "Resources exceeded during query execution",
            K::ResourceExhausted,
            false,
        ),
        (409, "duplicate", "Already Exists: Table p:d.t", K::InvalidInput, false),
        (501, "notImplemented", "not implemented", K::Unsupported, false),
    ] {
        let error = refused(status, &body(status, reason, message));
        assert_eq!((error.kind(), error.is_retryable()), (kind, retryable), "{error}");
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(reason_of(&error), Some(reason));
    }
}

#[test]
fn help_names_what_can_be_changed() {
    for (reason, message, helps) in [
        (
            "bytesBilledLimitExceeded",
            "Query exceeded limit",
            "maximum_bytes_billed",
        ),
        ("responseTooLarge", "Response too large to return", "ORDER BY"),
        (
            "accessDenied",
            "does not have bigquery.readsessions.create",
            "Read Session User",
        ),
        (
            "accessDenied",
            "does not have bigquery.jobs.create permission",
            "billing_project_id",
        ),
        (
            "invalidQuery",
            "Cannot query over table 't' without a filter over column(s) 'd' that can be used for partition elimination",
            "date_partition_column_format",
        ),
    ] {
        let error = refused(403, &body(403, reason, message));
        assert!(error.help().iter().any(|line| line.contains(helps)), "{error}");
    }
}

#[test]
fn without_a_reason_the_status_counts() {
    use ErrorKind as K;
    for (status, body, kind, retryable) in [
        (
            401,
            r#"{"error": {"code": 401, "message": "Request had invalid authentication credentials.", "errors": [{"reason": "authError"}], "status": "UNAUTHENTICATED"}}"#,
            K::Unauthenticated,
            false,
        ),
        (502, "<html>Bad Gateway</html>", K::Unavailable, true),
        (429, "slow down", K::Unavailable, true),
        (404, "", K::NotFound, false),
        (418, "{}", K::Unexpected, false),
        (413, "too large", K::InvalidInput, false),
    ] {
        let error = refused(status, body);
        assert_eq!((error.kind(), error.is_retryable()), (kind, retryable), "{error}");
        assert!(!error.to_string().contains("<html>"), "{error}");
    }
}

#[test]
fn codes_of_the_storage_api_become_kinds() {
    use tonic::Code as C;
    for (code, kind, retryable) in [
        (C::Unavailable, ErrorKind::Unavailable, true),
        (C::PermissionDenied, ErrorKind::PermissionDenied, false),
        (C::Unauthenticated, ErrorKind::Unauthenticated, false),
        (C::ResourceExhausted, ErrorKind::ResourceExhausted, true),
        (C::NotFound, ErrorKind::NotFound, false),
    ] {
        let error = storage_error(&tonic::Status::new(code, "said"));
        assert_eq!((error.kind(), error.is_retryable()), (kind, retryable), "{error}");
    }
    // A connection that ends is called a cancelled call.
    let mut broken = tonic::Status::cancelled("said");
    broken.set_source(std::sync::Arc::new(std::io::Error::from(
        std::io::ErrorKind::BrokenPipe,
    )));
    assert_eq!(storage_error(&broken).kind(), ErrorKind::Unavailable);
}
