use super::super::fields::Fields;
use super::super::node::Node;
use super::super::problems::Problems;
use super::{Around, RegistryConfig, finish};

pub(super) fn read(mut fields: Fields<'_>, around: &Around<'_>, problems: &mut Problems) -> Option<RegistryConfig> {
    let path = fields.text("path", "`registry`", problems);
    let at = fields.get("path").unwrap_or(fields.node);
    fields.get("purge_feast_metadata");
    finish(fields, problems);
    resolved(&path?, at, around, problems)
}

/// The registry file at `path`, resolved against the repository when it is relative.
pub(super) fn resolved(
    path: &str,
    node: &Node,
    around: &Around<'_>,
    problems: &mut Problems,
) -> Option<RegistryConfig> {
    if path.trim().is_empty() {
        let error = node.error("`registry` must not be empty");
        problems.push(error.with_help("for example data/registry.db"));
        return None;
    }
    let local = path.strip_prefix("file://").unwrap_or(path);
    if local.contains("://") {
        return Some(RegistryConfig::File(local.to_owned()));
    }
    let path = around.path(local).to_string_lossy().into_owned();
    Some(RegistryConfig::File(path))
}
