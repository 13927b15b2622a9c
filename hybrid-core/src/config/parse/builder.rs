use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::{MAX_BYTES, MAX_DEPTH, MAX_NODES};
use crate::config::node::{Document, Mark, Node, Scalar, Value};
use crate::{Error, Position, Result};

/// Makes nodes of the parser's events.
pub(super) struct Builder<'t> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    document: Arc<Document>,
    anchors: HashMap<usize, Anchor>,
    /// Inside the value of a key that has a secret's name.
    pub(super) secret: bool,
    nodes: usize,
    bytes: usize,
    pub(super) problems: Vec<Error>,
}

/// A finished node that aliases may name, and what each alias of it costs.
struct Anchor {
    node: Node,
    nodes: usize,
    bytes: usize,
    depth: usize,
}

impl<'t> Builder<'t> {
    pub(super) fn new(text: &'t str, document: Arc<Document>) -> Self {
        Self {
            text,
            parser: Parser::new_from_str(text),
            document,
            anchors: HashMap::new(),
            secret: false,
            nodes: 0,
            bytes: 0,
            problems: Vec::new(),
        }
    }

    /// The one value of the text, or every problem.
    pub(super) fn build(mut self) -> Result<Node> {
        let node = self.document()?;
        Error::from_problems(self.problems).map_or(Ok(node), Err)
    }

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

    pub(super) fn next(&mut self) -> Result<(Event<'t>, Span)> {
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

    pub(super) fn error_at(&self, mark: Mark, message: impl Into<String>) -> Error {
        Error::new(self.document.kind, message).at(Position {
            file: self.document.file.clone(),
            line: mark.line,
            column: mark.column,
        })
    }

    pub(super) fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node> {
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
            return Err(self.error_at(
                at,
                "more than a million values or 32 MiB, those of aliases counted each time",
            ));
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

    pub(super) fn made(&self, value: Value, mark: Mark) -> Node {
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
        let is_known = tag.is_yaml_core_schema() && known.contains(&tag.suffix.as_str());
        if !is_plain_mark && !is_known {
            let error = self.error_at(at, "tags are not supported here, but for those of YAML's core schema");
            self.problems.push(error);
        }
    }
}

pub(super) fn mark(marker: Marker) -> Mark {
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
