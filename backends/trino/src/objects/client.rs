use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use hybrid_core::Result;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{BackoffConfig, CredentialProvider, ObjectStore, RetryConfig};

use super::address::{Address, Kind};
use super::error;

/// Finds out whether there are credentials.
type Asking = Box<dyn Fn() -> BoxFuture<'static, object_store::Result<()>> + Send + Sync>;

pub(super) struct Client {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) credentials: Asking,
}

/// The client of a bucket, with what the environment says.
pub(super) fn client(address: &Address, endpoint: Option<&str>) -> Result<Client> {
    let made = match address.kind {
        Kind::S3 => s3(AmazonS3Builder::from_env(), address, endpoint),
        Kind::Gcs => gcs(address),
        Kind::Azure => azure(address),
    };
    made.map_err(|failed| error::settings(address, &failed))
}

pub(super) fn s3(builder: AmazonS3Builder, address: &Address, endpoint: Option<&str>) -> object_store::Result<Client> {
    let mut builder = builder.with_bucket_name(&address.bucket).with_retry(retries());
    if let Some(endpoint) = endpoint {
        builder = builder
            .with_config(AmazonS3ConfigKey::S3Endpoint, endpoint)
            .with_virtual_hosted_style_request(false);
        if endpoint.starts_with("http://") {
            builder = builder.with_allow_http(true);
        }
    }
    let anonymous = builder.get_config_value(&AmazonS3ConfigKey::SkipSignature);
    let store = builder.build()?;
    let credentials = asking(anonymous.as_deref(), store.credentials());
    Ok(Client {
        store: Arc::new(store),
        credentials,
    })
}

fn gcs(address: &Address) -> object_store::Result<Client> {
    let builder = GoogleCloudStorageBuilder::from_env()
        .with_bucket_name(&address.bucket)
        .with_retry(retries());
    let anonymous = builder.get_config_value(&GoogleConfigKey::SkipSignature);
    let store = builder.build()?;
    let credentials = asking(anonymous.as_deref(), store.credentials());
    Ok(Client {
        store: Arc::new(store),
        credentials,
    })
}

fn azure(address: &Address) -> object_store::Result<Client> {
    let builder = MicrosoftAzureBuilder::from_env()
        .with_url(format!("{}/", address.root))
        .with_retry(retries());
    let anonymous = builder.get_config_value(&AzureConfigKey::SkipSignature);
    let store = builder.build()?;
    let credentials = asking(anonymous.as_deref(), store.credentials());
    Ok(Client {
        store: Arc::new(store),
        credentials,
    })
}

fn asking<C: Send + Sync + Debug + 'static>(
    anonymous: Option<&str>,
    provider: &Arc<dyn CredentialProvider<Credential = C>>,
) -> Asking {
    let provider = Some(provider).filter(|_| anonymous != Some("true")).cloned();
    Box::new(move || {
        let provider = provider.clone();
        async move {
            match provider {
                Some(provider) => provider.get_credential().await.map(drop),
                None => Ok(()),
            }
        }
        .boxed()
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
