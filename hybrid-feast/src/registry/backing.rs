//! Where definitions are kept: one trait, and what implements it for each configured kind.

use std::sync::Arc;

use hybrid_core::config::{RegistryConfig, RepoConfig, SqlAddress, SqlRegistry};
use hybrid_core::{Result, async_trait};

use super::changes::Applied;
use super::document::Document;
use super::file::RegistryFile;

/// A place that holds definitions.
#[async_trait]
pub(crate) trait Backing: Send + Sync {
    /// What is there now; `None` where that still is the `known` version.
    async fn load(&self, known: Option<&Version>) -> Result<Option<Loaded>>;

    /// Changes what is there: all of it or nothing, where the place can.
    async fn update(&self, change: Change) -> Result<Applied>;
}

/// Names what was read: as long as it is the same, so is what is there.
pub(crate) type Version = String;

/// Works on what is there and says whether to write it. It runs again when another writer was faster.
pub(crate) type Change = Box<dyn FnMut(&mut Document) -> Result<(Applied, bool)> + Send>;

/// What was read.
pub(crate) struct Loaded {
    /// `None` where what comes later may bear the same.
    pub version: Option<Version>,
    /// The definitions.
    pub document: Document,
    /// Why there are none, where nobody has made a registry there yet.
    pub missing: Option<String>,
}

/// The place that `config` describes, for the definitions of its project. Nothing is asked yet.
///
/// # Errors
/// Config, when what it takes is not compiled in; Unsupported, for a file that is not on this machine.
pub(crate) fn backing(config: &RepoConfig) -> Result<Arc<dyn Backing>> {
    match &config.registry {
        RegistryConfig::File(path) => Ok(Arc::new(RegistryFile::new(path)?)),
        RegistryConfig::Sql(registry) => sql(registry, config),
        #[cfg(feature = "registry-remote")]
        RegistryConfig::Remote(registry) => Ok(Arc::new(super::remote::Remote::new(registry, &config.project)?)),
        #[cfg(not(feature = "registry-remote"))]
        RegistryConfig::Remote(_) => Err(left_out("a registry server", "registry-remote")),
    }
}

// Without any database nobody asks what is configured.
#[allow(unused_variables)]
fn sql(registry: &SqlRegistry, config: &RepoConfig) -> Result<Arc<dyn Backing>> {
    match registry.address {
        #[cfg(feature = "registry-sql-sqlite")]
        SqlAddress::Sqlite { .. } => Ok(Arc::new(super::sql::Sqlite::new(registry, &config.project)?)),
        #[cfg(feature = "registry-sql-postgres")]
        SqlAddress::Postgres(_) => Ok(Arc::new(super::sql::Postgres::new(
            registry,
            &config.project,
            &config.repo,
        )?)),
        #[cfg(not(feature = "registry-sql-sqlite"))]
        SqlAddress::Sqlite { .. } => Err(left_out("a registry in SQLite", "registry-sql-sqlite")),
        #[cfg(not(feature = "registry-sql-postgres"))]
        SqlAddress::Postgres(_) => Err(left_out("a registry in PostgreSQL", "registry-sql-postgres")),
    }
}

#[cfg(not(all(
    feature = "registry-sql-sqlite",
    feature = "registry-sql-postgres",
    feature = "registry-remote"
)))]
fn left_out(what: &str, feature: &str) -> hybrid_core::Error {
    hybrid_core::Error::new(
        hybrid_core::ErrorKind::Config,
        format!("{what} is configured, which is not compiled in"),
    )
    .with_help(format!("turn on the cargo feature `{feature}` of `hybrid-feast`"))
}

#[cfg(test)]
#[cfg(not(any(
    feature = "registry-sql-sqlite",
    feature = "registry-sql-postgres",
    feature = "registry-remote"
)))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_compiled_in_names_its_feature() {
        for (registry, feature) in [
            ("{registry_type: sql, path: 'sqlite:///r.db'}", "registry-sql-sqlite"),
            (
                "{registry_type: sql, path: 'postgresql://u@h/d'}",
                "registry-sql-postgres",
            ),
            ("{registry_type: remote, path: 'h:1'}", "registry-remote"),
        ] {
            let yaml = format!("project: p\nregistry: {registry}\n");
            let config = RepoConfig::parse(&yaml, "feature_store.yaml".as_ref(), &|_| None).unwrap();
            let error = backing(&config).err().unwrap();
            assert_eq!(error.kind(), hybrid_core::ErrorKind::Config);
            let help = format!("turn on the cargo feature `{feature}` of `hybrid-feast`");
            assert_eq!(error.help(), [help]);
        }
    }
}
