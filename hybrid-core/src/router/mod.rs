//! The hybrid store: source type to store key to the configured store, and each operation to it.

mod group;
mod operations;
mod pull;
mod slot;
mod write;

pub use pull::Pull;

pub(crate) use group::StoreGroup;
pub(crate) use operations::window;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::config::RepoConfig;
use crate::store::DynOfflineStore;
use crate::{Context, Error, ErrorKind, Result, Source};

pub(crate) use slot::Slot;

/// Routes each operation to the store of its source type. Stores connect on first use, once.
/// Several live side by side in one process and share nothing. Cheap to clone.
#[derive(Clone)]
pub struct HybridOfflineStore {
    slots: Arc<BTreeMap<String, Arc<Slot>>>,
    cross_source_joins: bool,
}

impl HybridOfflineStore {
    /// A router over the stores of `config`. Their configurations are checked now, where the
    /// backend is compiled in; nothing is connected yet.
    ///
    /// # Errors
    /// Config, with everything that is wrong in the stores' own fields.
    pub fn new(config: &RepoConfig, context: Context) -> Result<Self> {
        let context = Arc::new(context);
        let mut slots = BTreeMap::new();
        let mut problems = Vec::new();
        for store in &config.stores {
            match Slot::configured(store, Arc::clone(&context)) {
                Ok(slot) => {
                    slots.insert(store.key.clone(), Arc::new(slot));
                }
                Err(error) => problems.push(error),
            }
        }
        match Error::from_problems(problems) {
            Some(error) => Err(error),
            None => Ok(Self {
                slots: Arc::new(slots),
                cross_source_joins: config.cross_source_joins,
            }),
        }
    }

    /// A router over stores that are already connected, by key.
    pub fn from_stores(stores: impl IntoIterator<Item = (String, Arc<dyn DynOfflineStore>)>) -> Self {
        let slots = stores
            .into_iter()
            .map(|(key, store)| (key.clone(), Arc::new(Slot::connected(key, store))));
        Self {
            slots: Arc::new(slots.collect()),
            cross_source_joins: false,
        }
    }

    /// Lets one call join views of several source types.
    #[must_use]
    pub fn with_cross_source_joins(mut self, allowed: bool) -> Self {
        self.cross_source_joins = allowed;
        self
    }

    /// The key of the configured store that `source` routes to.
    ///
    /// # Errors
    /// Config, when no store is configured for its type.
    pub fn route<'a>(&'a self, source: &Source) -> Result<&'a str> {
        self.slot(source).map(|slot| slot.key.as_str())
    }

    /// The slot of a store that is named by its key or by an alias.
    fn named(&self, name: &str) -> Result<Arc<Slot>> {
        let key = crate::store::resolve_key(name).unwrap_or(name);
        self.slots.get(key).map(Arc::clone).ok_or_else(|| {
            let known: Vec<&str> = self.slots.keys().map(String::as_str).collect();
            crate::definitions::not_found("configured store", name, &known)
        })
    }

    /// The slot that answers `operation` on `source`.
    fn slot_for(&self, operation: &'static str, source: &Source) -> Result<&Arc<Slot>> {
        self.slot(source)
            .map_err(|error| error.in_operation(operation, "", &source.name))
    }

    fn slot(&self, source: &Source) -> Result<&Arc<Slot>> {
        self.slots
            .get(&source.key)
            .ok_or_else(|| self.not_configured(&source.key))
    }

    /// The reference document's text, character for character, and what helps.
    fn not_configured(&self, key: &str) -> Error {
        let message = format!("No offline store configuration found for source type '{key}'");
        let configured: Vec<&str> = self.slots.keys().map(String::as_str).collect();
        let error = Error::new(ErrorKind::Config, message)
            .with_help(format!("add `- type: {key}` to offline_stores in feature_store.yaml"));
        match configured.as_slice() {
            [] => error.with_help("no store is configured"),
            keys => error.with_help(format!("configured stores: {}", keys.join(", "))),
        }
    }

    /// The configured stores: key, and the crate that serves it where it is compiled in.
    pub fn stores(&self) -> Vec<(String, Option<String>)> {
        self.slots
            .values()
            .map(|slot| (slot.key.clone(), slot.served_by()))
            .collect()
    }

    /// Connects the store of that key, if it is not, and asks whether it can be reached.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn ping(&self, key: &str) -> Result<String> {
        let slot = self.slots.get(key).ok_or_else(|| self.not_configured(key))?;
        let answer = async { slot.store().await?.ping().await };
        answer.await.map_err(|error: Error| error.in_operation("ping", key, ""))
    }

    /// Waits for the clean-up of dropped jobs and closes connections.
    ///
    /// # Errors
    /// What the stores report, all of it.
    pub async fn shutdown(&self) -> Result<()> {
        let mut problems = Vec::new();
        for slot in self.slots.values() {
            if let Some(store) = slot.if_connected()
                && let Err(error) = store.shutdown().await
            {
                problems.push(error.in_operation("shutdown", &slot.key, ""));
            }
        }
        Error::from_problems(problems).map_or(Ok(()), Err)
    }
}

impl fmt::Debug for HybridOfflineStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HybridOfflineStore")
            .field("stores", &self.slots.keys().collect::<Vec<_>>())
            .field("cross_source_joins", &self.cross_source_joins)
            .finish()
    }
}
