use std::collections::HashMap;

use saphyr_parser::{Event, Span};

use super::builder::{Builder, mark};
use crate::Result;
use crate::config::node::{Entry, Mark, Node, Value};
use crate::config::redact::{is_secret_key, shortened};

impl<'t> Builder<'t> {
    pub(super) fn mapping(&mut self, at: Mark, depth: usize) -> Result<Node> {
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
