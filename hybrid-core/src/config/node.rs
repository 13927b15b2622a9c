use serde::de::DeserializeOwned;

use crate::Result;

/// A YAML value that knows where it stands.
#[derive(Debug, Clone)]
pub struct Node;

impl Node {
    /// The value as a `T`.
    ///
    /// # Errors
    /// Config, with positions: every problem found.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T> {
        unimplemented!()
    }
}
