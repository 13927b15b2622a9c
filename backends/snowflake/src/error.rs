use std::fmt;

use hybrid_core::error::with_causes;
use hybrid_core::{Error, ErrorKind};
use reqwest::StatusCode;

/// What Snowflake says of a request that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Its number, six digits.
    pub(crate) code: String,
    /// For people.
    pub(crate) message: String,
    /// SQLSTATE.
    pub(crate) sql_state: String,
    /// The query, as Snowflake's history lists it.
    pub(crate) query_id: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snowflake error {}", self.code)?;
        if !self.sql_state.is_empty() {
            write!(f, " (SQLSTATE {})", self.sql_state)?;
        }
        if !self.query_id.is_empty() {
            write!(f, ", query {}", self.query_id)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// The session token is too old: a new one is to be had for the master token.
pub(crate) const SESSION_EXPIRED: &str = "390112";

/// The session cannot be used any more, whatever is tried.
const SESSION_GONE: [&str; 7] = ["390103", "390104", "390111", "390113", "390114", "390115", "390400"];

/// Whether the session behind a failed request is gone.
pub(crate) fn is_session_gone(code: &str) -> bool {
    code == SESSION_EXPIRED || SESSION_GONE.contains(&code)
}

/// What a caller can do about an error of that number, and whether trying again can help.
fn kind_of(failure: &Failure) -> (ErrorKind, bool) {
    use ErrorKind as K;
    let (code, state) = (failure.code.as_str(), failure.sql_state.as_str());
    match code {
        _ if is_session_gone(code) => (K::Unavailable, true),
        // Conflicts and locks: the statement did nothing.
        "000625" | "000635" => (K::Unavailable, true),
        "000604" => (K::Cancelled, false),
        "000630" => (K::Timeout, false),
        "000606" | "000607" | "090105" | "090106" => (K::Config, false),
        "090073" | "000608" => (K::ResourceExhausted, false),
        "000002" | "009999" => (K::Unsupported, false),
        "002002" => (K::InvalidInput, false),
        "002003" | "002043" | "000904" => not_found_or_there(&failure.message),
        "003001" | "003003" | "390186" | "390189" | "390201" | "390420" | "390422" | "390432" => {
            (K::PermissionDenied, false)
        }
        "390429" => (K::Unavailable, true),
        code if code.starts_with("3901") || code.starts_with("3903") || code.starts_with("3943") => {
            (K::Unauthenticated, false)
        }
        _ => by_state(state),
    }
}

/// One number for what is missing and for what is there already.
fn not_found_or_there(message: &str) -> (ErrorKind, bool) {
    match message.contains("already exists") {
        true => (ErrorKind::InvalidInput, false),
        false => (ErrorKind::NotFound, false),
    }
}

fn by_state(state: &str) -> (ErrorKind, bool) {
    use ErrorKind as K;
    match state {
        "42S02" | "42S22" => (K::NotFound, false),
        "42501" => (K::PermissionDenied, false),
        "57014" => (K::Cancelled, false),
        "0A000" => (K::Unsupported, false),
        "28000" => (K::Unauthenticated, false),
        "53200" | "53300" | "54000" => (K::ResourceExhausted, false),
        state if state.starts_with("22") || state.starts_with("42") || state.starts_with("23") => {
            (K::InvalidInput, false)
        }
        state if state.starts_with("08") => (K::Unavailable, false),
        _ => (K::Unexpected, false),
    }
}

fn help_of(code: &str) -> Option<&'static str> {
    Some(match code {
        "000606" | "000607" => "set `warehouse`, and grant its USAGE to the role",
        "000630" => "the limit is STATEMENT_TIMEOUT_IN_SECONDS of the warehouse, the user or `session_parameters`",
        "090105" | "090106" => {
            "check `database` and `schema`: they must exist, letter by letter, and the role must have their USAGE"
        }
        "390100" => "check `account`, `user` and `password`",
        "390144" | "394300" | "394304" => {
            "check `account` and `user`, and that the public key of `private_key` is the user's RSA_PUBLIC_KEY"
        }
        "390303" | "390318" => "get a new token: this one is not valid any more",
        "390189" | "390186" => "check `role`: it must exist and be granted to the user",
        "390422" | "390420" | "390432" => "a network policy of the account does not let this address in",
        "000904" => "names in double quotes are compared letter by letter: columns made without quotes are in capitals",
        "002003" => {
            "names in double quotes are compared letter by letter: what was made without quotes is in capitals; or the \
             role may not see it"
        }
        _ => return None,
    })
}

/// The error of a statement or a login that Snowflake refused.
pub(crate) fn refused(failure: Failure) -> Error {
    let (kind, retryable) = kind_of(&failure);
    let message = match failure.message.trim() {
        "" => "the request failed without a message",
        message => message,
    };
    let mut error = Error::new(kind, message.to_owned());
    if let Some(help) = help_of(&failure.code) {
        error = error.with_help(help);
    }
    error = error.with_cause(failure);
    if retryable { error.retryable() } else { error }
}

/// The error of an HTTP status that is not Snowflake's own answer.
pub(crate) fn status_error(what: &str, status: StatusCode, body: &str) -> Error {
    use ErrorKind as K;
    let (kind, retryable) = match status.as_u16() {
        400 => (K::InvalidInput, false),
        401 => (K::Unauthenticated, false),
        403 => (K::PermissionDenied, false),
        404 => (K::NotFound, false),
        408 | 504 => (K::Timeout, true),
        429 | 500..=503 => (K::Unavailable, true),
        _ => (K::Unexpected, false),
    };
    let line = body.trim().lines().next().unwrap_or_default();
    let shown = match line.is_empty() || line.starts_with(['<', '{']) {
        true => format!("{what}: HTTP status {status}"),
        false => format!(
            "{what}: HTTP status {status}, {}",
            line.chars().take(200).collect::<String>()
        ),
    };
    let error = Error::new(kind, shown);
    if retryable { error.retryable() } else { error }
}

/// A request that got no answer.
pub(crate) fn transport_error(what: &str, error: reqwest::Error) -> Error {
    // The address may hold a signature.
    let error = error.without_url();
    let chain = with_causes(&error);
    let tls = ["certificate", "TLS", "tls", "handshake"]
        .iter()
        .any(|word| chain.contains(word));
    if error.is_timeout() {
        return Error::new(ErrorKind::Timeout, format!("{what} did not answer in time"))
            .retryable()
            .with_cause(error);
    }
    let made = match tls {
        true => Error::new(ErrorKind::Unavailable, format!("no secure connection to {what}"))
            .with_help("a proxy between may answer with a certificate of its own: the system must trust it"),
        false => Error::new(ErrorKind::Unavailable, format!("{what} cannot be reached")).retryable(),
    };
    made.with_cause(error)
}

/// An answer that is not what the protocol says.
pub(crate) fn protocol(what: impl fmt::Display) -> Error {
    Error::new(
        ErrorKind::Unexpected,
        format!("Snowflake's answer cannot be read: {what}"),
    )
}

#[cfg(test)]
mod tests;
