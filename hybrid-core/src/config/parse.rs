//! Text to [`Node`]: bounded in depth, nodes and bytes, aliases included.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::node::{Document, Entry, Mark, Node, Scalar, Value};
use super::read::end_of;
use super::redact::{is_secret_key, shortened};
use crate::{Error, ErrorKind, Position, Result};

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
    let mut builder = Builder {
        text,
        parser: Parser::new_from_str(text),
        document,
        anchors: HashMap::new(),
        secret: false,
        nodes: 0,
        bytes: 0,
        problems: Vec::new(),
    };
    let node = builder.document()?;
    match Error::from_problems(builder.problems) {
        Some(error) => Err(error),
        None => Ok(node),
    }
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

struct Builder<'t> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    document: Arc<Document>,
    anchors: HashMap<usize, Anchor>,
    /// Inside the value of a key that has a secret's name.
    secret: bool,
    nodes: usize,
    bytes: usize,
    problems: Vec<Error>,
}

/// A finished node that aliases may name, and what each alias of it costs.
struct Anchor {
    node: Node,
    nodes: usize,
    bytes: usize,
    depth: usize,
}

impl<'t> Builder<'t> {
    fn document(&mut self) -> Result<Node> {
        let mut node = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {
                    if matches!(event, Event::DocumentStart(_)) && node.is_some() {
                        return Err(self.error(span.start, "a second document: the file must hold one"));
                    }
                }
                event => node = Some(self.node(event, span, 0)?),
            }
        }
        Ok(node.unwrap_or_else(|| self.scalar(Cow::Borrowed(""), true, Mark { line: 1, column: 1 })))
    }

    fn next(&mut self) -> Result<(Event<'t>, Span)> {
        match self.parser.next_event() {
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) => Err(self.syntax_error(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn syntax_error(&self, error: &ScanError) -> Error {
        let marker = *error.marker();
        let line = self.text.lines().nth(marker.line().saturating_sub(1));
        let error = self.error(marker, format!("this is no YAML: {}", error.info()));
        match line.is_some_and(|line| line.contains("${")) {
            true => error.with_help("inside of braces and brackets write `$VAR`, or put `${VAR}` in quotes"),
            false => error,
        }
    }

    fn error(&self, marker: Marker, message: impl Into<String>) -> Error {
        self.error_at(mark(marker), message)
    }

    fn error_at(&self, mark: Mark, message: impl Into<String>) -> Error {
        Error::new(self.document.kind, message).at(Position {
            file: self.document.file.clone(),
            line: mark.line,
            column: mark.column,
        })
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node> {
        if depth >= MAX_DEPTH {
            return Err(self.error(span.start, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let before = (self.nodes, self.bytes);
        let at = mark(span.start);
        let (node, anchor) = match event {
            Event::Alias(id) => return self.alias(id, at, depth),
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1, text.len(), at)?;
                let plain = self.is_plain(style, tag.as_deref(), at);
                (self.scalar(text, plain, at), anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.count(1, 0, at)?;
                self.check_tag(tag.as_deref(), &["seq"], at);
                (self.sequence(at, depth)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                self.count(1, 0, at)?;
                self.check_tag(tag.as_deref(), &["map"], at);
                (self.mapping(at, depth)?, anchor)
            }
            _ => return Err(self.error_at(at, "a value is missing")),
        };
        if anchor > 0 {
            let (nodes, bytes) = (self.nodes - before.0, self.bytes - before.1);
            self.keep(anchor, &node, nodes, bytes)?;
        }
        Ok(node)
    }

    /// Keeps a copy for the aliases of `node`, which costs as much as one of them.
    fn keep(&mut self, anchor: usize, node: &Node, nodes: usize, bytes: usize) -> Result<()> {
        self.count(nodes, bytes, node.mark)?;
        let anchored = Anchor {
            depth: node.depth(),
            node: node.clone(),
            nodes,
            bytes,
        };
        self.anchors.insert(anchor, anchored);
        Ok(())
    }

    fn count(&mut self, nodes: usize, bytes: usize, at: Mark) -> Result<()> {
        self.nodes += nodes;
        self.bytes += bytes;
        if self.nodes > MAX_NODES || self.bytes > MAX_BYTES {
            return Err(self.error_at(at, "too large once its aliases are put in"));
        }
        Ok(())
    }

    fn alias(&mut self, id: usize, at: Mark, depth: usize) -> Result<Node> {
        let Some(anchor) = self.anchors.get(&id) else {
            return Err(self.error_at(at, "this alias stands inside what it names"));
        };
        if depth + anchor.depth > MAX_DEPTH {
            return Err(self.error_at(at, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let (nodes, bytes) = (anchor.nodes, anchor.bytes);
        self.count(nodes, bytes, at)?;
        let mut node = match self.anchors.get(&id) {
            Some(anchor) => anchor.node.clone(),
            None => return Err(self.error_at(at, "this alias names nothing")),
        };
        if self.secret {
            node.mark_secret();
        }
        Ok(node)
    }

    fn scalar(&self, text: Cow<'_, str>, plain: bool, mark: Mark) -> Node {
        let scalar = Scalar {
            text: text.into_owned(),
            plain,
            expanded: false,
            secret: self.secret,
        };
        self.made(Value::Scalar(scalar), mark)
    }

    fn made(&self, value: Value, mark: Mark) -> Node {
        Node {
            value,
            mark,
            document: Arc::clone(&self.document),
        }
    }

    fn sequence(&mut self, at: Mark, depth: usize) -> Result<Node> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(self.made(Value::Sequence(items), at)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, at: Mark, depth: usize) -> Result<Node> {
        let mut entries = Entries::default();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(self.made(Value::Mapping(entries.merged()), at));
            }
            let (key, is_merge, key_mark) = self.key(event, span)?;
            let mut value = self.value_of(&key, depth)?;
            if value.as_str() == Some("") && value.is_null() {
                value.mark = key_mark;
            }
            if is_merge {
                self.merge(&mut entries, value, key_mark);
            } else {
                self.insert(&mut entries, key, key_mark, value);
            }
        }
    }

    /// The value after `key`; an anchor inside it is as secret as the value itself.
    fn value_of(&mut self, key: &str, depth: usize) -> Result<Node> {
        let outside = self.secret;
        self.secret |= is_secret_key(key);
        let (event, span) = self.next()?;
        let value = self.node(event, span, depth + 1)?;
        self.secret = outside;
        Ok(value)
    }

    /// The key's text, whether it is `<<`, and its position.
    fn key(&mut self, event: Event<'t>, span: Span) -> Result<(String, bool, Mark)> {
        let at = mark(span.start);
        let node = match event {
            Event::Scalar(..) | Event::Alias(_) => self.node(event, span, 0)?,
            _ => return Err(self.error_at(at, "a key must be a name, not a list or a mapping")),
        };
        match node.value {
            Value::Scalar(scalar) if scalar.is_null() => Err(self.error_at(at, "a key must have a name")),
            Value::Scalar(scalar) => Ok((scalar.text.clone(), scalar.plain && scalar.text == "<<", at)),
            _ => Err(self.error_at(at, "a key must be a name, not a list or a mapping")),
        }
    }

    fn insert(&mut self, entries: &mut Entries, key: String, mark: Mark, value: Node) {
        if let Some(first) = entries.index.get(&key) {
            let first = entries.own[*first].mark;
            let message = format!(
                "`{}` is given twice: first at line {}, column {}",
                shortened(&key),
                first.line,
                first.column
            );
            self.problems.push(self.error_at(mark, message));
            return;
        }
        entries.index.insert(key.clone(), entries.own.len());
        entries.own.push(Entry { key, mark, value });
    }

    fn merge(&mut self, entries: &mut Entries, value: Node, mark: Mark) {
        let sources = match value.value {
            Value::Mapping(_) => vec![value],
            Value::Sequence(items) => items,
            Value::Scalar(_) => Vec::new(),
        };
        if sources.is_empty() || !sources.iter().all(Node::is_mapping) {
            let error = self.error_at(mark, "`<<` must name a mapping, or a list of mappings");
            self.problems.push(error);
            return;
        }
        for source in sources {
            if let Value::Mapping(merged) = source.value {
                entries.inherited.extend(merged);
            }
        }
    }

    fn is_plain(&mut self, style: ScalarStyle, tag: Option<&Tag>, at: Mark) -> bool {
        self.check_tag(tag, &["str", "int", "float", "bool", "null"], at);
        match tag {
            Some(tag) => tag.is_yaml_core_schema() && tag.suffix != "str",
            None => style == ScalarStyle::Plain,
        }
    }

    fn check_tag(&mut self, tag: Option<&Tag>, known: &[&str], at: Mark) {
        let Some(tag) = tag else { return };
        let is_plain_mark = tag.handle.is_empty() && tag.suffix == "!";
        if !is_plain_mark && !(tag.is_yaml_core_schema() && known.contains(&tag.suffix.as_str())) {
            let error = self.error_at(at, "tags are not supported here, but for those of YAML's core schema");
            self.problems.push(error);
        }
    }
}

/// The entries of a mapping while it is read.
#[derive(Default)]
struct Entries {
    own: Vec<Entry>,
    index: HashMap<String, usize>,
    /// Those of `<<`, which come after all that the mapping says itself.
    inherited: Vec<Entry>,
}

impl Entries {
    fn merged(mut self) -> Vec<Entry> {
        for entry in self.inherited {
            if !self.index.contains_key(&entry.key) {
                self.index.insert(entry.key.clone(), self.own.len());
                self.own.push(entry);
            }
        }
        self.own
    }
}

fn mark(marker: Marker) -> Mark {
    Mark {
        line: marker.line().max(1),
        column: marker.col() + 1,
    }
}

impl Node {
    fn depth(&self) -> usize {
        let below = match &self.value {
            Value::Scalar(_) => None,
            Value::Sequence(items) => items.iter().map(Self::depth).max(),
            Value::Mapping(entries) => entries.iter().map(|entry| entry.value.depth()).max(),
        };
        1 + below.unwrap_or(0)
    }
}
