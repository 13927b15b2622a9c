use std::path::{Path, PathBuf};

use super::Node;
use crate::{Position, Result};

/// feature_store.yaml.
#[derive(Debug, Clone)]
pub struct RepoConfig {
    /// The folder that relative paths of sources start at.
    pub repo: PathBuf,
    /// The project's name.
    pub project: String,
    /// The registry file, resolved against the repository when relative.
    pub registry: String,
    /// The configured stores, in file order; one for a plain single store.
    pub stores: Vec<StoreConfig>,
    /// Lets one call join views of several source types.
    pub cross_source_joins: bool,
}

/// One configured store.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// The store key; aliases are resolved.
    pub key: String,
    /// The type as it was written.
    pub written: String,
    /// The store's own fields, without `type`, out of `conf` where that was used.
    pub fields: Node,
    /// Where `type` stands.
    pub position: Position,
}

impl RepoConfig {
    /// Reads `feature_store.yaml` in `repo`, expanding variables from the environment.
    pub fn load(_repo: impl AsRef<Path>) -> Result<Self> {
        unimplemented!()
    }

    /// Reads the text of a feature_store.yaml; `variable` gives the value of `${NAME}`.
    pub fn parse(_text: &str, _file: &Path, _variable: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        unimplemented!()
    }
}
