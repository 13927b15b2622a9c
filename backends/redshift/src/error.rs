//! What Redshift, AWS and the connection say, as errors that a caller can act on.

mod s3;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_redshiftdata::error::{ProvideErrorMetadata, SdkError};
use hybrid_core::{Error, ErrorKind};

pub(crate) use s3::{storage, storage_code};

/// How much of a statement is shown beside an error.
const EXCERPT: usize = 200;

const EXPIRED: &str = "the AWS credentials have expired, and no others were found";
const WRONG_TOKEN: &str = "the token of the AWS credentials is none: check AWS_SESSION_TOKEN, or `profile`";
const SESSION_GONE: &str = "the session with its temporary tables is gone: see `session_keep_alive`";

/// Kind, whether trying again can help, and what would be right, by words of a statement's error.
#[rustfmt::skip]
const TOLD: [(&str, ErrorKind, bool, &str); 39] = [
    ("does not exist",                   ErrorKind::NotFound,          false, "names without quotes are in lower case; a table without a schema is looked for in `db_schema`"),
    ("could not be found",               ErrorKind::NotFound,          false, ""),
    ("permission denied",                ErrorKind::PermissionDenied,  false, "the database user lacks a right"),
    ("not authorized to get credentials of role", ErrorKind::PermissionDenied, false, "`iam_role` must be attached to the cluster or workgroup"),
    ("not authorized to assume",         ErrorKind::PermissionDenied,  false, "`iam_role` must be attached to the cluster or workgroup"),
    ("accessdenied",                     ErrorKind::PermissionDenied,  false, "`iam_role` must reach `s3_staging_location`"),
    ("access denied",                    ErrorKind::PermissionDenied,  false, "`iam_role` must reach `s3_staging_location`"),
    ("no default iam role",              ErrorKind::Config,            false, "give `iam_role`, or make a default role for the cluster"),
    ("password authentication failed",   ErrorKind::Unauthenticated,   false, "check `user` and `password`"),
    ("statement timeout",                ErrorKind::Timeout,           false, "`statement_timeout`, or the server's, ended it"),
    ("cancelled on user's request",      ErrorKind::Cancelled,         false, ""),
    ("canceling statement",              ErrorKind::Cancelled,         false, ""),
    ("cancelled by wlm abort",           ErrorKind::ResourceExhausted, false, "a query monitoring rule of the workload queue ended it"),
    ("serializable isolation violation", ErrorKind::Unavailable,       true,  "another transaction changed the same tables"),
    ("deadlock detected",                ErrorKind::Unavailable,       true,  ""),
    ("could not serialize",              ErrorKind::Unavailable,       true,  ""),
    ("disk full",                        ErrorKind::ResourceExhausted, false, ""),
    ("out of memory",                    ErrorKind::ResourceExhausted, false, ""),
    ("too many connections",             ErrorKind::ResourceExhausted, true,  ""),
    ("connection limit",                 ErrorKind::ResourceExhausted, true,  ""),
    ("shutting down",                    ErrorKind::Unavailable,       true,  ""),
    ("starting up",                      ErrorKind::Unavailable,       true,  ""),
    ("terminating connection",           ErrorKind::Unavailable,       true,  ""),
    ("connection reset",                 ErrorKind::Unavailable,       true,  ""),
    ("already exists",                   ErrorKind::InvalidInput,      false, ""),
    ("unload destination on s3 is not empty", ErrorKind::InvalidInput, false, "export to a folder of its own"),
    ("syntax error",                     ErrorKind::InvalidInput,      false, ""),
    ("invalid input syntax",             ErrorKind::InvalidInput,      false, ""),
    ("invalid digit",                    ErrorKind::InvalidInput,      false, ""),
    ("out of range",                     ErrorKind::InvalidInput,      false, ""),
    ("overflow",                         ErrorKind::InvalidInput,      false, ""),
    ("divide by zero",                   ErrorKind::InvalidInput,      false, ""),
    ("division by zero",                 ErrorKind::InvalidInput,      false, ""),
    ("value too long",                   ErrorKind::InvalidInput,      false, ""),
    ("string length exceeds",            ErrorKind::InvalidInput,      false, "a text has at most 65535 bytes"),
    ("violates",                         ErrorKind::InvalidInput,      false, ""),
    ("cannot cast",                      ErrorKind::InvalidInput,      false, ""),
    ("null value",                       ErrorKind::InvalidInput,      false, ""),
    ("not supported",                    ErrorKind::Unsupported,       false, ""),
];

