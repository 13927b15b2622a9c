use serde_json::{Map, Number, Value as Json};

use super::node::{Node, Scalar, Value};
use super::scalar::Resolved;

impl Node {
    /// The value as JSON, plain scalars by YAML's core schema; infinities and NaN become text.
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Scalar(scalar) => scalar.to_json(),
            Value::Sequence(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Mapping(_) => Json::Object(self.to_json_map()),
        }
    }

    /// The entries of a mapping as JSON; empty where it is none.
    pub fn to_json_map(&self) -> Map<String, Json> {
        self.entries()
            .map(|(key, value)| (key.to_owned(), value.to_json()))
            .collect()
    }
}

impl Scalar {
    fn to_json(&self) -> Json {
        match self.resolve() {
            Resolved::Null => Json::Null,
            Resolved::Bool(value) => Json::Bool(value),
            Resolved::Unsigned(value) => Json::from(value),
            Resolved::Signed(value) => Json::from(value),
            Resolved::Float(value) => {
                Number::from_f64(value).map_or_else(|| Json::from(self.text.as_str()), Json::Number)
            }
            Resolved::Text(text) => Json::from(text),
        }
    }
}
