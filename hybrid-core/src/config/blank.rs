//! A value that fits every type: it stands in for a field that is wrong or missing, so that the
//! other fields of the struct are still looked at. What comes of it is thrown away.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Visitor};
use serde::forward_to_deserialize_any;

use super::problem::Problem;

pub(super) struct Blank;

macro_rules! zero {
    ($($method:ident $visit:ident $value:expr),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            visitor.$visit($value)
        })*
    };
}

impl<'de> de::Deserializer<'de> for Blank {
    type Error = Problem;

    zero! {
        deserialize_any visit_str "",
        deserialize_bool visit_bool false,
        deserialize_i8 visit_u64 1,
        deserialize_i16 visit_u64 1,
        deserialize_i32 visit_u64 1,
        deserialize_i64 visit_u64 1,
        deserialize_u8 visit_u64 1,
        deserialize_u16 visit_u64 1,
        deserialize_u32 visit_u64 1,
        deserialize_u64 visit_u64 1,
        deserialize_f32 visit_f64 1.0,
        deserialize_f64 visit_f64 1.0,
        deserialize_char visit_char 'x',
        deserialize_bytes visit_bytes b"",
        deserialize_byte_buf visit_bytes b"",
        deserialize_seq visit_seq empty_seq(),
        deserialize_map visit_map empty_map(),
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_map(empty_map())
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let first = variants.first().copied().unwrap_or_default();
        visitor.visit_enum(de::value::StrDeserializer::new(first))
    }

    forward_to_deserialize_any! { str string identifier ignored_any tuple tuple_struct }
}

type NoItems = std::iter::Empty<&'static str>;
type NoEntries = std::iter::Empty<(&'static str, &'static str)>;

fn empty_seq() -> SeqDeserializer<NoItems, Problem> {
    SeqDeserializer::new(std::iter::empty())
}

fn empty_map<'de>() -> MapDeserializer<'de, NoEntries, Problem> {
    MapDeserializer::new(std::iter::empty())
}
