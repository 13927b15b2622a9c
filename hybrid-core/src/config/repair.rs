//! Several problems of one value at once: what is wrong is left out, or a placeholder put in its
//! stead, and the rest is read again.

use std::collections::{HashMap, HashSet};

use serde::de::DeserializeOwned;

use super::de::NodeDeserializer;
use super::node::Node;
use super::problem::{Fault, Problem, Slot};
use crate::error::nearest;
use crate::{Error, Result};

/// More readings than this are not worth the time.
const MAX_READINGS: usize = 200;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repair {
    /// Leave it out.
    Dropped,
    /// Read a placeholder: it is missing, and needed.
    Placeholder,
    /// Read it where it is there; do not report it where it is missing: another key was meant to be it.
    Excused,
}

/// What is left out or filled in at the next reading.
#[derive(Default)]
pub(super) struct Repairs {
    slots: HashMap<Slot, Repair>,
    /// Every mapping and sequence that has a repair anywhere inside.
    touched: HashSet<usize>,
    /// What is said of fields that are nothing, where it turns out that they are needed.
    nothing: HashMap<Slot, Error>,
}

impl Node {
    /// The value as a `T`. A field of a struct that is nothing, and cannot be, is read as one that is not there: it has
    /// its default.
    ///
    /// # Errors
    /// Config, with positions: every problem found.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T> {
        self.read(None)
            .map_err(|problems| Error::from_problems(problems).unwrap_or_else(|| self.error("this cannot be read")))
    }

    /// The value as a `T`, or every problem; `key` is what the value is called in them.
    pub(crate) fn read<T: DeserializeOwned>(&self, key: Option<&str>) -> Result<T, Vec<Error>> {
        let (mut repairs, mut found) = (Repairs::default(), Vec::new());
        for _ in 0..MAX_READINGS {
            match T::deserialize(NodeDeserializer::new(self, key, &repairs)) {
                Ok(value) if found.is_empty() => return Ok(value),
                Ok(_) => break,
                Err(mut problem) => {
                    if repairs.leave_out_nothing(&mut problem) {
                        continue;
                    }
                    let is_new = repairs.is_new(&problem);
                    let needed = repairs.needed_and_nothing(&problem);
                    found.extend(needed.or_else(|| problem.error.take().filter(|_| is_new)));
                    if !repairs.add(problem) {
                        break;
                    }
                }
            }
        }
        if found.is_empty() {
            found.push(self.error("this cannot be read"));
        }
        Err(found)
    }
}

impl Repairs {
    pub(super) fn of(&self, container: usize, name: &str) -> Option<Repair> {
        // Almost every reading has none.
        if self.slots.is_empty() {
            return None;
        }
        let name = name.to_owned();
        self.slots.get(&Slot { container, name }).copied()
    }

    /// The fields of a mapping that a placeholder stands in for.
    pub(super) fn placeholders(&self, container: usize) -> Vec<String> {
        self.slots
            .iter()
            .filter(|(slot, repair)| slot.container == container && **repair == Repair::Placeholder)
            .map(|(slot, _)| slot.name.clone())
            .collect()
    }

    /// A field that is nothing and must not be is as good as absent: its default counts, where it has one.
    fn leave_out_nothing(&mut self, problem: &mut Problem) -> bool {
        let Some(slot) = problem.nothing.take().map(|slot| *slot) else {
            return false;
        };
        self.nothing
            .extend(problem.error.take().map(|error| (slot.clone(), error)));
        self.slots.insert(slot, Repair::Dropped);
        true
    }

    /// What is to be said of the field that is missing, where it is there and nothing.
    fn needed_and_nothing(&mut self, problem: &Problem) -> Option<Error> {
        let (Fault::MissingField(name), Some(container)) = (&problem.fault, problem.container) else {
            return None;
        };
        let name = (*name).to_owned();
        self.nothing.remove(&Slot { container, name })
    }

    /// Whether the user must hear of it, or it follows from an earlier problem.
    fn is_new(&self, problem: &Problem) -> bool {
        match (&problem.fault, problem.container) {
            _ if problem.blank => false,
            (Fault::MissingField(name), Some(container)) => self.of(container, name).is_none(),
            (Fault::DuplicateField(_), _) => true,
            (_, Some(container)) => !self.touched.contains(&container),
            _ => true,
        }
    }

    /// Repairs the innermost thing that is not repaired yet; `false` where nothing is left to try.
    fn add(&mut self, problem: Problem) -> bool {
        if let (Fault::MissingField(name), Some(container)) = (&problem.fault, problem.container) {
            let name = (*name).to_owned();
            let slot = Slot { container, name };
            if !problem.blank && self.slots.get(&slot) != Some(&Repair::Placeholder) {
                self.touched.insert(container);
                self.touched.extend(problem.trail.iter().map(|slot| slot.container));
                self.slots.insert(slot, Repair::Placeholder);
                return true;
            }
        }
        let is_free = |slot: &Slot| matches!(self.slots.get(slot), None | Some(Repair::Excused));
        let Some(at) = problem.trail.iter().position(is_free) else {
            return false;
        };
        self.touched
            .extend(problem.trail[at..].iter().map(|slot| slot.container));
        let slot = problem.trail[at].clone();
        if let Fault::UnknownField { name, expected } = &problem.fault {
            self.expect_no_more(slot.container, name, expected);
        }
        self.slots.insert(slot, Repair::Dropped);
        true
    }

    /// A misspelt field must not be reported as missing too.
    fn expect_no_more(&mut self, container: usize, name: &str, expected: &'static [&'static str]) {
        if let Some(meant) = nearest(name, expected.iter().copied()) {
            let name = meant.to_owned();
            self.slots.entry(Slot { container, name }).or_insert(Repair::Excused);
        }
    }
}
