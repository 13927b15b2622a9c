use super::registration::sorted;

/// A store that the facade knows, compiled in or not: what an error names the cargo feature by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownBackend {
    /// The store key.
    pub key: &'static str,
    /// Other names for it in YAML and in source types.
    pub aliases: &'static [&'static str],
    /// The cargo feature that compiles it in.
    pub feature: &'static str,
    /// The package that has the feature.
    pub package: &'static str,
    /// Whether this version has the backend at all.
    pub available: bool,
}

inventory::collect!(KnownBackend);

/// Every store that the facade knows, sorted by key.
pub fn known_backends() -> Vec<&'static KnownBackend> {
    sorted(inventory::iter::<KnownBackend>, |known| known.key)
}
