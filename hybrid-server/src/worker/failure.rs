//! What goes wrong in a process, as errors.

use std::process::ExitStatus;

use hybrid_core::{Error, ErrorKind};

use super::config::WorkerConfig;
use super::request::{Failure, FailureKind, Request};

/// What C++ says before it ends a process that gets no memory.
const NO_MEMORY: &str = "bad_alloc";

pub(super) fn failed(failure: Failure, config: &WorkerConfig) -> Error {
    let view = format!("on-demand feature view `{}`", failure.view);
    let text = &failure.text;
    match failure.kind {
        FailureKind::Memory => out_of_memory(&view, config),
        FailureKind::Refused => Error::new(ErrorKind::InvalidInput, format!("{view}: {text}")),
        FailureKind::Unsupported => Error::new(ErrorKind::Unsupported, format!("{view}: {text}")),
        FailureKind::Function => {
            let error = Error::new(ErrorKind::InvalidInput, format!("{view}: its function failed: {text}"));
            error.with_cause(failure.trace)
        }
    }
}

/// A process that ended in a call.
pub(super) fn ended(request: &Request, status: Option<ExitStatus>, said: String, config: &WorkerConfig) -> Error {
    let views = request.names();
    if said.contains(NO_MEMORY) {
        return out_of_memory(&views, config);
    }
    let status = status.map_or_else(|| "ended".to_owned(), |status| format!("ended with {status}"));
    let error = Error::new(ErrorKind::Unexpected, format!("{views}: the Python worker {status}"));
    if said.is_empty() { error } else { error.with_cause(said) }
}

pub(super) fn too_late(request: &Request, config: &WorkerConfig) -> Error {
    let seconds = config.call_time.as_secs_f64();
    let message = format!(
        "{}: {} rows took longer than {seconds} s",
        request.names(),
        request.rows.num_rows()
    );
    Error::new(ErrorKind::Timeout, message).with_help("--python-worker-time allows more")
}

pub(super) fn too_long(request: &Request, config: &WorkerConfig) -> Error {
    out_of_memory(&request.names(), config)
}

fn out_of_memory(views: &str, config: &WorkerConfig) -> Error {
    let message = format!("{views}: more than {} bytes of memory were needed", config.memory);
    Error::new(ErrorKind::ResourceExhausted, message).with_help("--python-worker-memory allows more")
}

pub(super) fn cannot_begin(config: &WorkerConfig, why: impl Into<String>) -> Error {
    let message = format!("the Python worker `{}` cannot begin: {}", config.line(), why.into());
    Error::new(ErrorKind::Config, message).with_help(
        "--python-worker names a Python that has `feast` and `pyarrow`, of the version that wrote the registry",
    )
}
