use hybrid_core::{Error, ErrorKind};
use rusqlite::{Error as Sqlite, ErrorCode};

use super::place::Place;

/// What SQLite says when someone tries to `what` the registry, as an error that a caller can act on.
pub(super) fn failed(place: &Place, what: &str, error: Sqlite) -> Error {
    let (kind, retryable, help) = match error.sqlite_error_code() {
        Some(code) => acted_on(code),
        None => (ErrorKind::Unexpected, false, None),
    };
    let mut made = Error::new(kind, format!("cannot {what} registry {place}")).with_cause(error);
    if let Some(help) = help {
        made = made.with_help(help);
    }
    if retryable { made.retryable() } else { made }
}

#[rustfmt::skip]
fn acted_on(code: ErrorCode) -> (ErrorKind, bool, Option<&'static str>) {
    use ErrorKind as K;
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked
            => (K::Unavailable, true, Some("another process has locked it; `connect_args: {timeout: SECONDS}` of `sqlalchemy_config_kwargs` says how long to wait")),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied
            => (K::PermissionDenied, false, Some("the file, its folder or `mode=ro` of its address lets nobody write")),
        ErrorCode::NotADatabase
            => (K::Corrupt, false, Some("it is no database of SQLite; for a registry.db leave `registry_type` out")),
        ErrorCode::DatabaseCorrupt      => (K::Corrupt, false, None),
        ErrorCode::CannotOpen           => (K::Unavailable, false, None),
        ErrorCode::SystemIoFailure      => (K::Unavailable, true, None),
        ErrorCode::DiskFull | ErrorCode::OutOfMemory | ErrorCode::TooBig
            => (K::ResourceExhausted, false, None),
        ErrorCode::OperationInterrupted => (K::Cancelled, false, None),
        _                               => (K::Unexpected, false, None),
    }
}
