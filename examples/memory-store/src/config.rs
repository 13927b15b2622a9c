use serde::Deserialize;

/// What feature_store.yaml says about this store, beside `type: memory`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryConfig {
    /// Stores of one database in one process share their tables; without one a store has its own.
    #[serde(default)]
    pub database: Option<String>,
}