/// By SQLSTATE, which only a connection tells.
#[rustfmt::skip]
fn by_state(state: &str, message: &str) -> Option<(ErrorKind, bool)> {
    use ErrorKind as K;
    Some(match state {
        "57014" if message.contains("timeout") => (K::Timeout, false),
        "57014"                                => (K::Cancelled, false),
        "42501"                                => (K::PermissionDenied, false),
        "42P01" | "3F000" | "42703" | "3D000" | "42883" | "42704" => (K::NotFound, false),
        "40001" | "40P01" | "57P01" | "57P02" | "57P03" => (K::Unavailable, true),
        "53300"                                => (K::ResourceExhausted, true),
        _ => match state.get(..2)? {
            "08"                               => (K::Unavailable, true),
            "28"                               => (K::Unauthenticated, false),
            "0A"                               => (K::Unsupported, false),
            "21" | "22" | "23" | "42" | "44"   => (K::InvalidInput, false),
            "53" | "54"                        => (K::ResourceExhausted, false),
            _                                  => return None,
        },
    })
}

/// A statement that failed, as Redshift tells it.
pub(crate) fn failed(told: &str, statement: &str) -> Error {
    let told = told.trim().strip_prefix("ERROR:").unwrap_or(told).trim();
    let lower = told.to_lowercase();
    let known = TOLD.iter().find(|(words, ..)| lower.contains(words));
    let (kind, retryable, help) = known.map_or((ErrorKind::Unexpected, false, ""), |(_, kind, retryable, help)| {
        (*kind, *retryable, *help)
    });
    finished(
        Error::new(kind, shortened(told, 1000)),
        retryable,
        help,
        Some(statement),
    )
}

