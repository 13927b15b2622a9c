use serde::Deserialize;

use super::Type;

/// A type as Trino's results describe it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Signature {
    /// The type's name without its parameters.
    #[serde(rename = "rawType")]
    pub(crate) raw: String,
    /// Its parameters.
    #[serde(default)]
    arguments: Vec<Argument>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", content = "value")]
enum Argument {
    #[serde(rename = "LONG")]
    Number(i64),
    #[serde(rename = "TYPE")]
    Type(Signature),
    #[serde(rename = "NAMED_TYPE")]
    Field(Named),
    #[serde(rename = "VARIABLE")]
    Variable(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    #[serde(default)]
    field_name: Option<Name>,
    type_signature: Signature,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Name {
    name: String,
}

impl Signature {
    /// Precision and scale.
    pub(super) fn decimal(&self) -> Option<(u8, i8)> {
        match self.arguments.as_slice() {
            [Argument::Number(precision), Argument::Number(scale)] if (1..=38).contains(precision) => {
                Some((u8::try_from(*precision).ok()?, i8::try_from(*scale).ok()?))
            }
            _ => None,
        }
    }

    /// The type that stands at `index`.
    pub(super) fn item(&self, index: usize) -> Type {
        match self.arguments.get(index) {
            Some(Argument::Type(signature)) => Type::of(signature),
            _ => Type::Text,
        }
    }

    /// The fields of a row; those without a name are called `field` and their number.
    pub(super) fn fields(&self) -> Vec<(String, Type)> {
        let field = |(index, argument): (usize, &Argument)| match argument {
            Argument::Field(Named {
                field_name,
                type_signature,
            }) => {
                let name = field_name.as_ref().map(|field| field.name.clone());
                (
                    name.unwrap_or_else(|| format!("field{index}")),
                    Type::of(type_signature),
                )
            }
            _ => (format!("field{index}"), self.item(index)),
        };
        self.arguments.iter().enumerate().map(field).collect()
    }
}
