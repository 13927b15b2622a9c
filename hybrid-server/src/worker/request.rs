//! What a process is asked for, and what it answers.

use std::sync::Arc;

use arrow::array::RecordBatch;
use serde::{Deserialize, Serialize};

/// An on-demand feature view, and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Asked {
    pub(crate) name: String,
    /// Another name for it in the names of columns.
    pub(crate) alias: Option<String>,
    /// Its columns that come back.
    pub(crate) features: Vec<String>,
    /// The serialized OnDemandFeatureView of Feast.
    #[serde(skip)]
    pub(crate) message: Vec<u8>,
}

/// The columns of some views for some rows.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// In this order: a view may use the columns of those before it.
    pub(super) views: Arc<[Asked]>,
    pub(super) full_feature_names: bool,
    /// The schema of the columns, where it is known, as an Arrow stream.
    pub(super) agreed: Arc<[u8]>,
    pub(super) rows: RecordBatch,
}

/// The header of a request.
#[derive(Serialize)]
pub(super) struct Header<'a> {
    pub(super) views: &'a [Asked],
    pub(super) full_feature_names: bool,
    /// Written to stderr before anything else is.
    pub(super) mark: &'a str,
}

/// What a process says when it has begun.
#[derive(Debug, Deserialize)]
pub(super) struct Greeting {
    /// Why it cannot work.
    pub(super) missing: Option<String>,
    /// Feast's version.
    pub(super) feast: Option<String>,
}

/// The header of an answer; the columns are its part.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    pub(super) failure: Option<Failure>,
    /// Whether nothing of the call goes on.
    pub(super) clean: bool,
}

/// Why there are no columns.
#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    pub(super) view: String,
    pub(super) kind: FailureKind,
    pub(super) text: String,
    /// The last lines of Python's traceback.
    pub(super) trace: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FailureKind {
    /// The function raised an exception.
    Function,
    /// The rows do not fit the view, or its columns do not fit them.
    Refused,
    /// It is none that could be run.
    Unsupported,
    /// It used more memory than it may.
    Memory,
}

impl Request {
    /// The views, for people.
    pub(super) fn names(&self) -> String {
        let names: Vec<_> = self.views.iter().map(|view| format!("`{}`", view.name)).collect();
        match names.as_slice() {
            [only] => format!("on-demand feature view {only}"),
            several => format!("on-demand feature views {}", several.join(", ")),
        }
    }
}
