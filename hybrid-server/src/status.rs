//! Errors as gRPC has them, and as Feast's clients turn them into their own exceptions.

use hybrid_core::{Error, ErrorKind};
use tonic::{Code, Status};

/// A class of Feast's exceptions, which a client raises in place of Arrow's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeastClass {
    FeatureView,
    FeatureService,
    DataSource,
    Permission,
    SavedDatasetExists,
}

impl FeastClass {
    const fn name(self) -> &'static str {
        match self {
            Self::FeatureView => "FeatureViewNotFoundException",
            Self::FeatureService => "FeatureServiceNotFoundException",
            Self::DataSource => "DataSourceObjectNotFoundException",
            Self::Permission => "FeastPermissionError",
            Self::SavedDatasetExists => "SavedDatasetLocationAlreadyExists",
        }
    }
}

impl std::fmt::Display for FeastClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::error::Error for FeastClass {}

/// Says that Feast has an exception of its own for this error.
pub(crate) fn as_feast(error: Error, class: FeastClass) -> Error {
    error.with_cause(class)
}

/// Bytes of a status's text: clients refuse trailers of more than 8 KiB, and text is longer there than here.
const TEXT: usize = 4096;

/// The status of an error. Its message is all that the error tells; where Feast has an exception for it, in the form
/// that its clients look for.
pub(crate) fn status(error: &Error) -> Status {
    let class = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<FeastClass>());
    let message = match class {
        Some(class) => {
            let help = error.help().iter().map(|help| format!("\n  help: {help}"));
            let text = shortened(help.fold(error.message().to_owned(), |text, help| text + &help));
            let detail = serde_json::json!({
                "module": "feast.errors", "class": class.name(), "message": text,
            });
            format!("Flight error: {detail}")
        }
        None => shortened(error.to_string()),
    };
    Status::new(code(error.kind(), error.is_retryable()), message)
}

fn shortened(mut text: String) -> String {
    if text.len() > TEXT {
        text.truncate(text.floor_char_boundary(TEXT));
        text.push_str(" …");
    }
    text
}

/// Clients repeat a call for UNAVAILABLE alone, so it is said only of what is safe to repeat.
fn code(kind: ErrorKind, retryable: bool) -> Code {
    match kind {
        ErrorKind::Unavailable if retryable => Code::Unavailable,
        ErrorKind::Unavailable => Code::Aborted,
        ErrorKind::InvalidInput | ErrorKind::Definition => Code::InvalidArgument,
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::Unsupported => Code::Unimplemented,
        ErrorKind::Unauthenticated => Code::Unauthenticated,
        ErrorKind::PermissionDenied => Code::PermissionDenied,
        ErrorKind::Timeout => Code::DeadlineExceeded,
        // Python's clients make KeyboardInterrupt of CANCELLED.
        ErrorKind::Cancelled => Code::Aborted,
        ErrorKind::ResourceExhausted => Code::ResourceExhausted,
        ErrorKind::Config => Code::FailedPrecondition,
        ErrorKind::Corrupt => Code::DataLoss,
        _ => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feasts_clients_find_their_exception() {
        let error = Error::new(ErrorKind::NotFound, "feature view `a` does not exist").with_help("what exists: b");
        let told = status(&as_feast(error, FeastClass::FeatureView));
        assert_eq!(told.code(), Code::NotFound);
        let detail = told.message().strip_prefix("Flight error: ");
        let detail: serde_json::Value = detail
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        assert_eq!(detail["class"], "FeatureViewNotFoundException");
        assert!(
            detail["message"]
                .as_str()
                .is_some_and(|text| text.contains("what exists: b"))
        );
    }

    #[test]
    fn only_what_may_be_repeated_is_unavailable() {
        let gone = || Error::new(ErrorKind::Unavailable, "gone");
        assert_eq!(status(&gone()).code(), Code::Aborted);
        assert_eq!(status(&gone().retryable()).code(), Code::Unavailable);
    }
}
