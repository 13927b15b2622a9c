use std::collections::HashSet;

use crate::{Error, ErrorKind, Position, Result};

/// Every problem of a file, in file order.
#[derive(Default)]
pub(super) struct Problems {
    found: Vec<Error>,
    unresolved: HashSet<Position>,
}

/// More problems than a person reads; a file full of them is not the file that was meant.
const MOST: usize = 100;

impl Problems {
    /// Adds a problem, unless it is the follow-on of a variable that has no value.
    pub(super) fn push(&mut self, error: Error) {
        let follows = error.position().is_some_and(|at| self.unresolved.contains(at));
        if !follows && !self.is_full() {
            self.found.push(error);
        }
    }

    /// Adds a problem that leaves the value at its position unknown.
    pub(super) fn push_unresolved(&mut self, error: Error) {
        let position = error.position().cloned();
        self.push(error);
        self.unresolved.extend(position);
    }

    /// Whether more would not be kept; finding a nearest name is not worth the time then.
    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= MOST
    }

    /// The value, or `None` and the problem kept.
    pub(super) fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// The value, or `None` and the problems kept.
    pub(super) fn keep_all<T>(&mut self, result: Result<T, Vec<Error>>) -> Option<T> {
        result
            .map_err(|errors| errors.into_iter().for_each(|error| self.push(error)))
            .ok()
    }

    /// `value`, where nothing was found.
    pub(super) fn finish<T>(mut self, value: Option<T>) -> Result<T> {
        self.found
            .sort_by_key(|error| error.position().map(|at| (at.line, at.column)));
        match (Error::from_problems(self.found), value) {
            (None, Some(value)) => Ok(value),
            (Some(error), _) => Err(error),
            (None, None) => Err(Error::new(
                ErrorKind::Unexpected,
                "nothing was read and nothing was wrong",
            )),
        }
    }
}
