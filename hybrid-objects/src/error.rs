//! What the clients' errors mean for a caller. Their own texts are not passed on: they repeat requests, and a request may
//! hold a signature.

use std::error::Error as StdError;
use std::iter::successors;

use hybrid_core::{Error, ErrorKind};
use object_store::Error as StoreError;
use object_store::client::{HttpError, HttpErrorKind};

use crate::address::{Address, Kind};

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

/// So much of a server's words is told.
const TOLD_CHARACTERS: usize = 200;

/// A request that failed: what was being done (`read`, `list`, `write to`) to which URL. Who must be allowed what, and where
/// credentials are looked for, is the caller's to add.
pub fn request_error(action: &str, url: &str, error: &StoreError) -> Error {
    let answer = Answer::of(error);
    let kind = kind_of(error, &answer);
    let made = Error::new(kind, format!("cannot {action} `{url}`: {}", answer.reason(error)));
    match kind {
        ErrorKind::Unavailable | ErrorKind::Timeout => made
            .with_help("is the server reachable from here? try again later")
            .retryable(),
        ErrorKind::Config => made.with_help("the bucket is in another region: set AWS_REGION"),
        _ => made,
    }
}

/// The code in a server's answer.
pub fn code(error: &StoreError) -> Option<String> {
    code_in(&error.to_string())
}

/// Settings of the environment from which no client can be made.
pub(crate) fn no_client(address: &Address, error: &StoreError) -> Error {
    let message = format!("cannot connect to `{}`: {}", address.url, innermost(error));
    Error::new(ErrorKind::Config, message).with_help(format!(
        "the settings are environment variables: {}",
        variables(address.kind)
    ))
}

/// Nobody gave credentials.
pub(crate) fn no_credentials(address: &Address, error: Option<&StoreError>) -> Error {
    let why = error.map_or_else(String::new, |error| format!(": {}", Answer::of(error).reason(error)));
    let message = format!("there are no credentials for `{}`{why}", address.url);
    Error::new(ErrorKind::Unauthenticated, message).with_help(format!("set {}", variables(address.kind)))
}

#[cfg(not(all(feature = "s3", feature = "gcs", feature = "azure")))]
pub(crate) fn not_compiled_in(address: &Address, kind: Kind) -> Error {
    let (url, feature) = (&address.url, kind.feature());
    let message = format!("`{url}`: this program was built without the feature `{feature}`");
    Error::new(ErrorKind::Unsupported, message)
}

/// With what takes their place where none are needed.
fn variables(kind: Kind) -> String {
    let public = match kind {
        Kind::S3 => "AWS_SKIP_SIGNATURE=true for a public bucket",
        Kind::Gcs => "GOOGLE_SKIP_SIGNATURE=true for a public bucket",
        Kind::Azure => "AZURE_SKIP_SIGNATURE=true for a public container",
    };
    format!("{}, or {public}", kind.variables())
}

fn kind_of(error: &StoreError, answer: &Answer) -> ErrorKind {
    let code = answer.code.as_deref().unwrap_or_default();
    if WRONG_CREDENTIALS.contains(&code) {
        return ErrorKind::Unauthenticated;
    }
    match (error, code) {
        // Of the bucket and the object it says nothing: what was sent is gone, and can be sent again.
        (_, "NoSuchUpload") => ErrorKind::Unavailable,
        (StoreError::NotFound { .. }, _) | (_, "NoSuchBucket") => ErrorKind::NotFound,
        (StoreError::PermissionDenied { .. }, _) | (_, "AccessDenied") => ErrorKind::PermissionDenied,
        (StoreError::Unauthenticated { .. }, _) => ErrorKind::Unauthenticated,
        (StoreError::AlreadyExists { .. }, _) => ErrorKind::InvalidInput,
        (StoreError::NotSupported { .. } | StoreError::NotImplemented { .. }, _) => ErrorKind::Unsupported,
        (StoreError::InvalidPath { .. }, _) => ErrorKind::Definition,
        _ => match (answer.status, answer.http) {
            (Some(status), _) => of_status(status),
            (None, Some(HttpErrorKind::Timeout)) => ErrorKind::Timeout,
            (None, Some(_)) => ErrorKind::Unavailable,
            (None, None) if answer.redirected => ErrorKind::Config,
            (None, None) => ErrorKind::Unexpected,
        },
    }
}

fn of_status(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::PermissionDenied,
        404 => ErrorKind::NotFound,
        300..=399 => ErrorKind::Config,
        408 | 429 | 500.. => ErrorKind::Unavailable,
        _ => ErrorKind::Unexpected,
    }
}

