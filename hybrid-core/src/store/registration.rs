use std::any::type_name;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::{Context, DataSource, DynOfflineStore, OfflineStore};
use crate::config::Node;
use crate::{Result, Source};

/// One backend in the inventory: made by `#[offline_store("key")]`, and only by [`Registration::of`].
#[derive(Clone, Copy)]
pub struct Registration {
    pub(crate) key: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) crate_name: &'static str,
    pub(crate) crate_version: &'static str,
    pub(crate) source_type: &'static str,
    pub(crate) declared_source: fn() -> &'static str,
    pub(crate) check_config: fn(&Node) -> Result<()>,
    pub(crate) check_source: fn(&Source) -> Result<()>,
    pub(crate) connect: Connect,
}

type Connect = for<'a> fn(&'a Node, &'a Context) -> BoxFuture<'a, Result<Arc<dyn DynOfflineStore>>>;

inventory::collect!(Registration);

impl Registration {
    /// Registers `T` under `key`; what only the author's crate knows is passed in.
    ///
    /// # Panics
    /// At compile time, when `key` is not the key of `T`'s source type.
    pub const fn of<T: OfflineStore>(
        key: &'static str,
        aliases: &'static [&'static str],
        crate_name: &'static str,
        crate_version: &'static str,
    ) -> Self {
        Self {
            key,
            aliases,
            crate_name,
            crate_version,
            source_type: T::Source::TYPE_NAME,
            declared_source: type_name::<T::Source>,
            check_config: |node| node.deserialize::<T::Config>().map(drop),
            check_source: |source| source.to_typed::<T::Source>().map(drop),
            connect: |node, context| {
                Box::pin(async move {
                    let store = T::connect(node.deserialize()?, context).await?;
                    Ok(Arc::new(store) as Arc<dyn DynOfflineStore>)
                })
            },
        }
    }

    /// The store key, for example `bigquery`.
    pub fn key(&self) -> &'static str {
        self.key
    }

    /// Other names for it in YAML and in source types.
    pub fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    /// The crate that registered it.
    pub fn crate_name(&self) -> &'static str {
        self.crate_name
    }

    /// That crate's version.
    pub fn crate_version(&self) -> &'static str {
        self.crate_version
    }

    /// The declared name of its source type.
    pub fn source_type(&self) -> &'static str {
        self.source_type
    }
}

/// Every compiled-in backend, sorted by key.
pub fn backends() -> Vec<&'static Registration> {
    sorted(inventory::iter::<Registration>, |registration| registration.key)
}

/// inventory's order is unspecified.
pub(super) fn sorted<T: 'static>(items: inventory::iter<T>, key: impl Fn(&T) -> &'static str) -> Vec<&'static T>
where
    T: inventory::Collect,
{
    let mut all: Vec<&'static T> = items.into_iter().collect();
    all.sort_by_key(|item| key(item));
    all
}

/// The backend of that key.
///
/// # Errors
/// Config, when it is not compiled in.
pub fn find_backend(key: &str) -> Result<&'static Registration> {
    backends()
        .into_iter()
        .find(|backend| backend.key == key)
        .ok_or_else(|| crate::Error::new(crate::ErrorKind::Config, format!("store `{key}` is not compiled in")))
}
