use std::collections::BTreeMap;

use super::{Source, Tags};

/// A named set of features for one model.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureService {
    /// Unique within a project.
    pub name: String,
    /// What it takes from which view, in output order.
    pub features: Vec<FeatureProjection>,
    /// Where the features that were served are logged, with Feast's `logging_config`.
    pub logging_destination: Option<Source>,
    /// For people.
    pub description: String,
    /// For people.
    pub owner: String,
    /// For people and tools.
    pub tags: Tags,
}

impl FeatureService {
    /// A service of these projections.
    pub fn new(name: impl Into<String>, features: impl IntoIterator<Item = FeatureProjection>) -> Self {
        Self {
            name: name.into(),
            features: features.into_iter().collect(),
            logging_destination: None,
            description: String::new(),
            owner: String::new(),
            tags: Tags::new(),
        }
    }
}

/// Some features of one view, perhaps under another name and joined on other entity columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureProjection {
    /// The view's own name.
    pub view: String,
    /// Names of the features, in output order; empty: all of the view's.
    pub features: Vec<String>,
    /// The name it is used under; one view may be used several times under different aliases.
    pub alias: Option<String>,
    /// The view's join key to the entity frame's column.
    pub join_key_map: BTreeMap<String, String>,
}

impl FeatureProjection {
    /// All features of the view.
    pub fn new(view: impl Into<String>) -> Self {
        Self {
            view: view.into(),
            features: Vec::new(),
            alias: None,
            join_key_map: BTreeMap::new(),
        }
    }

    /// Takes only these features.
    #[must_use]
    pub fn with_features(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.features = names.into_iter().map(Into::into).collect();
        self
    }

    /// Uses the view under another name.
    #[must_use]
    pub fn with_alias(mut self, alias: impl Into<String>) -> Self {
        self.alias = Some(alias.into());
        self
    }

    /// Joins the view's key `join_key` on the frame's column `entity_column`.
    #[must_use]
    pub fn with_join_key(mut self, join_key: impl Into<String>, entity_column: impl Into<String>) -> Self {
        self.join_key_map.insert(join_key.into(), entity_column.into());
        self
    }

    /// The name it is used under: the alias, else the view's.
    pub fn name_to_use(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.view)
    }
}
