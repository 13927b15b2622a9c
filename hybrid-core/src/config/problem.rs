//! What a `Deserialize` complains of, before it is an [`Error`].

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::node::{Mark, Node, Value};
use super::redact::shortened;
use crate::Error;
use crate::definitions::listed;
use crate::error::nearest;

/// Which value of which mapping or sequence; both by address, which is stable while nodes are lent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Slot {
    pub(super) container: usize,
    pub(super) name: String,
}

/// A complaint, and where it came up.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) fault: Fault,
    /// As an error with its position, once a node has taken it up.
    pub(super) error: Option<Error>,
    /// The mapping or sequence that it is about, where it is about no single value.
    pub(super) container: Option<usize>,
    /// What it stands in, from the inside.
    pub(super) trail: Vec<Slot>,
    /// It came up while a placeholder was read.
    pub(super) blank: bool,
    /// The field of a struct whose value is nothing, where it is about that.
    pub(super) nothing: Option<Box<Slot>>,
}

#[derive(Debug)]
pub(super) enum Fault {
    /// A value of a wrong type, or out of range.
    Value {
        found: &'static str,
        expected: String,
    },
    Length {
        length: usize,
        expected: String,
    },
    UnknownVariant {
        variant: String,
        expected: &'static [&'static str],
    },
    UnknownField {
        name: String,
        expected: &'static [&'static str],
    },
    MissingField(&'static str),
    DuplicateField(&'static str),
    Custom(String),
}

impl Problem {
    pub(super) fn new(fault: Fault) -> Self {
        Self {
            fault,
            error: None,
            container: None,
            trail: Vec::new(),
            blank: false,
            nothing: None,
        }
    }

    /// Takes it up at a scalar, unless something inside has.
    pub(super) fn at_scalar(self, node: &Node, key: Option<&str>) -> Self {
        self.taken_up(|fault| {
            let what = key.map_or_else(|| "this".to_owned(), |key| format!("`{key}`"));
            match fault {
                Fault::Value { expected, .. } => {
                    node.error(format!("{what} must be {expected}, not {}", node.described()))
                }
                Fault::UnknownVariant { variant, expected } => unknown_variant(node, &what, variant, expected),
                fault => node.error(fault.message(node, &what)),
            }
        })
    }

    /// Takes it up at a mapping or sequence, unless something inside has; `mark` is the last key.
    pub(super) fn at_container(mut self, node: &Node, key: Option<&str>, mark: Option<Mark>) -> Self {
        if self.error.is_none() {
            self.container = Some(address(node));
        }
        self.taken_up(|fault| {
            let mut what = key.map_or_else(|| "this".to_owned(), |key| format!("`{key}`"));
            // serde buffers what is tagged or flattened, and forgets which field it reads.
            if matches!(fault, Fault::Value { found, .. } if *found != node.described()) {
                what = key.map_or_else(|| "a field in here".to_owned(), |key| format!("a field of `{key}`"));
            }
            let error = Error::new(node.document.kind, fault.message(node, &what));
            match (fault, mark) {
                (Fault::DuplicateField(_), Some(mark)) => error.at(node.position_of(mark)),
                _ => error.at(node.position()),
            }
        })
    }

    /// Takes it up at a key that the mapping must not have.
    pub(super) fn at_key(self, node: &Node, mark: Mark) -> Self {
        self.taken_up(|fault| {
            let error = Error::new(node.document.kind, fault.message(node, "this key")).at(node.position_of(mark));
            match fault {
                Fault::UnknownField { name, expected } => with_nearest(error, name, expected, "the fields are"),
                Fault::UnknownVariant { variant, expected } => with_nearest(error, variant, expected, "it may be"),
                _ => error,
            }
        })
    }

    fn taken_up(mut self, make: impl FnOnce(&Fault) -> Error) -> Self {
        if self.error.is_none() {
            self.error = Some(make(&self.fault));
        }
        self
    }

    pub(super) fn inside(mut self, container: &Node, name: &str) -> Self {
        self.trail.push(Slot {
            container: address(container),
            name: name.to_owned(),
        });
        self
    }
}

/// What identifies a node for as long as it is lent.
pub(super) fn address(node: &Node) -> usize {
    std::ptr::from_ref(node).addr()
}

/// `error` with the nearest of `known`, and all of them.
pub(super) fn with_nearest(error: Error, name: &str, known: &[&str], all: &str) -> Error {
    let error = match nearest(name, known.iter().copied()) {
        Some(near) => error.with_help(format!("did you mean `{near}`?")),
        None => error,
    };
    match known {
        [] => error,
        known => error.with_help(format!("{all} {}", listed(known))),
    }
}

fn unknown_variant(node: &Node, what: &str, variant: &str, expected: &[&str]) -> Error {
    let found = node.described();
    let error = node.error(format!("{what} must be one of {}, not {found}", expected.join(", ")));
    let shown = matches!(&node.value, Value::Scalar(scalar) if scalar.shown().is_some());
    match nearest(variant, expected.iter().copied()) {
        Some(near) if shown => error.with_help(format!("did you mean `{near}`?")),
        _ => error,
    }
}

impl Fault {
    fn message(&self, node: &Node, what: &str) -> String {
        match self {
            Self::Value { found, expected } => format!("{what} must be {expected}, not {found}"),
            Self::Length { length, expected } => format!("{what} must be {expected}, but has {length} items"),
            Self::UnknownVariant { expected, .. } => format!("{what} must be one of {}", expected.join(", ")),
            Self::UnknownField { name, .. } => format!("unknown field `{}`", shortened(name)),
            Self::MissingField(name) => format!("missing field `{name}`"),
            Self::DuplicateField(name) => format!("`{name}` is given twice, under two spellings"),
            Self::Custom(message) if node.is_told_by(message) => format!("{what} is not valid"),
            Self::Custom(message) => message.clone(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            Some(error) => error.fmt(f),
            None => write!(f, "{:?}", self.fault),
        }
    }
}

impl std::error::Error for Problem {}

impl de::Error for Problem {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Fault::Custom(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Fault::Value {
            found: kind_of(&found),
            expected: in_words(&expected.to_string()),
        })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let expected = in_words(&expected.to_string());
        Self::new(Fault::Length { length, expected })
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let variant = variant.to_owned();
        Self::new(Fault::UnknownVariant { variant, expected })
    }

    fn unknown_field(name: &str, expected: &'static [&'static str]) -> Self {
        let name = name.to_owned();
        Self::new(Fault::UnknownField { name, expected })
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new(Fault::MissingField(name))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::new(Fault::DuplicateField(name))
    }
}

fn kind_of(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) => "a text",
        Unexpected::Unit | Unexpected::Option => "nothing",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a mapping",
        _ => "what it is",
    }
}

/// serde's names of what it expects, in the words of someone who writes YAML.
fn in_words(expected: &str) -> String {
    let words = match expected {
        "a boolean" | "bool" => "true or false",
        "a string" | "string" => "a text",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "a list",
        "a map" => "a mapping",
        "unit" => "nothing",
        "newtype variant" | "tuple variant" | "struct variant" => "a mapping from this name to its value",
        other if other.starts_with("struct ") => "a mapping",
        other if other.starts_with("a nonzero u") => "a whole number, 1 or more",
        other => other,
    };
    words.to_owned()
}
