use serde::{Deserialize, Serialize};

/// The file store's part of feature_store.yaml.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// The folder where relative paths of sources start; absent: the folder of feature_store.yaml.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl FileConfig {
    /// Relative paths start in the folder of feature_store.yaml.
    pub fn new() -> Self {
        Self::default()
    }

    /// Relative paths start in `path`.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }
}
