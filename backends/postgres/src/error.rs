//! What the server and the connection say, as errors that a caller can act on.

use deadpool_postgres::{PoolError, TimeoutType};
use hybrid_core::{Error, ErrorKind};
use tokio_postgres::error::{DbError, ErrorPosition};

/// How much of a statement is shown around the place of an error.
const EXCERPT: usize = 60;

/// Kind, whether trying again can help, and what would be right, by SQLSTATE.
#[rustfmt::skip]
fn kind_of(state: &str, message: &str) -> (ErrorKind, bool, Option<&'static str>) {
    use ErrorKind as K;
    match state {
        "28P01"                     => (K::Unauthenticated, false, Some("check `user` and `password`")),
        "28000"                     => (K::Unauthenticated, false, Some("check `user`, `sslmode` and the client's certificate against the server's pg_hba.conf")),
        "42501" if message.contains("temporary tables")
                                    => (K::PermissionDenied, false, Some("grant the role TEMPORARY on the database, or set entity_select_mode: embed_query, which needs none for entity rows")),
        "42501" | "0LP01"           => (K::PermissionDenied, false, None),
        "42P01" | "3F000"           => (K::NotFound, false, Some("a table without a schema is looked for in `db_schema`, then in `public`")),
        "42703" | "3D000" | "57P04" | "42883" | "42704"
                                    => (K::NotFound, false, None),
        "25006"                     => (K::Unsupported, false, Some("the server is a standby, or the session may only read: what writes goes to the primary")),
        "57014" if message.contains("statement timeout")
                                    => (K::Timeout, false, Some("the server's statement_timeout ended it")),
        "25P04"                     => (K::Timeout, false, Some("the server's transaction_timeout ended it")),
        "55P03"                     => (K::Timeout, true, Some("another transaction holds a lock on it")),
        "25P03" | "57P05"           => (K::Timeout, true, None),
        "57014"                     => (K::Cancelled, false, None),
        "40001" | "40P01" if message.contains("conflict with recovery")
                                    => (K::Unavailable, true, Some("the query held up the standby: raise its max_standby_streaming_delay, or set its hot_standby_feedback")),
        "40001" | "40P01"           => (K::Unavailable, true, None),
        "40003"                     => (K::Unavailable, false, Some("it is not known whether the transaction was committed")),
        "57P01" | "57P02" | "57P03" => (K::Unavailable, true, None),
        "53400" | "54000" | "54001" | "54011" | "54023"
                                    => (K::ResourceExhausted, false, None),
        "53300"                     => (K::ResourceExhausted, true, Some("the server has no connection left: lower `max_conn`, or raise its max_connections")),
        "42P07" | "42710" | "42P06" => (K::InvalidInput, false, None),
        "23505" if message.contains("_nsp_index")
                                    => (K::InvalidInput, false, Some("somebody else has made a table of this name meanwhile")),
        "2BP01"                     => (K::InvalidInput, false, Some("other objects depend on the table; drop them first")),
        "42P22" | "42P21"           => (K::InvalidInput, false, Some("columns of different collations are compared: add COLLATE in the source's query")),
        "XX001" | "XX002"           => (K::Corrupt, false, None),
        _ => match &state[..state.len().min(2)] {
            "08"                    => (K::Unavailable, true, None),
            "0A"                    => (K::Unsupported, false, None),
            "21" | "22" | "23" | "42" | "44"
                                    => (K::InvalidInput, false, None),
            "53"                    => (K::ResourceExhausted, false, None),
            "54"                    => (K::ResourceExhausted, false, None),
            "58"                    => (K::Unavailable, false, None),
            _                       => (K::Unexpected, false, None),
        },
    }
}

