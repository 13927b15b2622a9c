//! Text to [`Node`]: bounded in depth, nodes and bytes, aliases included.

mod builder;
mod mapping;

use std::path::Path;
use std::sync::Arc;

use super::node::{Document, Node};
use super::read::end_of;
use crate::{Error, ErrorKind, Result};
use builder::Builder;

/// Deeper nesting is no configuration.
const MAX_DEPTH: usize = 64;
/// Values of a document, those of aliases counted each time.
const MAX_NODES: usize = 1_000_000;
/// Bytes of a document, and of its scalars with those of aliases counted each time.
pub(super) const MAX_BYTES: usize = 32 << 20;

/// Reads one document; `kind` is that of every error about it.
pub(super) fn parse(text: &str, file: &Path, kind: ErrorKind) -> Result<Node> {
    let document = Arc::new(Document {
        file: file.to_owned(),
        kind,
    });
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    check_text(text, &document)?;
    Builder::new(text, document).build()
}

/// The parser takes a NUL for the end of the text.
fn check_text(text: &str, document: &Document) -> Result<()> {
    if text.len() > MAX_BYTES {
        let start = end_of(b"", &document.file);
        return Err(Error::new(document.kind, "the file is larger than 32 MiB").at(start));
    }
    match text.find('\0') {
        None => Ok(()),
        Some(at) => {
            let at = end_of(&text.as_bytes()[..at], &document.file);
            Err(Error::new(document.kind, "a NUL character is no YAML").at(at))
        }
    }
}
