use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_http_client::{Builder, tls};
use hybrid_core::async_trait;
use hybrid_core::error::with_causes;
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use tokio::sync::Mutex;

use crate::RedshiftConfig;

/// Credentials are renewed so long before they expire.
const MARGIN: Duration = Duration::from_secs(300);

/// AWS's own chain of credentials for both services, kept until shortly before they expire.
#[derive(Clone)]
pub(crate) struct Chain {
    provider: Option<SharedCredentialsProvider>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    credentials: Option<Credentials>,
    /// Why there are none, as it was first told: a profile that cannot be read tells its reason only once.
    problem: Option<String>,
}

/// The settings of AWS that the configuration, the environment and the profile give.
pub(crate) async fn settings(config: &RedshiftConfig) -> aws_config::SdkConfig {
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let http = Builder::new().tls_provider(provider).build_https();
    let region = Region::new(config.region.clone());
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.clone())
        .region(region.clone());
    if let Some(profile) = &config.profile {
        // In the chain the environment's keys would come before the profile that was asked for.
        let place = ProviderConfig::default()
            .with_http_client(http)
            .with_region(Some(region));
        let named = ProfileFileCredentialsProvider::builder()
            .profile_name(profile)
            .configure(&place)
            .build();
        loader = loader.profile_name(profile).credentials_provider(named);
    }
    loader.load().await
}

impl Chain {
    pub(crate) fn new(settings: &aws_config::SdkConfig) -> Self {
        Self {
            provider: settings.credentials_provider(),
            kept: Arc::default(),
        }
    }

    /// The next request asks the chain anew: a server has called the credentials expired.
    pub(crate) async fn forget(&self) {
        self.kept.lock().await.credentials = None;
    }

    async fn current(&self) -> Result<Credentials, CredentialsError> {
        // Those who ask at once wait for one answer.
        let mut kept = self.kept.lock().await;
        if let Some(found) = kept.credentials.as_ref().filter(|found| counts(found, MARGIN)) {
            return Ok(found.clone());
        }
        let provider = self.provider.as_ref();
        let provider = provider.ok_or_else(CredentialsError::not_loaded_no_source)?;
        match provider.provide_credentials().await {
            Ok(found) => {
                kept.problem = None;
                Ok(kept.credentials.insert(found).clone())
            }
            Err(error) => {
                if let Some(found) = kept.credentials.as_ref().filter(|found| counts(found, Duration::ZERO)) {
                    // They are renewed early, so that a source may be away for a moment.
                    return Ok(found.clone());
                }
                let problem = kept.problem.get_or_insert_with(|| with_causes(&error));
                Err(CredentialsError::provider_error(problem.clone()))
            }
        }
    }
}

/// Whether they do not expire for so long.
fn counts(credentials: &Credentials, margin: Duration) -> bool {
    credentials
        .expiry()
        .is_none_or(|expiry| expiry > SystemTime::now() + margin)
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chain([redacted])")
    }
}

impl ProvideCredentials for Chain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.current())
    }
}

#[async_trait]
impl CredentialProvider for Chain {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let found = self
            .current()
            .await
            .map_err(|error| object_store::Error::Unauthenticated {
                path: String::new(),
                source: Box::new(error),
            })?;
        Ok(Arc::new(AwsCredential {
            key_id: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            token: found.session_token().map(str::to_owned),
        }))
    }
}
