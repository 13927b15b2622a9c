use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use hybrid_core::Result;
use object_store::{BackoffConfig, ClientConfigKey, ClientOptions, CredentialProvider, ObjectStore, RetryConfig};

use crate::address::{Address, Kind};
use crate::error::{no_client, no_credentials};

/// Credentials that take longer than this are not there: nobody answers at the machine's metadata address.
const CREDENTIALS: Duration = Duration::from_secs(10);

/// So long an upload may wait for its answer.
const UPLOAD: &str = "5 minutes";

/// What a client is for: how long it waits for an answer goes by that, unless the environment says how long (`AWS_TIMEOUT`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Requests of which none is long under way: each is answered after half a minute.
    Requests,
    /// Also large bodies, some of which may share a slow line: each is there after five minutes.
    Uploads,
}

impl Purpose {
    /// The timeout in the place of the one that a client has.
    fn timeout(self, has: Option<&str>) -> Option<&'static str> {
        let unset = ClientOptions::new().get_config_value(&ClientConfigKey::Timeout);
        (self == Self::Uploads && has == unset.as_deref()).then_some(UPLOAD)
    }
}

/// Finds out whether there are credentials.
type Asking = Box<dyn Fn() -> BoxFuture<'static, object_store::Result<()>> + Send + Sync>;

/// The client of a bucket: it holds the connections, which belong to the runtime that they were opened on, and the
/// credentials.
pub struct Client {
    /// What takes the requests.
    pub store: Arc<dyn ObjectStore>,
    /// Absent where requests are not signed.
    credentials: Option<Asking>,
}

impl Client {
    /// The client of an address's bucket, with credentials and settings from the environment; `endpoint`: of S3, where it is
    /// not the environment's.
    ///
    /// # Errors
    /// Config for settings that do not go together; Unsupported for a store that is not compiled in.
    #[cfg_attr(not(feature = "s3"), allow(unused_variables))]
    pub fn new(address: &Address, endpoint: Option<&str>, purpose: Purpose) -> Result<Self> {
        let made = match address.kind {
            #[cfg(feature = "s3")]
            Kind::S3 => Self::s3(
                object_store::aws::AmazonS3Builder::from_env(),
                address,
                endpoint,
                purpose,
            ),
            #[cfg(feature = "gcs")]
            Kind::Gcs => gcs(address, purpose),
            #[cfg(feature = "azure")]
            Kind::Azure => azure(address, purpose),
            #[cfg(not(all(feature = "s3", feature = "gcs", feature = "azure")))]
            other => return Err(crate::error::not_compiled_in(address, other)),
        };
        made.map_err(|error| no_client(address, &error))
    }

    /// A client that needs no credentials.
    pub fn without_credentials(store: Arc<dyn ObjectStore>) -> Self {
        Self {
            store,
            credentials: None,
        }
    }

    /// The client of a bucket of S3, with what a builder knows of credentials and settings.
    ///
    /// # Errors
    /// What the builder says of settings that do not go together.
    #[cfg(feature = "s3")]
    pub fn s3(
        builder: object_store::aws::AmazonS3Builder,
        address: &Address,
        endpoint: Option<&str>,
        purpose: Purpose,
    ) -> object_store::Result<Self> {
        use object_store::aws::AmazonS3ConfigKey as Setting;
        let mut builder = builder.with_bucket_name(&address.bucket).with_retry(retries(purpose));
        if let Some(endpoint) = endpoint {
            builder = builder
                .with_config(Setting::S3Endpoint, endpoint)
                .with_virtual_hosted_style_request(false);
            if endpoint.starts_with("http://") {
                builder = builder.with_allow_http(true);
            }
        }
        let key = Setting::Client(ClientConfigKey::Timeout);
        if let Some(timeout) = purpose.timeout(builder.get_config_value(&key).as_deref()) {
            builder = builder.with_config(key, timeout);
        }
        let anonymous = builder.get_config_value(&Setting::SkipSignature);
        let store = builder.build()?;
        let provider = Arc::clone(store.credentials());
        Ok(signing(Arc::new(store), anonymous.as_deref(), provider))
    }

    /// Whether there are credentials for an address.
    ///
    /// # Errors
    /// Unauthenticated where there are none.
    pub async fn check(&self, address: &Address) -> Result<()> {
        let Some(ask) = &self.credentials else {
            return Ok(());
        };
        let error = match tokio::time::timeout(CREDENTIALS, ask()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        Err(no_credentials(address, error.as_ref()))
    }
}

#[cfg(feature = "gcs")]
fn gcs(address: &Address, purpose: Purpose) -> object_store::Result<Client> {
    use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
    let mut builder = GoogleCloudStorageBuilder::from_env()
        .with_bucket_name(&address.bucket)
        .with_retry(retries(purpose));
    let key = GoogleConfigKey::Client(ClientConfigKey::Timeout);
    if let Some(timeout) = purpose.timeout(builder.get_config_value(&key).as_deref()) {
        builder = builder.with_config(key, timeout);
    }
    let anonymous = builder.get_config_value(&GoogleConfigKey::SkipSignature);
    let store = builder.build()?;
    let provider = Arc::clone(store.credentials());
    Ok(signing(Arc::new(store), anonymous.as_deref(), provider))
}

#[cfg(feature = "azure")]
fn azure(address: &Address, purpose: Purpose) -> object_store::Result<Client> {
    use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
    let mut builder = MicrosoftAzureBuilder::from_env()
        .with_url(format!("{}/", address.root))
        .with_retry(retries(purpose));
    let key = AzureConfigKey::Client(ClientConfigKey::Timeout);
    if let Some(timeout) = purpose.timeout(builder.get_config_value(&key).as_deref()) {
        builder = builder.with_config(key, timeout);
    }
    let anonymous = builder.get_config_value(&AzureConfigKey::SkipSignature);
    let store = builder.build()?;
    let provider = Arc::clone(store.credentials());
    Ok(signing(Arc::new(store), anonymous.as_deref(), provider))
}

/// A client that signs its requests, except where it is told that it need not.
fn signing<C: Debug + Send + Sync + 'static>(
    store: Arc<dyn ObjectStore>,
    anonymous: Option<&str>,
    provider: Arc<dyn CredentialProvider<Credential = C>>,
) -> Client {
    if anonymous.is_some_and(is_on) {
        return Client::without_credentials(store);
    }
    let ask: Asking = Box::new(move || {
        let provider = Arc::clone(&provider);
        async move { provider.get_credential().await.map(drop) }.boxed()
    });
    Client {
        store,
        credentials: Some(ask),
    }
}

/// Whether a setting of the environment is on, as the clients read them.
fn is_on(setting: &str) -> bool {
    matches!(setting.to_ascii_lowercase().as_str(), "1" | "true" | "on" | "yes" | "y")
}

/// A server that is gone is given up after some ten seconds, one that never answers after about 90; where a client is for
/// [uploads](Purpose::Uploads), after five minutes.
fn retries(purpose: Purpose) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        },
        max_retries: 6,
        // What took longer, most of it waiting for an answer, is not sent again.
        retry_timeout: match purpose {
            Purpose::Requests => Duration::from_secs(60),
            Purpose::Uploads => Duration::from_secs(240),
        },
    }
}

#[cfg(test)]
mod tests;
