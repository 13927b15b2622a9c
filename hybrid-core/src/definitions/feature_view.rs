use std::time::Duration;

use super::{Field, Source, Tags};

/// A group of features that come from one source and share their entities.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureView {
    /// Unique within a project.
    pub name: String,
    /// Names of the entities whose keys join it; none: it joins on time alone.
    pub entities: Vec<String>,
    /// How old a value may be at the entity row's time, both ends inclusive; absent or zero: any age.
    pub ttl: Option<Duration>,
    /// Where the rows are.
    pub source: Source,
    /// The features; empty: inferred from the source when applied.
    pub schema: Vec<Field>,
    /// Whether Feast's online store serves it; kept for Feast, not used here.
    pub online: bool,
    /// For people.
    pub description: String,
    /// For people.
    pub owner: String,
    /// For people and tools.
    pub tags: Tags,
}

impl FeatureView {
    /// A view over `source`, without entities, ttl and schema.
    pub fn new(name: impl Into<String>, source: impl Into<Source>) -> Self {
        Self {
            name: name.into(),
            entities: Vec::new(),
            ttl: None,
            source: source.into(),
            schema: Vec::new(),
            online: true,
            description: String::new(),
            owner: String::new(),
            tags: Tags::new(),
        }
    }

    /// Sets the entities, by name.
    #[must_use]
    pub fn with_entities(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.entities = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how old a value may be.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Sets the features.
    #[must_use]
    pub fn with_schema(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.schema = fields.into_iter().collect();
        self
    }

    /// Sets the description.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The feature of that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.schema.iter().find(|field| field.name == name)
    }
}
