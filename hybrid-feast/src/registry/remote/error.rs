use std::error::Error as _;

use hybrid_core::{Error, ErrorKind};
use tonic::{Code, Status, TimeoutExpired};

/// Whether the connection failed, and not the call: only what was made here has a cause.
pub(super) fn is_lost(status: &Status) -> bool {
    let of_connection = matches!(status.code(), Code::Unknown | Code::Cancelled | Code::Internal);
    status.code() == Code::Unavailable || (of_connection && status.source().is_some() && !is_late(status))
}

fn is_late(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(inner) = cause {
        if inner.is::<TimeoutExpired>() {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// What a registry server answered to `method`, as an error that a caller can act on.
pub(super) fn failed(status: &Status, method: &str, place: &str) -> Error {
    let code = if is_lost(status) {
        Code::Unavailable
    } else {
        status.code()
    };
    let (kind, retryable, help) = acted_on(code);
    let mut error = Error::new(kind, format!("registry server {place}: {method}: {}", told(status)));
    let mut cause = status.source();
    let mut causes = Vec::new();
    while let Some(inner) = cause {
        causes.push(inner.to_string());
        cause = inner.source();
    }
    if !causes.is_empty() {
        error = error.with_cause(causes.join(": "));
    }
    if let Some(help) = help {
        error = error.with_help(help);
    }
    if retryable { error.retryable() } else { error }
}

#[rustfmt::skip]
fn acted_on(code: Code) -> (ErrorKind, bool, Option<&'static str>) {
    use ErrorKind as K;
    match code {
        Code::Unauthenticated   => (K::Unauthenticated, false, Some("check `auth` of feature_store.yaml")),
        Code::PermissionDenied  => (K::PermissionDenied, false, None),
        Code::NotFound          => (K::NotFound, false, None),
        Code::Unimplemented     => (K::Unsupported, false, Some("is it `feast serve_registry` that listens there?")),
        Code::Unavailable       => (K::Unavailable, true, Some("check `path`, `cert` and `is_tls` of the registry, and whether `feast serve_registry` runs")),
        Code::DeadlineExceeded  => (K::Timeout, true, None),
        // The caller's own limit of time ends a call as cancelled.
        Code::Cancelled         => (K::Timeout, true, None),
        Code::ResourceExhausted | Code::OutOfRange
                                => (K::ResourceExhausted, false, None),
        Code::DataLoss          => (K::Corrupt, false, None),
        _                       => (K::Unexpected, false, None),
    }
}

/// What the status says: Feast packs its own errors as JSON.
fn told(status: &Status) -> String {
    let packed: Option<serde_json::Value> = serde_json::from_str(status.message()).ok();
    let message = packed.as_ref().and_then(|packed| packed.get("message")?.as_str());
    message.unwrap_or(status.message()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_kinds() {
        for (code, kind, retryable) in [
            (Code::Unauthenticated, ErrorKind::Unauthenticated, false),
            (Code::PermissionDenied, ErrorKind::PermissionDenied, false),
            (Code::Unavailable, ErrorKind::Unavailable, true),
            (Code::Unknown, ErrorKind::Unexpected, false),
        ] {
            let error = failed(&Status::new(code, "why"), "ListEntities", "h:1");
            assert_eq!((error.kind(), error.is_retryable()), (kind, retryable));
            assert_eq!(error.message(), "registry server h:1: ListEntities: why");
        }
    }

    #[test]
    fn what_feast_packs_is_told() {
        let packed = r#"{"module": "feast.errors", "class": "FeastPermissionError", "message": "no"}"#;
        assert_eq!(told(&Status::permission_denied(packed)), "no");
    }
}
