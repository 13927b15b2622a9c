use std::collections::HashMap;

use bytes::Bytes;
use prost::Message;
use tonic::metadata::MetadataMap;

use super::*;
use crate::protocol::{Any, SparkThrowable};

/// A status as Spark 4.3 sends it.
fn status(code: Code, message: &str, metadata: &[(&str, &str)]) -> Status {
    let metadata: HashMap<String, String> = metadata
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let info = ErrorInfo {
        reason: "org.apache.spark.sql.AnalysisException".to_owned(),
        metadata,
    };
    let details = RpcStatus {
        code: code.into(),
        message: message.to_owned(),
        details: vec![Any {
            type_url: "type.googleapis.com/google.rpc.ErrorInfo".to_owned(),
            value: Bytes::from(info.encode_to_vec()),
        }],
    };
    Status::with_details_and_metadata(code, message, details.encode_to_vec().into(), MetadataMap::new())
}

fn told(status: &Status) -> Error {
    Failure::of(status).into_error(status.code(), false, "spark:15002")
}

#[test]
fn classes_and_states_become_kinds() {
    for (class, state, kind) in [
        ("TABLE_OR_VIEW_NOT_FOUND", "42P01", ErrorKind::NotFound),
        ("UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703", ErrorKind::NotFound),
        ("PATH_NOT_FOUND", "42K03", ErrorKind::NotFound),
        ("PARSE_SYNTAX_ERROR", "42601", ErrorKind::InvalidInput),
        ("CAST_INVALID_INPUT", "22018", ErrorKind::InvalidInput),
        ("CAST_OVERFLOW", "22003", ErrorKind::InvalidInput),
        ("ARITHMETIC_OVERFLOW", "22003", ErrorKind::InvalidInput),
        ("CANNOT_MODIFY_CONFIG", "46110", ErrorKind::Config),
        ("UNSUPPORTED_FEATURE.X", "0A000", ErrorKind::Unsupported),
        ("OPERATION_CANCELED", "HY008", ErrorKind::Cancelled),
        ("SPARK_JOB_CANCELLED", "XXKDA", ErrorKind::Cancelled),
        ("UNABLE_TO_ACQUIRE_MEMORY", "53200", ErrorKind::ResourceExhausted),
        ("SPILL_OUT_OF_MEMORY", "82003", ErrorKind::ResourceExhausted),
        ("EXCEED_LIMIT_LENGTH", "54006", ErrorKind::InvalidInput),
        ("INVALID_HANDLE.SESSION_CHANGED", "HY000", ErrorKind::Unavailable),
        ("INSUFFICIENT_PERMISSIONS", "42501", ErrorKind::PermissionDenied),
        ("INTERNAL_ERROR", "XX000", ErrorKind::Unexpected),
    ] {
        let error = told(&status(
            Code::Internal,
            "x",
            &[("errorClass", class), ("sqlState", state)],
        ));
        assert_eq!(error.kind(), kind, "{class}");
        let in_message = told(&Status::new(Code::Internal, format!("[{class}] x SQLSTATE: {state}")));
        assert!(
            in_message.kind() == kind || in_message.kind() == ErrorKind::Unexpected,
            "{class}"
        );
    }
}

#[test]
fn a_status_without_details_is_told_by_its_code() {
    for (code, kind) in [
        (Code::Unauthenticated, ErrorKind::Unauthenticated),
        (Code::ResourceExhausted, ErrorKind::ResourceExhausted),
        (Code::PermissionDenied, ErrorKind::PermissionDenied),
        (Code::Unavailable, ErrorKind::Unavailable),
    ] {
        assert_eq!(told(&Status::new(code, "no")).kind(), kind);
    }
}

#[test]
fn memory_and_causes_are_found() {
    let memory = status(Code::Internal, "x", &[("classes", "[\"java.lang.OutOfMemoryError\"]")]);
    assert_eq!(told(&memory).kind(), ErrorKind::ResourceExhausted);
    let mut failure = Failure::of(&Status::new(Code::Internal, "Job aborted"));
    failure.complete(&DetailsResponse {
        root: Some(0),
        errors: vec![
            ServerError {
                message: "Job aborted.".to_owned(),
                cause: Some(1),
                ..ServerError::default()
            },
            ServerError {
                message: "[CAST_INVALID_INPUT] no".to_owned(),
                // A circle ends.
                cause: Some(0),
                spark: Some(SparkThrowable {
                    error_class: Some("CAST_INVALID_INPUT".to_owned()),
                    sql_state: Some("22018".to_owned()),
                }),
                ..ServerError::default()
            },
        ],
    });
    assert_eq!(failure.message, "[CAST_INVALID_INPUT] no");
    assert_eq!(
        failure.into_error(Code::Internal, false, "x").kind(),
        ErrorKind::InvalidInput
    );
}

#[test]
fn plans_and_stacks_are_left_out() {
    let message = "[X] no such thing; line 1 pos 2;\n'Project [*]\n+- 'UnresolvedRelation [t]\n\nJVM stacktrace:\nx";
    assert_eq!(shortened(message), "[X] no such thing; line 1 pos 2");
}

/// As Spark 4.3 told of them.
#[test]
fn what_is_used_up_is_found_in_the_words() {
    for (code, message) in [
        (
            Code::Internal,
            "Job aborted due to stage failure: Total size of serialized results of 1 tasks (5.4 MiB) is bigger than \
             spark.driver.maxResultSize (1024.0 KiB)",
        ),
        (Code::Unknown, "Java heap space"),
    ] {
        let error = told(&Status::new(code, message));
        assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
    }
    let cause = |message: &str, next| ServerError {
        message: message.to_owned(),
        cause: next,
        ..ServerError::default()
    };
    let vague = "[TASK_WRITE_FAILED] Task failed while writing rows to file:/t. SQLSTATE: 58030";
    for (reason, kind) in [
        ("No space left on device", ErrorKind::ResourceExhausted),
        ("Mkdirs failed to create file:/t", ErrorKind::Unavailable),
    ] {
        let metadata = [("errorClass", "TASK_WRITE_FAILED"), ("sqlState", "58030")];
        let mut failure = Failure::of(&status(Code::Internal, vague, &metadata));
        failure.complete(&DetailsResponse {
            root: Some(0),
            errors: vec![
                cause(vague, Some(1)),
                cause("Unable to close", Some(2)),
                cause(reason, None),
            ],
        });
        let error = failure.into_error(Code::Internal, false, "x");
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!error.is_retryable() && error.message().ends_with(reason), "{error}");
    }
}

#[test]
fn what_a_value_says_is_not_what_the_server_says() {
    let message =
        "[CAST_INVALID_INPUT] The value 'No space left on device' of the type \"STRING\" cannot be cast to \"INT\"";
    let metadata = [("errorClass", "CAST_INVALID_INPUT"), ("sqlState", "22018")];
    let error = told(&status(Code::Internal, message, &metadata));
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
}

#[test]
fn an_application_that_has_ended_is_unavailable() {
    let message = "Cannot call methods on a stopped SparkContext.\nThis stopped SparkContext was created at:\n\norg.x";
    let error = told(&Status::new(Code::Internal, message));
    assert!(
        error.kind() == ErrorKind::Unavailable && error.is_retryable(),
        "{error}"
    );
    assert!(error.message().ends_with("stopped SparkContext."), "{error}");
}
