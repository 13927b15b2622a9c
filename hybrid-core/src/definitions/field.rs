use super::Tags;
use crate::ValueType;

/// A feature: a name and a type.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Unique within its view.
    pub name: String,
    /// The declared type; values come back as its Arrow type.
    pub dtype: ValueType,
    /// For people.
    pub description: String,
    /// For people and tools.
    pub tags: Tags,
}

impl Field {
    /// A feature of that name and type.
    pub fn new(name: impl Into<String>, dtype: ValueType) -> Self {
        Self {
            name: name.into(),
            dtype,
            description: String::new(),
            tags: Tags::new(),
        }
    }

    /// Sets the description.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }
}
