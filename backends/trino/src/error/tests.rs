#![allow(clippy::unwrap_used)]

use super::*;

/// What Trino 476 sent, without the stack traces.
const RECORDED: [(&str, ErrorKind, bool); 9] = [
    (
        r#"{"message":"line 1:15: Table 'memory.feast.none' does not exist","errorCode":46,"errorName":"TABLE_NOT_FOUND","errorType":"USER_ERROR","errorLocation":{"lineNumber":1,"columnNumber":15},"failureInfo":{"type":"io.trino.spi.TrinoException","stack":[]}}"#,
        ErrorKind::NotFound,
        false,
    ),
    (
        r#"{"message":"line 1:8: mismatched input 'FRM'","errorCode":1,"errorName":"SYNTAX_ERROR","errorType":"USER_ERROR"}"#,
        ErrorKind::InvalidInput,
        false,
    ),
    (
        r#"{"message":"Division by zero","errorCode":8,"errorName":"DIVISION_BY_ZERO","errorType":"USER_ERROR"}"#,
        ErrorKind::InvalidInput,
        false,
    ),
    (
        r#"{"message":"Query exceeded per-node memory limit of 10MB","errorCode":131079,"errorName":"EXCEEDED_LOCAL_MEMORY_LIMIT","errorType":"INSUFFICIENT_RESOURCES"}"#,
        ErrorKind::ResourceExhausted,
        false,
    ),
    (
        r#"{"message":"Query exceeded the maximum execution time limit of 1.00s","errorCode":131075,"errorName":"EXCEEDED_TIME_LIMIT","errorType":"INSUFFICIENT_RESOURCES"}"#,
        ErrorKind::Timeout,
        false,
    ),
    (
        r#"{"message":"Query killed. Message: test","errorCode":32,"errorName":"ADMINISTRATIVELY_KILLED","errorType":"USER_ERROR"}"#,
        ErrorKind::Cancelled,
        false,
    ),
    (
        r#"{"message":"Server is shutting down","errorCode":65547,"errorName":"SERVER_SHUTTING_DOWN","errorType":"INTERNAL_ERROR"}"#,
        ErrorKind::Unavailable,
        true,
    ),
    (
        r#"{"message":"Unsupported type: timestamp(6) with time zone","errorCode":84279296,"errorName":"DELTA_LAKE_INVALID_SCHEMA","errorType":"EXTERNAL"}"#,
        ErrorKind::Unsupported,
        false,
    ),
    (
        r#"{"message":"Incorrect timestamp precision for timestamp(3); the configured precision is MICROSECONDS; column name: v","errorCode":13,"errorName":"NOT_SUPPORTED","errorType":"USER_ERROR"}"#,
        ErrorKind::Unsupported,
        false,
    ),
];

#[test]
fn failures_become_kinds_that_a_caller_can_act_on() {
    for (payload, kind, retryable) in RECORDED {
        let failure: Failure = serde_json::from_str(payload).unwrap();
        let error = query_error(failure.clone());
        assert_eq!((error.kind(), error.is_retryable()), (kind, retryable), "{payload}");
        assert_eq!(error.message(), failure.message);
        assert_eq!(name_of(&error), Some(failure.error_name.as_str()));
    }
}

#[test]
fn a_full_disk_is_told_by_the_message_or_a_cause_of_it() {
    for (payload, kind) in [
        (
            r#"{"message":"No space left on device","errorCode":65536,"errorName":"GENERIC_INTERNAL_ERROR","errorType":"INTERNAL_ERROR","failureInfo":{"type":"java.io.IOException","message":null}}"#,
            ErrorKind::ResourceExhausted,
        ),
        (
            r#"{"message":"Error committing write parquet to Hive","errorCode":16777224,"errorName":"HIVE_WRITER_CLOSE_ERROR","errorType":"EXTERNAL","failureInfo":{"type":"io.trino.spi.TrinoException","message":"Error committing write parquet to Hive","suppressed":[],"stack":[],"cause":{"type":"java.io.IOException","message":"No space left on device","stack":[]}}}"#,
            ErrorKind::ResourceExhausted,
        ),
        (
            r#"{"message":"Cannot cast 'No space left on device' to BIGINT","errorCode":37,"errorName":"INVALID_CAST_ARGUMENT","errorType":"USER_ERROR"}"#,
            ErrorKind::InvalidInput,
        ),
        (
            r#"{"message":"Error closing file","errorCode":16777224,"errorName":"HIVE_WRITER_CLOSE_ERROR","errorType":"EXTERNAL","failureInfo":null}"#,
            ErrorKind::Unavailable,
        ),
    ] {
        let error = query_error(serde_json::from_str(payload).unwrap());
        assert_eq!((error.kind(), error.is_retryable()), (kind, false), "{payload}");
        let told = error.to_string().contains("make room");
        assert_eq!(told, kind == ErrorKind::ResourceExhausted, "{error}");
    }
}

#[test]
fn what_is_refused_says_what_can_be_done() {
    for (message, help) in [
        (
            "Access Denied: Cannot set catalog session property hive.timestamp_precision",
            Some("administrator allow"),
        ),
        (
            "Access Denied: Cannot set catalog session property hive.compression_codec",
            None,
        ),
        ("Access Denied: Cannot create table memory.feast.x", Some("embed_query")),
        (
            "Access Denied: Cannot select from columns [a] in table or view hive.raw.x",
            None,
        ),
    ] {
        let payload = format!(
            r#"{{"message":"{message}","errorCode":4,"errorName":"PERMISSION_DENIED","errorType":"USER_ERROR","failureInfo":{{"type":"io.trino.spi.security.AccessDeniedException","message":"{message}","stack":[]}}}}"#
        );
        let error = query_error(serde_json::from_str(&payload).unwrap());
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        let told = ["administrator allow", "embed_query"].map(|words| error.to_string().contains(words));
        let right = ["administrator allow", "embed_query"].map(|words| help == Some(words));
        assert_eq!(told, right, "{error}");
    }
}

#[test]
fn an_unknown_error_goes_by_its_type() {
    let of = |error_type: &str| kind_of("SOMETHING_NEW", error_type).0;
    assert_eq!(of("USER_ERROR"), ErrorKind::InvalidInput);
    assert_eq!(of("INSUFFICIENT_RESOURCES"), ErrorKind::ResourceExhausted);
    assert_eq!(of("EXTERNAL"), ErrorKind::Unavailable);
    assert_eq!(of("INTERNAL_ERROR"), ErrorKind::Unexpected);
}

#[test]
fn a_status_says_who_is_to_act_and_bodies_for_machines_are_left_out() {
    let address = Url::parse("https://trino/v1/statement").unwrap();
    let error = status_error(
        Whom::Trino(&address),
        StatusCode::UNAUTHORIZED,
        "Authentication failed: Access Denied: Invalid credentials",
    );
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(error.message().starts_with("Trino at trino:443 does not"), "{error}");
    assert!(error.message().ends_with("Invalid credentials"), "{error}");
    let error = status_error(Whom::Storage(&address), StatusCode::BAD_GATEWAY, "<html>");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true));
    assert!(error.message().ends_with("HTTP status 502 Bad Gateway"), "{error}");
}
