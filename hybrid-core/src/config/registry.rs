//! `registry` of feature_store.yaml: a path, or a mapping with one.

use std::path::Path;

use super::fields::Fields;
use super::node::Node;
use super::problems::Problems;

/// What Feast's registry settings may hold beside type and path; none of it matters here.
const IGNORED: [&str; 8] = [
    "registry_store_type",
    "cache_ttl_seconds",
    "cache_mode",
    "s3_additional_kwargs",
    "purge_feast_metadata",
    "enable_online_feature_view_versioning",
    "serve_features_while_materializing",
    "mcp",
];

/// The registry file, resolved against `repo` when it is a relative path.
pub(super) fn read(node: &Node, repo: &Path, problems: &mut Problems) -> Option<String> {
    if !node.is_mapping() {
        let path: String = problems.keep_all(node.read(Some("registry")))?;
        return resolved(&path, node, repo, problems);
    }
    let mut fields = Fields::of(node, "`registry`", problems)?;
    let registry_type = fields.optional_text("registry_type", problems);
    if registry_type.is_some_and(|written| written != "file") {
        let at = fields.get("registry_type").unwrap_or(node);
        let message = format!("registry type {} is not supported", at.shown_or("of a variable"));
        problems.push(
            at.error(message)
                .with_help("only `file` is: a path, local or of an object store"),
        );
        return None;
    }
    let path = fields.text("path", "`registry`", problems);
    let at = fields.get("path").unwrap_or(node);
    for key in IGNORED {
        fields.get(key);
    }
    fields.finish(problems);
    resolved(&path?, at, repo, problems)
}

fn resolved(path: &str, node: &Node, repo: &Path, problems: &mut Problems) -> Option<String> {
    if path.trim().is_empty() {
        problems.push(
            node.error("`registry` must not be empty")
                .with_help("for example data/registry.db"),
        );
        return None;
    }
    let local = path.strip_prefix("file://").unwrap_or(path);
    if local.contains("://") {
        return Some(local.to_owned());
    }
    Some(repo.join(local).to_string_lossy().into_owned())
}
