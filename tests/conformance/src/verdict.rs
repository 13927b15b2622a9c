use std::fmt::{self, Display};

use hybrid_core::{Error, ErrorKind};

/// What a behaviour ends with.
pub type Verdict<T = ()> = Result<T, Miss>;

/// Why a behaviour did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// It could not be tried, or not all of it.
    NotRun(Vec<Untried>),
    /// The store gave something else; what, and what was right.
    Failed(String),
}

/// What of a behaviour could not be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untried {
    /// The part of it: a type, say. Empty: all of it.
    pub part: String,
    /// Why.
    pub why: String,
}

impl Display for Untried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part.as_str() {
            "" => f.write_str(&self.why),
            part => write!(f, "{part}: {}", self.why),
        }
    }
}

impl Miss {
    fn not_run(why: String) -> Self {
        let part = String::new();
        Self::NotRun(vec![Untried { part, why }])
    }

    /// A failure that says `message`.
    pub fn failed(message: impl Display) -> Self {
        Self::Failed(message.to_string())
    }
}

impl From<Error> for Miss {
    fn from(error: Error) -> Self {
        Self::Failed(format!("an error instead of an answer: {error}"))
    }
}

impl From<arrow::error::ArrowError> for Miss {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// What making a table ends with: an engine that lacks a type does not fail, it is not asked.
pub(crate) fn created<T>(result: Result<T, Error>) -> Verdict<T> {
    result.map_err(|error| match error.kind() {
        ErrorKind::Unsupported => Miss::not_run(format!("the table cannot be made: {}", error.message())),
        _ => Miss::Failed(format!("the fixture could not make the table: {error}")),
    })
}

/// Goes on when `capable`, else says that the store does not declare `capability`.
pub(crate) fn needs(capable: bool, capability: &str) -> Verdict {
    if capable {
        return Ok(());
    }
    Err(Miss::not_run(format!(
        "the store does not declare the capability `{capability}`"
    )))
}

/// The parts of a behaviour, some of which may not be tried.
#[derive(Default)]
pub(crate) struct Parts {
    tried: bool,
    untried: Vec<Untried>,
}

impl Parts {
    /// Takes down what came of one; where it failed, the behaviour does.
    pub(crate) fn add(&mut self, part: impl Display, verdict: Verdict) -> Verdict {
        match verdict {
            Ok(()) => self.tried = true,
            Err(Miss::Failed(reason)) => return Err(Miss::Failed(format!("{part}: {reason}"))),
            Err(Miss::NotRun(untried)) => {
                let of_part = |one: Untried| Untried {
                    part: part.to_string(),
                    ..one
                };
                self.untried.extend(untried.into_iter().map(of_part));
            }
        }
        Ok(())
    }

    /// What was not tried; where no part was, it is all of the behaviour.
    pub(crate) fn end(mut self) -> Verdict {
        if self.untried.is_empty() {
            return Ok(());
        }
        if !self.tried {
            self.untried.iter_mut().for_each(|one| one.part.clear());
        }
        Err(Miss::NotRun(self.untried))
    }
}

/// Fails with `message` unless `right`.
pub(crate) fn ensure(right: bool, message: impl FnOnce() -> String) -> Verdict {
    if right { Ok(()) } else { Err(Miss::Failed(message())) }
}

/// Fails unless both are the same, showing both.
pub(crate) fn same<T: PartialEq + fmt::Debug>(what: &str, found: &T, right: &T) -> Verdict {
    ensure(found == right, || {
        format!("{what}: found {found:?}, right is {right:?}")
    })
}

/// The error of something that must be refused; `kinds` are those that fit, and the text must
/// contain each of `words`.
pub(crate) fn refused<T>(what: &str, result: Result<T, Error>, kinds: &[ErrorKind], words: &[&str]) -> Verdict {
    let Err(error) = result else {
        return Err(Miss::Failed(format!("{what} must be an error and is none")));
    };
    ensure(kinds.contains(&error.kind()), || {
        format!(
            "{what}: the error's kind is {:?}, right is one of {kinds:?}: {error}",
            error.kind()
        )
    })?;
    let text = error.to_string();
    for word in words {
        ensure(text.contains(word), || {
            format!("{what}: the error does not mention `{word}`: {text}")
        })?;
    }
    Ok(())
}
