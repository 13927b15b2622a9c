use std::error::Error as _;
use std::fmt;
use std::iter::successors;

use hybrid_core::error::with_causes;
use hybrid_core::sql::status_line;
use hybrid_core::{Error, ErrorKind};
use reqwest::{StatusCode, Url};
use serde::Deserialize;

/// What Trino says of a query that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Failure {
    /// For people.
    pub(crate) message: String,
    /// The name of the error, `TABLE_NOT_FOUND`.
    pub(crate) error_name: String,
    /// Its kind: `USER_ERROR`, `INTERNAL_ERROR`, `INSUFFICIENT_RESOURCES`, `EXTERNAL`.
    pub(crate) error_type: String,
    /// Its number.
    pub(crate) error_code: i64,
    /// What the server's program says of it.
    pub(crate) failure_info: Option<Cause>,
}

/// An error inside of the server, and what caused it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Cause {
    message: Option<String>,
    cause: Option<Box<Cause>>,
}

impl Failure {
    /// Whether the error or a cause of it says one of these.
    fn says(&self, any: &[&str]) -> bool {
        let causes = successors(self.failure_info.as_ref(), |cause| cause.cause.as_deref());
        let messages = causes.filter_map(|cause| cause.message.as_ref());
        let mut texts = messages.chain([&self.message]);
        texts.any(|text| any.iter().any(|said| text.contains(said)))
    }

    /// Whether a disk of the server is full. What a user did wrong may quote a value: those words are not the server's.
    fn is_disk_full(&self) -> bool {
        self.error_type != "USER_ERROR" && self.says(&DISK)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Trino error {} ({}, {})",
            self.error_name, self.error_code, self.error_type
        )
    }
}

impl std::error::Error for Failure {}

/// What a caller can do about an error of that name and type, and whether trying again can help.
fn kind_of(name: &str, error_type: &str) -> (ErrorKind, bool) {
    use ErrorKind as K;
    match name {
        "TABLE_NOT_FOUND"
        | "COLUMN_NOT_FOUND"
        | "SCHEMA_NOT_FOUND"
        | "CATALOG_NOT_FOUND"
        | "NOT_FOUND"
        | "MISSING_TABLE"
        | "MISSING_COLUMN_NAME"
        | "FUNCTION_NOT_FOUND"
        | "VIEW_NOT_FOUND" => (K::NotFound, false),
        "NOT_SUPPORTED" | "UNSUPPORTED_SUBQUERY" | "UNSUPPORTED_TABLE_TYPE" => (K::Unsupported, false),
        "PERMISSION_DENIED" | "READ_ONLY_VIOLATION" => (K::PermissionDenied, false),
        "ADMINISTRATIVELY_KILLED" | "USER_CANCELED" | "ADMINISTRATIVELY_PREEMPTED" | "ABANDONED_QUERY" => {
            (K::Cancelled, false)
        }
        "EXCEEDED_TIME_LIMIT" => (K::Timeout, false),
        "QUERY_QUEUE_FULL" => (K::ResourceExhausted, true),
        "CLUSTER_OUT_OF_MEMORY" | "QUERY_TEXT_TOO_LARGE" | "QUERY_HAS_TOO_MANY_STAGES" => (K::ResourceExhausted, false),
        name if name.starts_with("EXCEEDED_") => (K::ResourceExhausted, false),
        "CLUSTER_HAS_TOO_FEW_WORKERS"
        | "NO_NODES_AVAILABLE"
        | "REMOTE_TASK_ERROR"
        | "REMOTE_HOST_GONE"
        | "REMOTE_TASK_MISMATCH"
        | "TOO_MANY_REQUESTS_FAILED"
        | "PAGE_TRANSPORT_ERROR"
        | "PAGE_TRANSPORT_TIMEOUT" => (K::Unavailable, true),
        name if name.starts_with("SERVER_") => (K::Unavailable, true),
        "TRANSACTION_CONFLICT" | "ICEBERG_COMMIT_ERROR" => (K::Unavailable, true),
        name if name.ends_with("_BAD_DATA") || name.ends_with("_INVALID_METADATA") => (K::Corrupt, false),
        _ => match error_type {
            "USER_ERROR" => (K::InvalidInput, false),
            "INSUFFICIENT_RESOURCES" => (K::ResourceExhausted, false),
            "EXTERNAL" => (K::Unavailable, false),
            _ => (K::Unexpected, false),
        },
    }
}

/// What a refusal says of what `entity_select_mode: embed_query` does without.
const WRITES: [&str; 3] = ["Cannot create ", "Cannot insert ", "Cannot drop "];

/// What a refusal says of the property that the store itself sets.
const MICROS: [&str; 2] = ["Cannot set catalog session property ", "timestamp_precision"];

fn help_of(failure: &Failure) -> Option<&'static str> {
    let message = failure.message.as_str();
    Some(match failure.error_name.as_str() {
        "ADMINISTRATIVELY_KILLED" => "an administrator, or a rule of the server, ended the query",
        "ABANDONED_QUERY" => "the query was dropped as nobody asked for its rows in the time that the server allows",
        "EXCEEDED_TIME_LIMIT" => "the server's limits or `session_properties` (query_max_run_time) allow no more",
        name if name.starts_with("EXCEEDED_") && name.contains("MEMORY") => {
            "the server's limits or `session_properties` (query_max_memory) allow no more"
        }
        "PERMISSION_DENIED" if MICROS.iter().all(|words| message.contains(words)) => {
            "the store sets this property so that the Hive connector does not cut timestamps to milliseconds: have an \
             administrator allow this user to set it"
        }
        "READ_ONLY_VIOLATION" => READER,
        "PERMISSION_DENIED" if WRITES.iter().any(|words| message.contains(words)) => READER,
        _ => return None,
    })
}

