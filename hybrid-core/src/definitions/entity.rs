use super::Tags;
use crate::ValueType;

/// What features are about: a driver, a customer. Its join key is the column that identifies it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// Unique within a project.
    pub name: String,
    /// The column that holds the key; the name by default.
    pub join_key: String,
    /// The key's type; inferred when applied where absent.
    pub value_type: Option<ValueType>,
    /// For people.
    pub description: String,
    /// For people.
    pub owner: String,
    /// For people and tools.
    pub tags: Tags,
}

impl Entity {
    /// An entity whose join key is its name.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            join_key: name.clone(),
            name,
            value_type: None,
            description: String::new(),
            owner: String::new(),
            tags: Tags::new(),
        }
    }

    /// Sets the column that holds the key.
    #[must_use]
    pub fn with_join_key(mut self, column: impl Into<String>) -> Self {
        self.join_key = column.into();
        self
    }

    /// Sets the key's type.
    #[must_use]
    pub fn with_value_type(mut self, value_type: ValueType) -> Self {
        self.value_type = Some(value_type);
        self
    }

    /// Sets the description.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }
}
