//! One client per store, bucket and endpoint: it holds the connections and the credentials.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use hybrid_core::{Error, ErrorKind, Result};
use object_store::client::CredentialProvider;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};

use super::address::Address;
use super::error::{no_credentials, settings_error};
use crate::location::Scheme;

/// Credentials that take longer than this are not there: nobody answers at the machine's metadata address.
const CREDENTIALS: Duration = Duration::from_secs(10);

/// Scheme and bucket, and the endpoint.
type Key = (String, Option<String>);

static CLIENTS: LazyLock<Mutex<HashMap<Key, Arc<dyn ObjectStore>>>> = LazyLock::new(Mutex::default);

/// A client that was made, and what finds out whether it has credentials.
pub(super) struct Made {
    pub store: Arc<dyn ObjectStore>,
    pub credentials: BoxFuture<'static, object_store::Result<()>>,
}

/// The client of a bucket, made with the first call. It must run on the requests' own runtime.
pub(super) async fn client(scheme: Scheme, address: &Address, endpoint: Option<&str>) -> Result<Arc<dyn ObjectStore>> {
    let endpoint = endpoint.filter(|endpoint| !endpoint.is_empty());
    let key = (address.root.clone(), endpoint.map(str::to_owned));
    let known = || CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = known().get(&key) {
        return Ok(Arc::clone(client));
    }
    let made = made(scheme, address, endpoint)?;
    match tokio::time::timeout(CREDENTIALS, made.credentials).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(no_credentials(scheme, &address.url, Some(&error))),
        Err(_) => return Err(no_credentials(scheme, &address.url, None)),
    }
    Ok(Arc::clone(known().entry(key).or_insert(made.store)))
}

fn made(scheme: Scheme, address: &Address, endpoint: Option<&str>) -> Result<Made> {
    if let Some(endpoint) = endpoint {
        check_endpoint(scheme, endpoint)?;
    }
    let made = match scheme {
        #[cfg(feature = "s3")]
        Scheme::S3 => s3(object_store::aws::AmazonS3Builder::from_env(), address, endpoint),
        #[cfg(feature = "gcs")]
        Scheme::Gcs => gcs(address),
        #[cfg(feature = "azure")]
        Scheme::Azure => azure(address),
        #[cfg(not(all(feature = "s3", feature = "gcs", feature = "azure")))]
        other => {
            let message = format!(
                "`{}`: this program was built without the feature `{}`",
                address.url,
                other.feature().0
            );
            return Err(crate::error::unsupported(message));
        }
    };
    made.map_err(|error| settings_error(scheme, &address.url, &error))
}

fn check_endpoint(scheme: Scheme, endpoint: &str) -> Result<()> {
    let wrong = |message: &str| Err(Error::new(ErrorKind::Definition, message));
    if scheme != Scheme::S3 {
        return wrong("s3_endpoint_override is for s3:// alone");
    }
    // Not shown: there may be a password in it.
    if endpoint.contains('@') {
        return wrong("s3_endpoint_override holds credentials: give them by environment variables (AWS_ACCESS_KEY_ID)");
    }
    if endpoint.starts_with("https://") || endpoint.starts_with("http://") {
        return Ok(());
    }
    wrong(&format!(
        "s3_endpoint_override `{endpoint}` does not start with https:// or http://"
    ))
}

#[cfg(feature = "s3")]
pub(super) fn s3(
    builder: object_store::aws::AmazonS3Builder,
    address: &Address,
    endpoint: Option<&str>,
) -> object_store::Result<Made> {
    use object_store::aws::AmazonS3ConfigKey as Setting;
    let mut builder = builder.with_bucket_name(&address.bucket).with_retry(retries());
    if let Some(endpoint) = endpoint {
        builder = builder
            .with_config(Setting::S3Endpoint, endpoint)
            .with_virtual_hosted_style_request(false);
        if endpoint.starts_with("http://") {
            builder = builder.with_allow_http(true);
        }
    }
    let anonymous = builder.get_config_value(&Setting::SkipSignature);
    let store = builder.build()?;
    let credentials = checked(anonymous, store.credentials());
    Ok(Made {
        store: Arc::new(store),
        credentials,
    })
}

#[cfg(feature = "gcs")]
fn gcs(address: &Address) -> object_store::Result<Made> {
    use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
    let builder = GoogleCloudStorageBuilder::from_env()
        .with_bucket_name(&address.bucket)
        .with_retry(retries());
    let anonymous = builder.get_config_value(&GoogleConfigKey::SkipSignature);
    let store = builder.build()?;
    let credentials = checked(anonymous, store.credentials());
    Ok(Made {
        store: Arc::new(store),
        credentials,
    })
}

#[cfg(feature = "azure")]
fn azure(address: &Address) -> object_store::Result<Made> {
    use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
    let builder = MicrosoftAzureBuilder::from_env()
        .with_url(format!("{}/", address.root))
        .with_retry(retries());
    let anonymous = builder.get_config_value(&AzureConfigKey::SkipSignature);
    let store = builder.build()?;
    let credentials = checked(anonymous, store.credentials());
    Ok(Made {
        store: Arc::new(store),
        credentials,
    })
}

fn checked<C: Send + Sync + std::fmt::Debug + 'static>(
    anonymous: Option<String>,
    provider: &Arc<dyn CredentialProvider<Credential = C>>,
) -> BoxFuture<'static, object_store::Result<()>> {
    let provider = Arc::clone(provider);
    Box::pin(async move {
        if anonymous.as_deref() == Some("true") {
            return Ok(());
        }
        provider.get_credential().await.map(drop)
    })
}

/// A server that is gone is given up after some ten seconds, one that never answers after about 90.
fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        },
        max_retries: 6,
        retry_timeout: Duration::from_secs(60),
    }
}
