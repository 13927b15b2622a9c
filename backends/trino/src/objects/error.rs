//! What the clients' errors mean for a caller. Their own texts are not passed on: they repeat requests, and a request may
//! hold a signature.

use std::error::Error as StdError;
use std::iter::successors;

use hybrid_core::{Error, ErrorKind};
use object_store::Error as StoreError;
use object_store::client::{HttpError, HttpErrorKind};

use super::address::{Address, Kind};

/// Codes by which servers say that the credentials are wrong, and not only too weak.
const WRONG_CREDENTIALS: [&str; 8] = [
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "InvalidToken",
    "TokenRefreshRequired",
    "AuthenticationFailed",
    "NoAuthenticationInformation",
];

/// A request that failed: what this process could not do to which folder.
pub(super) fn storage(action: &str, address: &Address, error: &StoreError) -> Error {
    let text = error.to_string();
    let (kind, retryable) = kind_of(error, &text);
    let message = format!("`staging`: cannot {action} `{address}`: {}", reason(error, &text));
    let made = Error::new(kind, message);
    let made = match kind {
        ErrorKind::Unauthenticated => made.with_help(set(address)),
        ErrorKind::PermissionDenied => made.with_help(
            "the credentials in the environment must be allowed to write, list and delete below `location` of `staging`",
        ),
        ErrorKind::NotFound => made.with_help("check the bucket that `location`, or `path`, of `staging` names"),
        ErrorKind::Config => made.with_help("the bucket of `staging` is in another region: set AWS_REGION"),
        _ => made,
    };
    if retryable { made.retryable() } else { made }
}

/// Settings of the environment from which no client can be made.
pub(super) fn settings(address: &Address, error: &StoreError) -> Error {
    let message = format!("`staging`: no client for `{address}` can be made: {}", innermost(error));
    Error::new(ErrorKind::Config, message).with_help(set(address))
}

/// Nobody gave credentials.
pub(super) fn no_credentials(address: &Address) -> Error {
    let message = format!("`staging`: there are no credentials for `{address}`");
    Error::new(ErrorKind::Unauthenticated, message).with_help(set(address))
}

fn set(address: &Address) -> String {
    let variables = match address.kind {
        Kind::S3 => "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_REGION, AWS_SESSION_TOKEN)",
        Kind::Gcs => "GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_SERVICE_ACCOUNT",
        Kind::Azure => "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY (or a client id and secret)",
    };
    format!("`staging` takes credentials from the environment: check {variables}")
}

fn kind_of(error: &StoreError, text: &str) -> (ErrorKind, bool) {
    let code = code(text).unwrap_or_default();
    if WRONG_CREDENTIALS.contains(&code) {
        return (ErrorKind::Unauthenticated, false);
    }
    match (error, code) {
        (StoreError::NotFound { .. }, _) | (_, "NoSuchBucket") => (ErrorKind::NotFound, false),
        (StoreError::PermissionDenied { .. }, _) | (_, "AccessDenied") => (ErrorKind::PermissionDenied, false),
        (StoreError::Unauthenticated { .. }, _) => (ErrorKind::Unauthenticated, false),
        (StoreError::NotSupported { .. } | StoreError::NotImplemented { .. }, _) => (ErrorKind::Unsupported, false),
        _ => match (status(text), http(error)) {
            (Some(300..=399), _) => (ErrorKind::Config, false),
            (Some(408 | 429 | 500..), _) => (ErrorKind::Unavailable, true),
            (None, Some(HttpErrorKind::Timeout)) => (ErrorKind::Timeout, true),
            (None, Some(_)) => (ErrorKind::Unavailable, true),
            (None, None) if text.contains("redirect without LOCATION") => (ErrorKind::Config, false),
            _ => (ErrorKind::Unexpected, false),
        },
    }
}

fn reason(error: &StoreError, text: &str) -> String {
    match (code(text), between(text, "<Message>", "</"), status(text)) {
        (Some(code), Some(message), _) => {
            let message: String = message.trim().chars().take(200).collect();
            format!("{code}: {message}")
        }
        (Some(code), None, _) => code.to_owned(),
        (None, _, Some(404)) => "it does not exist".to_owned(),
        (None, _, Some(status)) => format!("the server answered {status}"),
        (None, _, None) => innermost(error),
    }
}

/// The code in an answer. The client's type that has it is its own: its text is all there is.
fn code(text: &str) -> Option<&str> {
    // The second is how the client tells of one object among those to delete.
    between(text, "<Code>", "</").or_else(|| between(text, "(code: ", ")"))
}

fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("non-2xx status code: ")?;
    rest.get(..3)?.parse().ok()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

fn http(error: &StoreError) -> Option<HttpErrorKind> {
    let found = causes(error).find_map(|cause| cause.downcast_ref::<HttpError>());
    found.map(HttpError::kind)
}

/// The last cause says what happened, the ones before only where.
fn innermost(error: &StoreError) -> String {
    causes(error).last().map_or_else(String::new, ToString::to_string)
}

fn causes(error: &StoreError) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    successors(
        Some(error as &(dyn StdError + 'static)),
        |error: &&(dyn StdError + 'static)| (*error).source(),
    )
}
