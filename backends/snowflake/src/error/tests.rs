use super::*;
use crate::client::message::{Answered, Envelope, QueryData};

fn error_of(payload: &str) -> Error {
    let envelope: Envelope<QueryData<'_>> = serde_json::from_str(payload).unwrap_or_default();
    match envelope.answered() {
        Answered::Failed(failure) => refused(failure),
        Answered::Done(_) => protocol("no failure"),
    }
}

#[test]
fn payloads_become_kinds() {
    use ErrorKind as K;
    for (payload, kind, retryable, says) in [
        (
            r#"{"data":{"internalError":false,"errorCode":"002003","age":0,"sqlState":"42S02","queryId":"01a","line":1,"pos":14,"type":"COMPILATION"},"code":"002003","message":"SQL compilation error:\nObject 'X.Y.NOPE' does not exist or not authorized.","success":false,"headers":null}"#,
            K::NotFound,
            false,
            "capitals",
        ),
        (
            r#"{"data":{"errorCode":"000904","sqlState":"42000","queryId":"01a"},"code":"000904","message":"SQL compilation error: error line 1 at position 7\ninvalid identifier '\"driver_id\"'","success":false}"#,
            K::NotFound,
            false,
            "driver_id",
        ),
        (
            r#"{"data":{"errorCode":"001003","sqlState":"42000"},"code":"001003","message":"SQL compilation error:\nsyntax error line 1 at position 0 unexpected 'SELEC'.","success":false}"#,
            K::InvalidInput,
            false,
            "SELEC",
        ),
        (
            r#"{"data":{"errorCode":"002002","sqlState":"42710"},"code":"002002","message":"SQL compilation error:\nObject 'T' already exists.","success":false}"#,
            K::InvalidInput,
            false,
            "already exists",
        ),
        (
            r#"{"data":{"errorCode":"000604","sqlState":"57014"},"code":"000604","message":"SQL execution canceled","success":false}"#,
            K::Cancelled,
            false,
            "canceled",
        ),
        (
            r#"{"data":{"errorCode":"000630","sqlState":"57014"},"code":"000630","message":"Statement reached its statement or warehouse timeout of 1 second(s) and was canceled.","success":false}"#,
            K::Timeout,
            false,
            "STATEMENT_TIMEOUT_IN_SECONDS",
        ),
        (
            r#"{"data":{"errorCode":"000606","sqlState":"57P03"},"code":"000606","message":"No active warehouse selected in the current session.","success":false}"#,
            K::Config,
            false,
            "`warehouse`",
        ),
        (
            r#"{"data":{"errorCode":"003001","sqlState":"42501"},"code":"003001","message":"SQL access control error:\nInsufficient privileges to operate on schema 'PUBLIC'","success":false}"#,
            K::PermissionDenied,
            false,
            "privileges",
        ),
        (
            r#"{"data":{"errorCode":"100035","sqlState":"22007"},"code":"100035","message":"Timestamp 'x' is not recognized","success":false}"#,
            K::InvalidInput,
            false,
            "recognized",
        ),
        (
            r#"{"data":{"nextAction":"RETRY_LOGIN","authnMethod":"USERNAME_PASSWORD"},"code":"390100","message":"Incorrect username or password was specified.","success":false,"headers":null}"#,
            K::Unauthenticated,
            false,
            "`password`",
        ),
        (
            r#"{"data":{"nextAction":"RETRY_LOGIN"},"code":"390144","message":"JWT token is invalid. [92c0f9a3]","success":false}"#,
            K::Unauthenticated,
            false,
            "RSA_PUBLIC_KEY",
        ),
        (
            r#"{"data":null,"code":"390111","message":"Session no longer exists.  New login required to access the service.","success":false}"#,
            K::Unavailable,
            true,
            "no longer",
        ),
        (
            r#"{"data":{"errorCode":"000603","sqlState":"XX000"},"code":"000603","message":"SQL execution internal error:\nProcessing aborted by error 300010:391167117; incident 3944110.","success":false}"#,
            K::Unexpected,
            false,
            "incident",
        ),
        (
            r#"{"data":null,"code":390144,"message":null,"success":false}"#,
            K::Unauthenticated,
            false,
            "without a message",
        ),
    ] {
        let error = error_of(payload);
        assert_eq!((error.kind(), error.is_retryable()), (kind, retryable), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn pages_that_are_no_answers_are_not_shown() {
    let error = status_error("Snowflake", StatusCode::SERVICE_UNAVAILABLE, "<html>busy</html>");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true));
    assert!(!error.to_string().contains("html"), "{error}");
    let error = status_error("Snowflake", StatusCode::FORBIDDEN, "no entry");
    assert!(error.to_string().contains("no entry"), "{error}");
}
