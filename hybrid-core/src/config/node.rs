use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::parse;
use crate::{Error, ErrorKind, Position, Result};

/// A YAML value that knows where it stands. Its `Debug` shows keys and positions, never a value.
#[derive(Clone)]
pub struct Node {
    pub(super) value: Value,
    pub(super) mark: Mark,
    pub(super) document: Arc<Document>,
}

/// What a whole file has in common.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) file: PathBuf,
    /// The kind of every error about it.
    pub(super) kind: ErrorKind,
}

/// Line and column, both counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Mark {
    pub(super) line: usize,
    pub(super) column: usize,
}

#[derive(Clone)]
pub(super) enum Value {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    /// In file order; keys differ.
    Mapping(Vec<Entry>),
}

#[derive(Clone)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// Neither quoted nor a block: may be read as a number, a boolean or null.
    pub(super) plain: bool,
    /// Some of it came from a variable.
    pub(super) expanded: bool,
    /// It stands under a key that has a secret's name.
    pub(super) secret: bool,
}

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) mark: Mark,
    pub(super) value: Node,
}

impl Node {
    /// Reads one YAML document; `file` is what positions name. Variables stay as they are written.
    ///
    /// # Errors
    /// Config: no YAML, a repeated key, several documents, nesting or aliases beyond the limits.
    pub fn parse(text: &str, file: &Path) -> Result<Self> {
        parse::parse(text, file, ErrorKind::Config)
    }

    /// A mapping without entries, at the beginning of `file`.
    pub fn empty(file: &Path) -> Self {
        let document = Arc::new(Document {
            file: file.to_owned(),
            kind: ErrorKind::Config,
        });
        Self {
            value: Value::Mapping(Vec::new()),
            mark: Mark { line: 1, column: 1 },
            document,
        }
    }

    /// A mapping without entries that stands where this does.
    pub(super) fn emptied(&self) -> Self {
        Self {
            value: Value::Mapping(Vec::new()),
            ..self.clone()
        }
    }

    /// Where it stands.
    pub fn position(&self) -> Position {
        self.position_of(self.mark)
    }

    /// Where `key` of a mapping stands; the mapping's own position where it has no such key.
    pub fn key_position(&self, key: &str) -> Position {
        let entry = self.entry(key);
        self.position_of(entry.map_or(self.mark, |entry| entry.mark))
    }

    pub(super) fn position_of(&self, mark: Mark) -> Position {
        Position {
            file: self.document.file.clone(),
            line: mark.line,
            column: mark.column,
        }
    }

    /// An error about it, at its position.
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::new(self.document.kind, message).at(self.position())
    }

    /// An error about the key of a mapping, at the key's position.
    pub fn key_error(&self, key: &str, message: impl Into<String>) -> Error {
        Error::new(self.document.kind, message).at(self.key_position(key))
    }

    /// The value of `key`, where it is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Mapping(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The text of a scalar, as it stands there.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// Keys and values in file order; none where it is no mapping.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Node)> {
        let entries: &[Entry] = match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        };
        entries.iter().map(|entry| (entry.key.as_str(), &entry.value))
    }

    /// The items of a sequence; none where it is none.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// Whether it is a mapping.
    pub fn is_mapping(&self) -> bool {
        matches!(self.value, Value::Mapping(_))
    }

    /// Whether it is a sequence.
    pub fn is_sequence(&self) -> bool {
        matches!(self.value, Value::Sequence(_))
    }

    /// Whether it is nothing: an empty value, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.is_null())
    }

    /// Divides a mapping: the entries of `keys`, and the rest. serde's `flatten` and
    /// `deny_unknown_fields` exclude each other, so common keys are taken out first.
    #[must_use]
    pub fn split_off(&self, keys: &[&str]) -> (Node, Node) {
        let (mut taken, mut rest) = (self.clone(), self.clone());
        if let (Value::Mapping(taken), Value::Mapping(rest)) = (&mut taken.value, &mut rest.value) {
            taken.retain(|entry| keys.contains(&entry.key.as_str()));
            rest.retain(|entry| !keys.contains(&entry.key.as_str()));
        }
        (taken, rest)
    }

    /// What it is, with an article, for errors; shows no value that might be a secret.
    pub(super) fn described(&self) -> String {
        match &self.value {
            Value::Scalar(scalar) => scalar.described(),
            Value::Sequence(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
        }
    }

    pub(super) fn mark_secret(&mut self) {
        match &mut self.value {
            Value::Scalar(scalar) => scalar.secret = true,
            Value::Sequence(items) => items.iter_mut().for_each(Self::mark_secret),
            Value::Mapping(entries) => entries.iter_mut().for_each(|entry| entry.value.mark_secret()),
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Scalar(_) => write!(f, "_@{}:{}", self.mark.line, self.mark.column),
            Value::Sequence(items) => f.debug_list().entries(items).finish(),
            Value::Mapping(entries) => f
                .debug_map()
                .entries(entries.iter().map(|entry| (&entry.key, &entry.value)))
                .finish(),
        }
    }
}
