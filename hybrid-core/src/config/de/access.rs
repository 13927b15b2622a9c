//! What is inside of sequences and mappings.

use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use super::NodeDeserializer;
use super::key::Key;
use crate::config::blank::Blank;
use crate::config::node::{Entry, Node, Value};
use crate::config::problem::{Fault, Problem, address};
use crate::config::repair::Repair;

/// The items of a sequence, but for those that are left out.
pub(super) struct Items<'a> {
    pub(super) owner: NodeDeserializer<'a>,
    pub(super) rest: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        let NodeDeserializer {
            node: owner,
            key,
            repairs,
        } = self.owner;
        for (index, node) in self.rest.by_ref() {
            let name = index.to_string();
            if repairs.of(address(owner), &name).is_none() {
                let read = seed.deserialize(NodeDeserializer { node, key, repairs });
                return read.map(Some).map_err(|problem| problem.inside(owner, &name));
            }
        }
        Ok(None)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The entries of a mapping, but for those that are left out; then the placeholders.
pub(super) struct Entries<'a> {
    pub(super) owner: NodeDeserializer<'a>,
    pub(super) rest: std::slice::Iter<'a, Entry>,
    /// The entry whose value comes next; `None`: a placeholder.
    pub(super) current: Option<&'a Entry>,
    pub(super) last: Option<&'a Entry>,
    pub(super) placeholders: Vec<String>,
    /// Whether they are the fields of a struct, and not whatever a map holds.
    pub(super) are_fields: bool,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        let NodeDeserializer { node, repairs, .. } = self.owner;
        for entry in self.rest.by_ref() {
            if !matches!(repairs.of(address(node), &entry.key), None | Some(Repair::Excused)) {
                continue;
            }
            (self.current, self.last) = (Some(entry), Some(entry));
            let read = seed.deserialize(Key(&entry.key));
            return read
                .map(Some)
                .map_err(|problem| problem.at_key(node, entry.mark).inside(node, &entry.key));
        }
        self.current = None;
        let Some(name) = self.placeholders.last() else {
            return Ok(None);
        };
        seed.deserialize(Key(name))
            .map(Some)
            .map_err(|problem| blanked(problem, node, name))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Problem> {
        let NodeDeserializer {
            node: owner, repairs, ..
        } = self.owner;
        match (self.current.take(), self.placeholders.pop()) {
            (Some(entry), placeholder) => {
                self.placeholders.extend(placeholder);
                let read = seed.deserialize(NodeDeserializer::new(&entry.value, Some(&entry.key), repairs));
                read.map_err(|problem| {
                    let problem = value_problem(problem, entry, owner);
                    match self.are_fields && entry.value.is_null() {
                        true => of_nothing(problem, entry),
                        false => problem,
                    }
                })
            }
            (None, placeholder) => {
                let name = placeholder.unwrap_or_default();
                seed.deserialize(Blank)
                    .map_err(|problem| blanked(problem, owner, &name))
            }
        }
    }
}

/// A complaint about the value of `entry`, which is left out at the next reading.
fn value_problem(problem: Problem, entry: &Entry, owner: &Node) -> Problem {
    at_value(problem, entry).inside(owner, &entry.key)
}

/// A complaint about a field that is nothing, which the next reading takes for one that is not there.
fn of_nothing(mut problem: Problem, entry: &Entry) -> Problem {
    // What is nothing has no fields either: it is not about the first of them.
    if let Fault::MissingField(_) = problem.fault {
        let message = format!("`{}` must be a mapping, not nothing", entry.key);
        problem.error = Some(entry.value.error(message));
    }
    problem.nothing = problem.trail.last().cloned().map(Box::new);
    problem
}

/// A complaint about a value that no visitor of ours took up, as of `deserialize_with`.
pub(super) fn at_value(problem: Problem, entry: &Entry) -> Problem {
    let key = Some(entry.key.as_str());
    match entry.value.value {
        Value::Scalar(_) => problem.at_scalar(&entry.value, key),
        _ => problem.at_container(&entry.value, key, None),
    }
}

fn blanked(mut problem: Problem, owner: &Node, name: &str) -> Problem {
    problem.blank = true;
    problem.at_key(owner, owner.mark).inside(owner, name)
}
