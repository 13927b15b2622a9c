use serde::de::{self, DeserializeSeed, EnumAccess, VariantAccess, Visitor};

use super::NodeDeserializer;
use super::access::at_value;
use super::key::Key;
use crate::config::node::Entry;
use crate::config::problem::Problem;

/// An enum's variant that carries something: `variant: value`.
pub(super) struct Variant<'a> {
    pub(super) owner: NodeDeserializer<'a>,
    pub(super) entry: &'a Entry,
}

impl<'a> Variant<'a> {
    fn value(&self) -> NodeDeserializer<'a> {
        NodeDeserializer::new(&self.entry.value, Some(&self.entry.key), self.owner.repairs)
    }

    /// An enum without its variant is nothing: what is left out is the whole enum, by its owner.
    fn complaint(self, problem: Problem) -> Problem {
        at_value(problem, self.entry)
    }
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Problem;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Problem> {
        match seed.deserialize(Key(&self.entry.key)) {
            Ok(variant) => Ok((variant, self)),
            Err(problem) => Err(problem.at_key(self.owner.node, self.entry.mark)),
        }
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Problem;

    fn unit_variant(self) -> Result<(), Problem> {
        de::Deserialize::deserialize(self.value()).map_err(|problem| self.complaint(problem))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Problem> {
        seed.deserialize(self.value())
            .map_err(|problem| self.complaint(problem))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Problem> {
        de::Deserializer::deserialize_seq(self.value(), visitor).map_err(|problem| self.complaint(problem))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Problem> {
        de::Deserializer::deserialize_struct(self.value(), "", fields, visitor)
            .map_err(|problem| self.complaint(problem))
    }
}
