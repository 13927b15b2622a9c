use serde::{Serialize, de::DeserializeOwned};

use crate::{Result, Source};

/// A source type: the fields that say where rows are, beside the columns that every source has.
///
/// Derive it: the derive takes [`TYPE_NAME`](Self::TYPE_NAME) from the declared identifier.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a data source: it lacks `#[derive(DataSource)]`",
    label = "the trait `DataSource` is not derived for this type",
    note = "a source type is `#[derive(DataSource, Serialize, Deserialize)] struct <Type>Source {{ … }}`"
)]
pub trait DataSource: Serialize + DeserializeOwned + Send + Sync + Sized + 'static {
    /// The declared name of the type, which ends in `Source`.
    const TYPE_NAME: &'static str;

    /// The store key that sources of this type route to: the name without `Source`, lowercased.
    fn key() -> String {
        key_of(Self::TYPE_NAME)
    }

    /// The source with these options, to which columns and a name can be added.
    ///
    /// # Errors
    /// Definition, when the type does not serialize to named fields.
    fn into_source(self) -> Result<Source> {
        Source::from_typed(&self)
    }
}

/// The store key of a source type's name: without the suffix `Source`, ASCII-lowercased.
pub fn key_of(type_name: &str) -> String {
    type_name
        .strip_suffix("Source")
        .unwrap_or(type_name)
        .to_ascii_lowercase()
}
