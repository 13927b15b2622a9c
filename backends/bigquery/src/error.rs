use std::fmt;

use hybrid_core::sql::status_line;
use hybrid_core::{Error, ErrorKind};
use reqwest::StatusCode;
use serde::Deserialize;

/// What BigQuery says of a request or a job that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    /// A word for programs, `notFound`.
    pub(crate) reason: String,
    /// Where, when it is in the request.
    pub(crate) location: Option<String>,
    /// For people.
    pub(crate) message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BigQuery error {}", self.reason)?;
        match self.location.as_deref().filter(|location| !location.is_empty()) {
            Some(location) => write!(f, " in {location}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

/// Reasons after which the same request, or the same job under a new id, may succeed: those that Google's clients try
/// again after.
const TRANSIENT: [&str; 6] = [
    "backendError",
    "internalError",
    "jobBackendError",
    "jobInternalError",
    "rateLimitExceeded",
    "jobRateLimitExceeded",
];

/// Whether trying again can help.
pub(crate) fn is_transient(reason: &str) -> bool {
    TRANSIENT.contains(&reason)
}

/// What a caller can do about a reason.
fn kind_of(reason: &str) -> Option<ErrorKind> {
    use ErrorKind as K;
    Some(match reason {
        "accessDenied" | "blocked" | "billingNotEnabled" | "forbidden" | "insufficientPermissions" => {
            K::PermissionDenied
        }
        "authError" | "required" | "UNAUTHENTICATED" => K::Unauthenticated,
        "backendError" | "internalError" | "jobBackendError" | "jobInternalError" | "tableUnavailable"
        | "badGateway" => K::Unavailable,
        "rateLimitExceeded"
        | "jobRateLimitExceeded"
        | "quotaExceeded"
        | "resourcesExceeded"
        | "responseTooLarge"
        | "bytesBilledLimitExceeded"
        | "billingTierLimitExceeded" => K::ResourceExhausted,
        "notFound" => K::NotFound,
        "notImplemented" => K::Unsupported,
        "stopped" => K::Cancelled,
        "timeout" => K::Timeout,
        "duplicate" | "invalid" | "invalidQuery" | "badRequest" | "invalidUser" | "resourceInUse"
        | "invalidParameter" | "parseError" => K::InvalidInput,
        _ => return None,
    })
}

fn help_of(problem: &Problem) -> Option<&'static str> {
    Some(match problem.reason.as_str() {
        "bytesBilledLimitExceeded" => {
            "`maximum_bytes_billed` allows no more; `hybrid explain` shows how much a query reads"
        }
        "quotaExceeded" => "a quota of the project is used up: see its quotas in the Google Cloud console",
        "resourcesExceeded" => {
            "the query needs more memory than BigQuery gives it: another `formulation`, fewer entity rows or views"
        }
        "responseTooLarge" => {
            "BigQuery keeps so many rows of a query only where it asks for no order: leave ORDER BY out, or ask for less"
        }
        "accessDenied" if problem.message.contains("readsessions") => {
            "results are read by the Storage API: the account needs the role BigQuery Read Session User"
        }
        "accessDenied" if problem.message.contains("bigquery.datasets.create") => {
            "make the dataset, or let the account make it; `table_create_disposition: CREATE_NEVER` does not try"
        }
        "accessDenied" if problem.message.contains("bigquery.jobs.create") => {
            "the account needs the role BigQuery Job User in the project that pays; `billing_project_id` names another"
        }
        "invalidQuery" if problem.message.contains("partition elimination") => {
            "the table wants a filter on its partitions: name the column as `date_partition_column`, one of text or \
             whole numbers with its `date_partition_column_format`, or give start and end"
        }
        _ => return None,
    })
}

/// The error of a job that failed, or of a request that was refused with a reason.
pub(crate) fn problem_error(problem: Problem) -> Error {
    let kind = match problem.reason.as_str() {
        // Some refusals have no reason of their own.
        "invalidQuery" if problem.message.contains("Unrecognized name") => ErrorKind::NotFound,
        "invalidQuery" | "invalid" if problem.message.contains("bytes billed") => ErrorKind::ResourceExhausted,
        reason => kind_of(reason).unwrap_or(ErrorKind::Unexpected),
    };
    let mut error = Error::new(kind, problem.message.clone());
    if is_transient(&problem.reason) {
        error = error.retryable();
    }
    if let Some(help) = help_of(&problem) {
        error = error.with_help(help);
    }
    error.with_cause(problem)
}

/// BigQuery's own word for an error, if it is one of BigQuery's.
pub(crate) fn reason_of(error: &Error) -> Option<&str> {
    use std::error::Error as _;
    let problem = error.source()?.downcast_ref::<Problem>()?;
    Some(&problem.reason)
}

/// The body of an answer that is no result.
#[derive(Debug, Default, Deserialize)]
struct Refusal {
    error: Refused,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refused {
    message: String,
    status: String,
    errors: Vec<Problem>,
}

/// What an answer that is no result says.
pub(crate) fn problem_of(status: StatusCode, body: &str) -> Option<Problem> {
    let refused = serde_json::from_str::<Refusal>(body).ok()?.error;
    let first = refused.errors.into_iter().next();
    let reason = first.as_ref().map(|problem| problem.reason.clone());
    let reason = reason.filter(|reason| !reason.is_empty()).unwrap_or(refused.status);
    let message = match refused.message.is_empty() {
        true => format!("HTTP status {status}"),
        false => refused.message,
    };
    Some(Problem {
        reason,
        location: first.and_then(|problem| problem.location),
        message,
    })
}

/// An answer that is no result: its reason says what a caller can do, else its status.
pub(crate) fn status_error(status: StatusCode, body: &str) -> Error {
    let problem = problem_of(status, body);
    if let Some(problem) = problem.as_ref().filter(|problem| kind_of(&problem.reason).is_some()) {
        return match status {
            StatusCode::UNAUTHORIZED => unauthenticated().with_cause(problem.clone()),
            _ => problem_error(problem.clone()),
        };
    }
    let (kind, retryable) = match status.as_u16() {
        401 => return unauthenticated(),
        403 => (ErrorKind::PermissionDenied, false),
        404 | 410 => (ErrorKind::NotFound, false),
        400 | 409 | 412 | 413 => (ErrorKind::InvalidInput, false),
        408 | 429 | 500 | 502..=504 => (ErrorKind::Unavailable, true),
        501 => (ErrorKind::Unsupported, false),
        _ => (ErrorKind::Unexpected, false),
    };
    let said = match problem {
        Some(problem) => problem.message,
        None => status_line(status, body),
    };
    let error = Error::new(kind, format!("BigQuery: {said}"));
    if retryable { error.retryable() } else { error }
}

fn unauthenticated() -> Error {
    Error::new(ErrorKind::Unauthenticated, "BigQuery does not accept the credentials")
        .with_help("`gcloud auth application-default login`, `credentials_file`, or GOOGLE_APPLICATION_CREDENTIALS")
}

/// A request that got no answer.
pub(crate) fn transport_error(place: &str, error: reqwest::Error) -> Error {
    // The URL of an upload is a secret for as long as the upload lasts.
    let error = error.without_url();
    if error.is_timeout() {
        return Error::new(
            ErrorKind::Timeout,
            format!("BigQuery at {place} did not answer in time"),
        )
        .retryable();
    }
    let message = format!("BigQuery at {place} cannot be reached");
    Error::new(ErrorKind::Unavailable, message)
        .retryable()
        .with_cause(error)
}

/// A call of the Storage API that failed.
pub(crate) fn storage_error(status: &tonic::Status) -> Error {
    use std::error::Error as _;
    use tonic::Code as C;
    let (kind, retryable) = match status.code() {
        // The connection failed, whatever that is called.
        _ if status.source().is_some() => (ErrorKind::Unavailable, true),
        C::Cancelled => (ErrorKind::Cancelled, false),
        C::InvalidArgument | C::OutOfRange => (ErrorKind::InvalidInput, false),
        C::DeadlineExceeded => (ErrorKind::Timeout, true),
        C::NotFound => (ErrorKind::NotFound, false),
        C::PermissionDenied => (ErrorKind::PermissionDenied, false),
        C::ResourceExhausted => (ErrorKind::ResourceExhausted, true),
        C::FailedPrecondition => (ErrorKind::Unavailable, false),
        C::Unimplemented => (ErrorKind::Unsupported, false),
        C::Unavailable | C::Aborted | C::Internal | C::Unknown => (ErrorKind::Unavailable, true),
        C::Unauthenticated => return unauthenticated(),
        C::DataLoss => (ErrorKind::Corrupt, false),
        C::Ok | C::AlreadyExists => (ErrorKind::Unexpected, false),
    };
    let message = format!("the Storage API of BigQuery: {}", status.message());
    let mut error = Error::new(kind, message);
    if kind == ErrorKind::PermissionDenied {
        error = error
            .with_help("results are read by the Storage API: the account needs the role BigQuery Read Session User");
    }
    if retryable { error.retryable() } else { error }
}

/// An answer that is not what the protocol says.
pub(crate) fn protocol(what: impl fmt::Display) -> Error {
    Error::new(
        ErrorKind::Unexpected,
        format!("BigQuery's answer cannot be read: {what}"),
    )
}

#[cfg(test)]
mod tests;