const READER: &str =
    "a user who may only read can have small frames sent inside the statement: `entity_select_mode: embed_query`";

/// How connectors begin to say that a table cannot have a column's type; of the names, Delta's means other things too.
const NO_SUCH_TYPE: [&str; 3] = [
    "Unsupported type: ",
    "Unsupported Hive type: ",
    "Incorrect timestamp precision for ",
];

/// What the server's system says of a disk that is full, or of a limit of its own.
const DISK: [&str; 3] = ["No space left on device", "Disk quota exceeded", "File too large"];

/// The error of a query that failed in the engine.
pub(crate) fn query_error(failure: Failure) -> Error {
    let no_such_type = NO_SUCH_TYPE.iter().any(|words| failure.message.starts_with(*words));
    let disk_full = failure.is_disk_full();
    let (kind, retryable) = match (no_such_type, disk_full) {
        (true, _) => (ErrorKind::Unsupported, false),
        (_, true) => (ErrorKind::ResourceExhausted, false),
        _ => kind_of(&failure.error_name, &failure.error_type),
    };
    let mut error = Error::new(kind, failure.message.clone());
    if retryable {
        error = error.retryable();
    }
    if no_such_type {
        error = error.with_help(
            "a table is made of these columns: cast them to types of the catalog's connector, an instant by \
             CAST(t AT TIME ZONE 'UTC' AS timestamp(6))",
        );
    }
    if disk_full {
        error = error.with_help("a disk is full: make room where the Trino server writes");
    }
    if let Some(help) = help_of(&failure) {
        error = error.with_help(help);
    }
    error.with_cause(failure)
}

/// Trino's own name of an error, if it is one of Trino's.
pub(crate) fn name_of(error: &Error) -> Option<&str> {
    let failure = error.source()?.downcast_ref::<Failure>()?;
    Some(&failure.error_name)
}

/// Whether a writer was in the way of another one: the statement has written nothing.
pub(crate) fn is_conflict(error: &Error) -> bool {
    matches!(name_of(error), Some("TRANSACTION_CONFLICT" | "ICEBERG_COMMIT_ERROR"))
}

/// Who was asked, at an address.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whom<'a> {
    Trino(&'a Url),
    /// Where results are spooled.
    Storage(&'a Url),
}

impl fmt::Display for Whom<'_> {
    /// Of the address the host alone: the rest may hold the key of a segment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (who, address) = match self {
            Self::Trino(address) => ("Trino", address),
            Self::Storage(address) => ("the storage of results", address),
        };
        write!(f, "{who} at {}", address.host_str().unwrap_or_default())?;
        match address.port_or_known_default() {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// An answer that is no result: the status says what a caller can do, the body is for people.
pub(crate) fn status_error(whom: Whom<'_>, status: StatusCode, body: &str) -> Error {
    let (kind, retryable, what) = match status.as_u16() {
        401 => (ErrorKind::Unauthenticated, false, "does not accept who asks"),
        403 => (ErrorKind::PermissionDenied, false, "refuses who asks"),
        404 | 410 => (
            ErrorKind::Unavailable,
            true,
            "no longer knows what was asked for: it was restarted, or cleaned up",
        ),
        429 | 502..=504 => (ErrorKind::Unavailable, true, "is not ready to answer"),
        400 | 413 | 414 | 431 => (ErrorKind::InvalidInput, false, "refuses the request"),
        _ => (ErrorKind::Unexpected, false, "gave an unexpected answer"),
    };
    let error = Error::new(kind, format!("{whom} {what}: {}", status_line(status, body)));
    if retryable { error.retryable() } else { error }
}

/// A request that got no answer.
pub(crate) fn transport_error(whom: Whom<'_>, error: reqwest::Error) -> Error {
    // The URL may hold the key of a segment.
    let error = error.without_url();
    let chain = with_causes(&error);
    let tls = ["certificate", "TLS", "tls", "handshake"]
        .iter()
        .any(|word| chain.contains(word));
    if error.is_timeout() {
        return Error::new(ErrorKind::Timeout, format!("{whom} did not answer in time")).retryable();
    }
    let made = match tls {
        true => Error::new(ErrorKind::Unavailable, format!("no secure connection to {whom}")).with_help(trust(whom)),
        false => Error::new(ErrorKind::Unavailable, format!("{whom} cannot be reached")).retryable(),
    };
    made.with_cause(error)
}

fn trust(whom: Whom<'_>) -> &'static str {
    match whom {
        Whom::Trino(_) => "`ssl-verify` names the PEM file of the authority that signed the server's certificate",
        Whom::Storage(_) => "the system's authorities are trusted there, and those of the file that `ssl-verify` names",
    }
}

/// An answer that is not what the protocol says.
pub(crate) fn protocol(what: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Unexpected, format!("Trino's answer cannot be read: {what}"))
}

#[cfg(test)]
mod tests;
