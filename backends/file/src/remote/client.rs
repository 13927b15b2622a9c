//! One client per store, bucket, endpoint and purpose: it holds the connections and the credentials.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use hybrid_core::{ErrorKind, Result};
use hybrid_objects::{Address, Client, Purpose, check_endpoint};
use object_store::ObjectStore;

/// Scheme and bucket, the endpoint, and what it is for.
type Key = (String, Option<String>, Purpose);

static CLIENTS: LazyLock<Mutex<HashMap<Key, Arc<dyn ObjectStore>>>> = LazyLock::new(Mutex::default);

/// The client of a bucket, made with the first call. It must run on the requests' own runtime.
pub(super) async fn client(
    address: &Address,
    endpoint: Option<&str>,
    purpose: Purpose,
) -> Result<Arc<dyn ObjectStore>> {
    let endpoint = endpoint.filter(|endpoint| !endpoint.is_empty());
    let key = (address.root.clone(), endpoint.map(str::to_owned), purpose);
    let known = || CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = known().get(&key) {
        return Ok(Arc::clone(client));
    }
    if let Some(endpoint) = endpoint {
        check_endpoint(endpoint, Some(address.kind), ErrorKind::Definition)?;
    }
    let made = Client::new(address, endpoint, purpose)?;
    made.check(address).await?;
    Ok(Arc::clone(known().entry(key).or_insert(made.store)))
}
