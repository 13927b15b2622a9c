//! What the clients' errors mean for a caller. Their own texts are not passed on: they repeat
//! requests, and a request may hold a signature.

use std::error::Error as StdError;

use hybrid_core::{Error, ErrorKind};
use object_store::Error as StoreError;
use object_store::client::{HttpError, HttpErrorKind};

use crate::location::Scheme;

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

/// A request that failed: what was being done (`read`, `list`, `write`) to which URL.
pub(super) fn store_error(action: &str, url: &str, error: &StoreError) -> Error {
    let answer = Answer::of(error);
    let (kind, retryable) = kind_of(error, &answer);
    let made = Error::new(kind, format!("cannot {action} `{url}`: {}", answer.reason(error)));
    let made = match kind {
        ErrorKind::Unauthenticated => {
            made.with_help("check the credentials in the environment (AWS_*, GOOGLE_*, AZURE_*)")
        }
        ErrorKind::PermissionDenied => made.with_help("give these credentials the right to list, read and write there"),
        ErrorKind::Unavailable | ErrorKind::Timeout => {
            made.with_help("is the server reachable from here? try again later")
        }
        ErrorKind::Config => made.with_help("the bucket is in another region: set AWS_REGION"),
        _ => made,
    };
    if retryable { made.retryable() } else { made }
}

/// Settings of the environment from which no client can be made.
pub(super) fn settings_error(scheme: Scheme, url: &str, error: &StoreError) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("cannot connect to `{url}`: {}", innermost(error)),
    )
    .with_help(format!("the settings are environment variables: {}", variables(scheme)))
}

/// Nobody gave credentials.
pub(super) fn no_credentials(scheme: Scheme, url: &str, error: Option<&StoreError>) -> Error {
    let why = error.map_or_else(String::new, |error| format!(": {}", Answer::of(error).reason(error)));
    Error::new(
        ErrorKind::Unauthenticated,
        format!("there are no credentials for `{url}`{why}"),
    )
    .with_help(format!("set {}", variables(scheme)))
}

fn variables(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::S3 => {
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_REGION, AWS_SESSION_TOKEN), or AWS_SKIP_SIGNATURE=true for a public bucket"
        }
        Scheme::Gcs => {
            "GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_SERVICE_ACCOUNT, or GOOGLE_SKIP_SIGNATURE=true for a public bucket"
        }
        Scheme::Azure => {
            "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY (or a SAS token, or a client id and secret), or AZURE_SKIP_SIGNATURE=true for a public container"
        }
    }
}

fn kind_of(error: &StoreError, answer: &Answer) -> (ErrorKind, bool) {
    if answer
        .code
        .as_deref()
        .is_some_and(|code| WRONG_CREDENTIALS.contains(&code))
    {
        return (ErrorKind::Unauthenticated, false);
    }
    match error {
        StoreError::NotFound { .. } => (ErrorKind::NotFound, false),
        StoreError::PermissionDenied { .. } => (ErrorKind::PermissionDenied, false),
        StoreError::Unauthenticated { .. } => (ErrorKind::Unauthenticated, false),
        StoreError::AlreadyExists { .. } => (ErrorKind::InvalidInput, false),
        StoreError::NotSupported { .. } | StoreError::NotImplemented { .. } => (ErrorKind::Unsupported, false),
        StoreError::InvalidPath { .. } => (ErrorKind::Definition, false),
        _ => match (answer.status, answer.http) {
            (Some(status), _) => of_status(status),
            (None, Some(HttpErrorKind::Timeout)) => (ErrorKind::Timeout, true),
            (None, Some(_)) => (ErrorKind::Unavailable, true),
            (None, None) if answer.redirected => (ErrorKind::Config, false),
            (None, None) => (ErrorKind::Unexpected, false),
        },
    }
}

fn of_status(status: u16) -> (ErrorKind, bool) {
    match status {
        401 => (ErrorKind::Unauthenticated, false),
        403 => (ErrorKind::PermissionDenied, false),
        404 => (ErrorKind::NotFound, false),
        300..=399 => (ErrorKind::Config, false),
        408 | 429 | 500.. => (ErrorKind::Unavailable, true),
        _ => (ErrorKind::Unexpected, false),
    }
}

/// What a server said, as far as it said anything.
#[derive(Debug, Default, PartialEq)]
struct Answer {
    status: Option<u16>,
    code: Option<String>,
    message: Option<String>,
    http: Option<HttpErrorKind>,
    redirected: bool,
}

impl Answer {
    fn of(error: &StoreError) -> Self {
        let http = causes(error)
            .find_map(|cause| cause.downcast_ref::<HttpError>())
            .map(HttpError::kind);
        // The client's type that knows the status is its own; its text is all there is.
        let text = error.to_string();
        let element = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            rest.split_once("</")
                .map(|(value, _)| value.chars().take(200).collect())
        };
        Self {
            status: status_in(&text),
            code: element("Code"),
            message: element("Message"),
            http,
            redirected: text.contains("redirect without LOCATION"),
        }
    }

    fn reason(&self, error: &StoreError) -> String {
        match (&self.code, &self.message, self.status) {
            (Some(code), Some(message), _) => format!("{code}: {}", message.trim()),
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

fn causes(error: &StoreError) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(
        Some(error as &(dyn StdError + 'static)),
        |error: &&(dyn StdError + 'static)| (*error).source(),
    )
}

/// The last cause says what happened, the ones before only where.
fn innermost(error: &StoreError) -> String {
    causes(error).last().map_or_else(String::new, ToString::to_string)
}
