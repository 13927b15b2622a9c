use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::config::{Node, StoreConfig};
use crate::store::{DynOfflineStore, Registration, find_backend};
use crate::{Context, Result};

/// A configured store: connected on first use, once, by whoever comes first.
pub(crate) struct Slot {
    pub(crate) key: String,
    backend: Option<(&'static Registration, Node, Arc<Context>)>,
    store: OnceCell<Arc<dyn DynOfflineStore>>,
}

impl Slot {
    /// A slot whose configuration is checked, where its backend is compiled in. Where it is not,
    /// the first use is the error: files and parsing work all the same.
    pub(super) fn configured(config: &StoreConfig, context: Arc<Context>) -> Result<Self> {
        let backend = match find_backend(&config.key) {
            Ok(registration) => {
                (registration.check_config)(&config.fields)?;
                Some((registration, config.fields.clone(), context))
            }
            Err(_) => None,
        };
        Ok(Self {
            key: config.key.clone(),
            backend,
            store: OnceCell::new(),
        })
    }

    pub(super) fn connected(key: String, store: Arc<dyn DynOfflineStore>) -> Self {
        Self {
            key,
            backend: None,
            store: OnceCell::new_with(Some(store)),
        }
    }

    /// The store, connected now if it was not. A failure is not kept: the next use tries again.
    pub(crate) async fn store(&self) -> Result<&Arc<dyn DynOfflineStore>> {
        self.store
            .get_or_try_init(|| async {
                match &self.backend {
                    Some((registration, fields, context)) => (registration.connect)(fields, context).await,
                    None => Err(not_compiled_in(&self.key)),
                }
            })
            .await
    }

    pub(super) fn if_connected(&self) -> Option<&Arc<dyn DynOfflineStore>> {
        self.store.get()
    }

    pub(super) fn served_by(&self) -> Option<String> {
        match &self.backend {
            Some((registration, ..)) => Some(format!(
                "{} {}",
                registration.crate_name(),
                registration.crate_version()
            )),
            None => self.store.initialized().then(|| "given by the application".to_owned()),
        }
    }
}

fn not_compiled_in(key: &str) -> crate::Error {
    match find_backend(key) {
        Err(error) => error,
        // The inventory is fixed at link time, so what was missing once stays missing.
        Ok(_) => crate::Error::new(
            crate::ErrorKind::Unexpected,
            format!("store `{key}` appeared after it was missing"),
        ),
    }
}