/// What was made of an error of the connection or the server, in `statement` where there is one.
pub fn made(error: tokio_postgres::Error, statement: Option<&str>) -> Error {
    if let Some(told) = error.as_db_error() {
        return told_by_server(told, statement);
    }
    let text = error.to_string();
    let source = |error: tokio_postgres::Error| error.into_source();
    let new = |kind, message: &str, cause: Option<Box<dyn std::error::Error + Send + Sync>>| {
        let error = Error::new(kind, message);
        match cause {
            Some(cause) => error.with_cause(cause),
            None => error,
        }
    };
    match text.as_str() {
        "error performing TLS handshake" => {
            new(ErrorKind::Config, "TLS with the Postgres server failed", source(error))
                .with_help("check `sslmode`, `sslrootcert_path` and the server's certificate")
        }
        "authentication error" | "invalid configuration" => new(
            ErrorKind::Unauthenticated,
            "the Postgres server refused the login",
            source(error),
        )
        .with_help("check `user` and `password`"),
        "error connecting to server" => new(
            ErrorKind::Unavailable,
            "the Postgres server cannot be reached",
            source(error),
        )
        .retryable(),
        "connection closed" | "error communicating with the server" => new(
            ErrorKind::Unavailable,
            "the connection to the Postgres server was lost",
            source(error),
        )
        .retryable(),
        _ => new(ErrorKind::Unexpected, &text, source(error)),
    }
}

fn told_by_server(told: &DbError, statement: Option<&str>) -> Error {
    let state = told.code().code();
    let (kind, retryable, help) = kind_of(state, told.message());
    let mut error = Error::new(kind, format!("{} (SQLSTATE {state})", told.message()));
    if retryable {
        error = error.retryable();
    }
    for (name, text) in [
        ("detail", told.detail()),
        ("hint", told.hint()),
        ("where", told.where_()),
    ] {
        if let Some(text) = text {
            error = error.with_help(format!("{name}: {}", shortened(text)));
        }
    }
    let place = match (told.position(), statement) {
        (Some(ErrorPosition::Original(at)), Some(statement)) => Some(excerpt(statement, *at as usize)),
        (Some(ErrorPosition::Internal { position, query }), _) => Some(excerpt(query, *position as usize)),
        _ => None,
    };
    if let Some(place) = place {
        error = error.with_help(format!("at: {place}"));
    }
    match help {
        Some(help) => error.with_help(help),
        None => error,
    }
}

/// Whether it is that the server, or the session, may only read.
pub(crate) fn is_read_only(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| code.code() == "25006")
}

/// What a pool could not give.
pub(crate) fn pool(error: PoolError, max: usize) -> Error {
    match error {
        PoolError::Backend(error) => made(error, None),
        PoolError::Timeout(TimeoutType::Create) => Error::new(
            ErrorKind::Timeout,
            "the Postgres server did not let the connection in in time",
        )
        .retryable(),
        PoolError::Timeout(_) => Error::new(
            ErrorKind::ResourceExhausted,
            format!("all {max} connections to the Postgres server are busy"),
        )
        .retryable()
        .with_help("raise `max_conn`, or run fewer operations at the same time"),
        PoolError::Closed => Error::new(ErrorKind::Unavailable, "the Postgres store was shut down"),
        other => Error::new(ErrorKind::Unexpected, other.to_string()),
    }
}

/// Whether connecting again soon can help: nothing has been asked yet.
pub(crate) fn is_passing(error: &PoolError) -> bool {
    let PoolError::Backend(error) = error else { return false };
    match error.code() {
        Some(code) => matches!(code.code(), "57P03" | "57P01" | "57P02" | "53300") || code.code().starts_with("08"),
        None => matches!(
            error.to_string().as_str(),
            "error connecting to server" | "connection closed" | "error communicating with the server"
        ),
    }
}

/// The statement around its `position`th character (from 1), which gets a mark.
fn excerpt(statement: &str, position: usize) -> String {
    let at = position.saturating_sub(1);
    let start = at.saturating_sub(EXCERPT);
    let before: String = statement.chars().skip(start).take(at - start).collect();
    let after: String = statement.chars().skip(at).take(EXCERPT).collect();
    let one_line = |text: String| text.replace(['\n', '\r', '\t'], " ");
    format!(
        "{}{} ⟶ {}",
        if start > 0 { "…" } else { "" },
        one_line(before),
        one_line(after)
    )
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(500) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