/// What a server said, as far as it said anything.
struct Answer {
    status: Option<u16>,
    code: Option<String>,
    message: Option<String>,
    http: Option<HttpErrorKind>,
    redirected: bool,
}

impl Answer {
    fn of(error: &StoreError) -> Self {
        let http = causes(error).find_map(|cause| cause.downcast_ref::<HttpError>());
        // The client's type that knows the status is its own; its text is all there is.
        let text = error.to_string();
        Self {
            status: status_in(&text),
            code: code_in(&text),
            message: between(&text, "<Message>", "</"),
            http: http.map(HttpError::kind),
            redirected: text.contains("redirect without LOCATION"),
        }
    }

    fn reason(&self, error: &StoreError) -> String {
        match (&self.code, &self.message, self.status) {
            (Some(code), Some(message), _) => format!("{code}: {message}"),
            (Some(code), None, _) => code.clone(),
            (None, _, Some(404)) => "it does not exist".to_owned(),
            (None, _, Some(status)) => format!("the server answered {status}"),
            (None, _, None) => innermost(error),
        }
    }
}

fn status_in(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("non-2xx status code: ")?;
    rest.get(..3)?.parse().ok()
}

fn code_in(text: &str) -> Option<String> {
    // The second is how the client tells of one object among those to delete.
    between(text, "<Code>", "</").or_else(|| between(text, "(code: ", ")"))
}

fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    let (found, _) = rest.split_once(after)?;
    Some(found.trim().chars().take(TOLD_CHARACTERS).collect())
}

fn causes(error: &StoreError) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    successors(
        Some(error as &(dyn StdError + 'static)),
        |error: &&(dyn StdError + 'static)| (*error).source(),
    )
}

/// The last cause says what happened, the ones before only where.
fn innermost(error: &StoreError) -> String {
    causes(error).last().map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(told: &str) -> StoreError {
        StoreError::Generic {
            store: "S3",
            source: told.to_owned().into(),
        }
    }

    /// As servers tell them, in the words of the client.
    fn answer(status: &str, body: &str) -> StoreError {
        generic(&format!(
            "Error performing GET https://b.s3.amazonaws.com/x in 31.1ms - Server returned non-2xx status code: {status}: {body}"
        ))
    }

    #[test]
    fn what_a_server_says_becomes_a_kind() {
        use ErrorKind as K;
        let code = |code: &str| format!("<Error><Code>{code}</Code><Message> No. </Message></Error>");
        for (error, kind, says) in [
            (
                answer("403 Forbidden", &code("AccessDenied")),
                K::PermissionDenied,
                "AccessDenied: No.",
            ),
            (
                answer("403 Forbidden", &code("SignatureDoesNotMatch")),
                K::Unauthenticated,
                "SignatureDoes",
            ),
            (
                answer("400 Bad Request", &code("ExpiredToken")),
                K::Unauthenticated,
                "ExpiredToken: No.",
            ),
            (
                answer("404 Not Found", &code("NoSuchBucket")),
                K::NotFound,
                "NoSuchBucket: No.",
            ),
            (
                answer("404 Not Found", &code("NoSuchUpload")),
                K::Unavailable,
                "NoSuchUpload: No.",
            ),
            (answer("404 Not Found", ""), K::NotFound, "it does not exist"),
            (
                answer("401 Unauthorized", ""),
                K::Unauthenticated,
                "the server answered 401",
            ),
            (answer("301 Moved", ""), K::Config, "AWS_REGION"),
            (generic("Received redirect without LOCATION"), K::Config, "AWS_REGION"),
            (
                answer("503 Slow Down", &code("SlowDown")),
                K::Unavailable,
                "SlowDown: No.",
            ),
            (answer("418 Teapot", ""), K::Unexpected, "the server answered 418"),
            (
                generic("DeleteObjects request failed for key x: (code: AccessDenied)"),
                K::PermissionDenied,
                "AccessDenied",
            ),
            (generic("something else"), K::Unexpected, "something else"),
        ] {
            let made = request_error("read", "s3://b/x", &error);
            assert_eq!(
                (made.kind(), made.is_retryable()),
                (kind, kind == K::Unavailable),
                "{error}"
            );
            let text = made.to_string();
            assert!(
                text.starts_with("cannot read `s3://b/x`: ") && text.contains(says),
                "{text}"
            );
            assert!(!text.contains("amazonaws"), "{text}");
        }
    }
}
