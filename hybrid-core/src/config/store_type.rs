//! The `type` of a store in feature_store.yaml and of a source in features.yaml, to a store key.

use super::node::Node;
use super::problem::with_nearest;
use crate::Error;
use crate::store::{backends, key_of, known_backends, resolve_key};

/// Finds the key that a name stands for: a key or an alias of a store that is compiled in, or known.
pub(super) type Resolve<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The spellings of the hybrid store's own type.
const HYBRID: [&str; 3] = [
    "hybrid",
    "hybrid_offline_store.HybridOfflineStore",
    "feast.infra.offline_stores.hybrid_offline_store.HybridOfflineStore",
];

pub(super) fn is_hybrid(written: &str) -> bool {
    HYBRID.contains(&written)
}

/// Finds keys and aliases among the stores that are compiled in or known.
pub(super) fn resolve(written: &str) -> Option<String> {
    resolve_key(written).map(str::to_owned)
}

/// The key of the store type `written` at `node`.
pub(super) fn store_key(written: &str, node: &Node, resolve: Resolve<'_>) -> Result<String, Error> {
    key(written, node, resolve, ("OfflineStore", "store"), |class| {
        class.strip_suffix("OfflineStore").unwrap_or(class).to_ascii_lowercase()
    })
}

/// The key of the source type `written` at `node`.
pub(super) fn source_key(written: &str, node: &Node, resolve: Resolve<'_>) -> Result<String, Error> {
    key(written, node, resolve, ("Source", "source"), key_of)
}

/// A key, an alias, or the name or dotted path of a class that ends in `suffix`.
fn key(
    written: &str,
    node: &Node,
    resolve: Resolve<'_>,
    (suffix, what): (&str, &str),
    of_class: impl Fn(&str) -> String,
) -> Result<String, Error> {
    if let Some(key) = resolve(written) {
        return Ok(key);
    }
    let class = written.rsplit('.').next().unwrap_or(written);
    if class.ends_with(suffix) {
        let key = of_class(class);
        if !key.is_empty() && written.split('.').all(is_identifier) {
            return Ok(resolve(&key).unwrap_or(key));
        }
    }
    let known = known_names();
    let error = node.error(format!("unknown {what} type {}", node.shown_or("in `type`")));
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    Err(with_nearest(error, written, &known, "the types are").with_help(format!(
        "a custom {what} is given by its class, a dotted path that ends in `{suffix}`"
    )))
}

fn is_identifier(part: &str) -> bool {
    !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// The keys of every store that is compiled in or known, sorted.
fn known_names() -> Vec<String> {
    let compiled = backends().into_iter().map(|backend| backend.key());
    let known = known_backends().into_iter().map(|known| known.key);
    let mut names: Vec<String> = compiled.chain(known).map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    names
}
