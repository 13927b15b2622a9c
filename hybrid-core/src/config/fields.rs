use serde::de::DeserializeOwned;

use super::node::Node;
use super::problem::with_nearest;
use super::problems::Problems;

/// The fields of a mapping, taken one by one; what nobody asked for is unknown.
pub(super) struct Fields<'n> {
    pub(super) node: &'n Node,
    asked: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The fields of `node`; nothing counts as a mapping without entries.
    pub(super) fn of(node: &'n Node, what: &str, problems: &mut Problems) -> Option<Self> {
        if !node.is_mapping() && !node.is_null() {
            problems.push(node.error(format!("{what} must be a mapping, not {}", node.described())));
            return None;
        }
        let asked = Vec::new();
        Some(Self { node, asked })
    }

    /// The value of `key`, unless it is nothing.
    pub(super) fn get(&mut self, key: &'static str) -> Option<&'n Node> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.node.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn read<T: DeserializeOwned>(&mut self, key: &'static str, problems: &mut Problems) -> Option<T> {
        let value = self.get(key)?;
        problems.keep_all(value.read(Some(key)))
    }

    /// A text that must be there and not be empty.
    pub(super) fn text(&mut self, key: &'static str, what: &str, problems: &mut Problems) -> Option<String> {
        let Some(value) = self.get(key) else {
            let error = match self.node.get(key) {
                Some(value) => value.error(format!("`{key}` of {what} must not be empty")),
                None => self.node.error(format!("{what} has no `{key}`")),
            };
            problems.push(error);
            return None;
        };
        self.nonempty(value, key, problems)
    }

    /// A text that must not be empty where it is there.
    pub(super) fn optional_text(&mut self, key: &'static str, problems: &mut Problems) -> Option<String> {
        let value = self.get(key)?;
        self.nonempty(value, key, problems)
    }

    fn nonempty(&self, value: &Node, key: &'static str, problems: &mut Problems) -> Option<String> {
        let text: String = problems.keep_all(value.read(Some(key)))?;
        if text.trim().is_empty() {
            problems.push(value.error(format!("`{key}` must not be empty")));
            return None;
        }
        Some(text)
    }

    /// The items of the list at `key`; none where it is absent.
    pub(super) fn list(&mut self, key: &'static str, problems: &mut Problems) -> &'n [Node] {
        match self.get(key) {
            None => &[],
            Some(value) if value.is_sequence() => value.items(),
            Some(value) => {
                problems.push(value.error(format!("`{key}` must be a list, not {}", value.described())));
                &[]
            }
        }
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(self, problems: &mut Problems) {
        for (key, _) in self.node.entries() {
            if !self.asked.contains(&key) && !problems.is_full() {
                let error = self
                    .node
                    .key_error(key, format!("unknown field `{}`", super::redact::shortened(key)));
                problems.push(with_nearest(error, key, &self.asked, "the fields are"));
            }
        }
    }
}
