//! serde over a [`Node`]: each complaint is taken up where it comes up, with its position.

mod access;
mod key;
mod variant;

use serde::de::{self, Visitor};
use serde::forward_to_deserialize_any;

use super::node::{Entry, Node, Scalar, Value};
use super::problem::{Fault, Problem, address};
use super::repair::Repairs;
use super::scalar::Resolved;
use access::{Entries, Items};
use variant::Variant;

/// A node being read, and what its key is.
#[derive(Clone, Copy)]
pub(super) struct NodeDeserializer<'a> {
    node: &'a Node,
    key: Option<&'a str>,
    repairs: &'a Repairs,
}

impl<'a> NodeDeserializer<'a> {
    pub(super) fn new(node: &'a Node, key: Option<&'a str>, repairs: &'a Repairs) -> Self {
        Self { node, key, repairs }
    }

    fn any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match &self.node.value {
            Value::Scalar(scalar) => self.visit(scalar.resolve(), visitor),
            Value::Sequence(items) => self.sequence(items, visitor),
            Value::Mapping(entries) => self.mapping(entries, false, visitor),
        }
    }

    fn visit<'de, V: Visitor<'de>>(self, value: Resolved<'_>, visitor: V) -> Result<V::Value, Problem> {
        let visited = match value {
            Resolved::Null => visitor.visit_unit(),
            Resolved::Bool(value) => visitor.visit_bool(value),
            Resolved::Unsigned(value) => visitor.visit_u64(value),
            Resolved::Signed(value) => visitor.visit_i64(value),
            Resolved::Float(value) => visitor.visit_f64(value),
            Resolved::Text(text) => visitor.visit_str(text),
        };
        self.taken_up(visited)
    }

    fn taken_up<T>(self, result: Result<T, Problem>) -> Result<T, Problem> {
        result.map_err(|problem| problem.at_scalar(self.node, self.key))
    }

    fn sequence<'de, V: Visitor<'de>>(self, items: &'a [Node], visitor: V) -> Result<V::Value, Problem> {
        let items = Items {
            owner: self,
            rest: items.iter().enumerate(),
        };
        visitor
            .visit_seq(items)
            .map_err(|problem| problem.at_container(self.node, self.key, None))
    }

    fn mapping<'de, V: Visitor<'de>>(
        self,
        entries: &'a [Entry],
        are_fields: bool,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let mut access = Entries {
            owner: self,
            rest: entries.iter(),
            current: None,
            last: None,
            placeholders: self.repairs.placeholders(address(self.node)),
            are_fields,
        };
        let visited = visitor.visit_map(&mut access);
        visited.map_err(|problem| {
            let last = access.last.map(|entry| (entry.mark, entry.key.as_str()));
            let duplicate = matches!(problem.fault, Fault::DuplicateField(_)) && problem.error.is_none();
            let problem = problem.at_container(self.node, self.key, last.map(|(mark, _)| mark));
            match last.filter(|_| duplicate) {
                Some((_, key)) => problem.inside(self.node, key),
                None => problem,
            }
        })
    }

    /// The scalar, or `None` where this is a mapping or a sequence.
    fn scalar(self) -> Option<&'a Scalar> {
        match &self.node.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.scalar() {
            Some(scalar) if !scalar.is_null() || scalar.expanded => self.taken_up(visitor.visit_str(&scalar.text)),
            _ => self.any(visitor),
        }
    }

    fn integer<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.scalar() {
            Some(scalar) if scalar.is_ambiguous_octal() => {
                let message = "a number that begins with 0 is octal in YAML 1.1 and decimal in 1.2: write it without the 0, or with 0o";
                self.taken_up(Err(de::Error::custom(message)))
            }
            Some(scalar) => self.visit(scalar.wanted_integer().unwrap_or_else(|| scalar.resolve()), visitor),
            None => self.any(visitor),
        }
    }

    fn float<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.scalar().and_then(Scalar::wanted_float) {
            Some(value) => self.visit(Resolved::Float(value), visitor),
            None => self.integer(visitor),
        }
    }
}

macro_rules! as_wanted {
    ($way:ident: $($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            self.$way(visitor)
        })*
    };
}

impl<'de> de::Deserializer<'de> for NodeDeserializer<'_> {
    type Error = Problem;

    as_wanted! { any: deserialize_any }
    as_wanted! { text: deserialize_str deserialize_string deserialize_char deserialize_identifier }
    as_wanted! { integer: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 }
    as_wanted! { integer: deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 }
    as_wanted! { float: deserialize_f32 deserialize_f64 }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.scalar().and_then(Scalar::wanted_bool) {
            Some(value) => self.visit(Resolved::Bool(value), visitor),
            None => self.any(visitor),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.scalar() {
            Some(scalar) => self.taken_up(visitor.visit_bytes(scalar.text.as_bytes())),
            None => self.any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if self.node.is_null() {
            return self.taken_up(visitor.visit_none());
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Problem> {
        let (node, key) = (self.node, self.key);
        // A newtype that refuses its inner value complains out here.
        visitor.visit_newtype_struct(self).map_err(|problem| match node.value {
            Value::Scalar(_) => problem.at_scalar(node, key),
            _ => problem.at_container(node, key, None),
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.node.is_null() {
            true => self.sequence(&[], visitor),
            false => self.any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.node.is_null() {
            true => self.mapping(&[], false, visitor),
            false => self.any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        match &self.node.value {
            Value::Mapping(entries) => self.mapping(entries, true, visitor),
            _ => self.deserialize_map(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        match &self.node.value {
            Value::Scalar(scalar) if !scalar.is_null() => {
                let variant = de::value::StrDeserializer::new(&scalar.text);
                self.taken_up(visitor.visit_enum(variant))
            }
            Value::Mapping(entries) if entries.len() == 1 => visitor
                .visit_enum(Variant {
                    owner: self,
                    entry: &entries[0],
                })
                .map_err(|problem| problem.at_container(self.node, self.key, None)),
            _ => self.any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { unit unit_struct tuple tuple_struct }
}
