//! Appending.

use std::path::PathBuf;

use hybrid_core::{Call, Result, WriteRequest};

use crate::FileSource;
use crate::error::unsupported;

/// Appends rows.
pub(crate) async fn append(_base: PathBuf, _request: WriteRequest<FileSource>, _call: &Call) -> Result<u64> {
    Err(unsupported("appending"))
}