fn finished(error: Error, retryable: bool, help: &str, statement: Option<&str>) -> Error {
    let error = if retryable { error.retryable() } else { error };
    let error = if help.is_empty() { error } else { error.with_help(help) };
    match statement {
        Some(statement) => error.with_help(format!("in: {}", shortened(&one_line(statement), EXCERPT))),
        None => error,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What a connection says.
pub(crate) fn connection(error: tokio_postgres::Error, statement: Option<&str>) -> Error {
    if let Some(told) = error.as_db_error() {
        let state = told.code().code();
        let text = format!("{} (SQLSTATE {state})", told.message());
        let made = match by_state(state, told.message()) {
            Some((kind, retryable)) => finished(Error::new(kind, text), retryable, "", statement),
            None => failed(&text, statement.unwrap_or_default()),
        };
        return [("detail", told.detail()), ("hint", told.hint())]
            .into_iter()
            .filter_map(|(name, text)| text.map(|text| format!("{name}: {}", shortened(text, 500))))
            .fold(made, Error::with_help);
    }
    let text = error.to_string();
    let (kind, message, retryable, help) = match text.as_str() {
        "error performing TLS handshake" => (
            ErrorKind::Config,
            "TLS with Redshift failed",
            false,
            "check `sslmode` and `sslrootcert_path`",
        ),
        "authentication error" | "invalid configuration" => {
            let help = "check `user` and `password`; a password of Redshift's own SHA-256 kind needs the Data API";
            (ErrorKind::Unauthenticated, "Redshift refused the login", false, help)
        }
        "error connecting to server" => (
            ErrorKind::Unavailable,
            "Redshift cannot be reached",
            true,
            "check `host` and `port`",
        ),
        "connection closed" | "error communicating with the server" => {
            (ErrorKind::Unavailable, "the connection to Redshift was lost", true, "")
        }
        other => (ErrorKind::Unexpected, other, false, ""),
    };
    let made = finished(Error::new(kind, message), retryable, help, None);
    match error.into_source() {
        Some(cause) => made.with_cause(cause),
        None => made,
    }
}

/// The code of a refused request.
pub(crate) fn code<E: ProvideErrorMetadata>(error: &SdkError<E>) -> &str {
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
        .unwrap_or_default()
}

/// Whether a server calls the credentials expired by this code.
fn is_expired(code: &str) -> bool {
    matches!(
        code,
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired"
    )
}

/// The code of a token that is none: one that was just being replaced, or one that stays wrong.
const NO_TOKEN: &str = "InvalidToken";

/// Whether other credentials, where there are, may be accepted after this code.
pub(crate) fn asks_for_others(code: &str) -> bool {
    is_expired(code) || code == NO_TOKEN
}

/// Whether the Data API refuses the session that a request names: one that has ended, or that it never had.
fn is_of_session(message: &str) -> bool {
    let message = message.trim_end_matches('.');
    let is_unknown = message.starts_with("Session with Id: ") && message.ends_with(" is invalid");
    is_unknown || message == "Session is not available"
}

/// Whether a request failed because its session has ended.
pub(crate) fn is_session_gone(error: &Error) -> bool {
    error.help().iter().any(|help| help == SESSION_GONE)
}

/// Kind, whether trying again can help, and what would be right, by the code of a refused request.
#[rustfmt::skip]
fn by_code(code: &str, message: &str) -> (ErrorKind, bool, &'static str) {
    use ErrorKind as K;
    match code {
        code if is_expired(code)                     => (K::Unauthenticated, true, EXPIRED),
        NO_TOKEN                                     => (K::Unauthenticated, false, WRONG_TOKEN),
        "UnrecognizedClientException" | "InvalidClientTokenId" | "InvalidSignatureException" | "SignatureDoesNotMatch"
        | "IncompleteSignature" | "MissingAuthenticationToken" => (K::Unauthenticated, false, "check the AWS credentials"),
        "AccessDeniedException" | "AccessDenied"     => (K::PermissionDenied, false, "the AWS identity needs redshift-data:* and redshift:GetClusterCredentials"),
        "ThrottlingException" | "Throttling" | "TooManyRequestsException" => (K::Unavailable, true, "the Data API is asked too often"),
        "ActiveStatementsExceededException" | "ActiveSessionsExceededException" => (K::ResourceExhausted, true, "the Data API runs 500 statements and sessions per cluster at most"),
        "ActiveWaitingRequestsExceededException"     => (K::ResourceExhausted, true, ""),
        "InternalServerException" | "InternalFailure" | "ServiceUnavailable" | "ServiceUnavailableException" => (K::Unavailable, true, ""),
        "ValidationException" if is_of_session(message) => (K::Unavailable, false, SESSION_GONE),
        "ValidationException"                        => (K::InvalidInput, false, "check `cluster_id`, `workgroup`, `user`, `database` and `region`"),
        "ResourceNotFoundException"                  => (K::NotFound, false, "check `cluster_id`, `workgroup` and `region`"),
        "QueryTimeoutException"                      => (K::Timeout, true, ""),
        "DatabaseConnectionException" | "ExecuteStatementException" | "BatchExecuteStatementException" => (K::Unavailable, true, ""),
        _                                            => (K::Unexpected, false, ""),
    }
}

/// What the Data API says of a request that it refuses.
fn refused(code: &str, message: &str) -> Error {
    let (kind, retryable, help) = by_code(code, message);
    let made = Error::new(kind, format!("the Data API: {message} ({code})"));
    finished(made, retryable, help, None)
}

/// A request to the Data API that failed for good.
pub(crate) fn request<E>(error: SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if let Some(service) = error.as_service_error() {
        return refused(
            service.code().unwrap_or("no code"),
            service.message().unwrap_or("no message"),
        );
    }
    let (kind, message, retryable) = match &error {
        _ if is_of_credentials(&error) => (ErrorKind::Unauthenticated, "there are no AWS credentials", false),
        SdkError::TimeoutError(_) => (ErrorKind::Timeout, "the Data API did not answer in time", true),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            (ErrorKind::Timeout, "the Data API did not answer in time", true)
        }
        SdkError::DispatchFailure(_) => (ErrorKind::Unavailable, "the Data API cannot be reached", true),
        SdkError::ResponseError(_) => (
            ErrorKind::Unavailable,
            "the Data API sent an answer that cannot be read",
            true,
        ),
        _ => (
            ErrorKind::Unexpected,
            "a request to the Data API could not be made",
            false,
        ),
    };
    let help = match kind {
        ErrorKind::Unauthenticated => "check the AWS credentials: environment, `profile`, role",
        _ => "",
    };
    finished(Error::new(kind, message), retryable, help, None).with_cause(error)
}

fn is_of_credentials(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<CredentialsError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests;
