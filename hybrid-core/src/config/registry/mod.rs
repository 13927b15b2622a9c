//! `registry` of feature_store.yaml: a path, or a mapping that says what kind of registry is where.

mod auth;
mod file;
mod remote;
mod sql;
mod url;

use std::fmt;
use std::path::{Path, PathBuf};

pub use auth::ClientAuth;
pub use remote::{RemoteRegistry, RemoteTls};
pub use sql::{SchemaMode, SqlAddress, SqlRegistry};
pub use url::DatabaseUrl;

use super::expand::Variables;
use super::fields::Fields;
use super::node::Node;
use super::problems::Problems;
use super::redact::without_user;
use crate::{Error, ErrorKind};

/// Where the registry of definitions is. Its `Debug` shows no user of an address.
#[derive(Clone, PartialEq, Eq)]
pub enum RegistryConfig {
    /// A registry.db: a path, resolved against the repository when relative, or an address.
    File(String),
    /// Tables of a database.
    Sql(SqlRegistry),
    /// Feast's registry server.
    Remote(RemoteRegistry),
}

impl RegistryConfig {
    /// The registry file, where it is one of this machine.
    pub fn local_file(&self) -> Option<&Path> {
        match self {
            Self::File(path) if !path.contains("://") => Some(Path::new(path)),
            _ => None,
        }
    }
}

impl fmt::Debug for RegistryConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(&without_user(path)).finish(),
            Self::Sql(sql) => sql.fmt(f),
            Self::Remote(remote) => remote.fmt(f),
        }
    }
}

/// Fields of every registry of Feast that change nothing here: a registry is never cached without a
/// look at its version, and the rest is about writing to S3, online serving, and Feast's REST server.
const IGNORED: [&str; 7] = [
    "registry_store_type",
    "cache_ttl_seconds",
    "cache_mode",
    "s3_additional_kwargs",
    "enable_online_feature_view_versioning",
    "serve_features_while_materializing",
    "mcp",
];

const KINDS: &str = "`file`, `sql` (SQLite and PostgreSQL) and `remote` are supported";

/// What reading `registry` needs beside it.
pub(super) struct Around<'a> {
    /// The folder that relative paths start at.
    pub(super) repo: &'a Path,
    /// Gives `auth`, with its variables expanded: only a registry server asks who is there.
    pub(super) auth: &'a dyn Fn(&mut Problems) -> Option<Node>,
    /// The values of variables.
    pub(super) variable: Variables<'a>,
}

impl Around<'_> {
    fn path(&self, written: &str) -> PathBuf {
        self.repo.join(written)
    }
}

/// The registry that `node` describes.
pub(super) fn read(node: &Node, around: &Around<'_>, problems: &mut Problems) -> Option<RegistryConfig> {
    if !node.is_mapping() {
        let path: String = problems.keep_all(node.read(Some("registry")))?;
        return file::resolved(&path, node, around, problems);
    }
    let mut fields = Fields::of(node, "`registry`", problems)?;
    let written = fields.optional_text("registry_type", problems);
    let at = fields.get("registry_type").unwrap_or(node);
    match written.as_deref() {
        None | Some("file") => file::read(fields, around, problems),
        Some("sql") => sql::read(fields, around, problems).map(RegistryConfig::Sql),
        Some("remote") => remote::read(fields, around, problems).map(RegistryConfig::Remote),
        Some(_) => {
            let message = format!("registry type {} is not supported", at.shown_or("of a variable"));
            problems.push(unsupported(at, message).with_help(KINDS));
            None
        }
    }
}

fn unsupported(at: &Node, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unsupported, message).at(at.position())
}

/// Takes the fields that change nothing, and reports those that nobody knows.
fn finish(mut fields: Fields<'_>, problems: &mut Problems) {
    for key in IGNORED {
        fields.get(key);
    }
    fields.finish(problems);
}
