use hybrid_core::DataSource;
use serde::{Deserialize, Serialize};

/// A table in memory.
#[derive(DataSource, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemorySource {
    /// The table's name.
    pub table: String,
}

impl MemorySource {
    /// The table of that name.
    pub fn new(table: impl Into<String>) -> Self {
        Self { table: table.into() }
    }
}
