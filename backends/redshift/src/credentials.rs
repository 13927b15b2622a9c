use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_http_client::{Builder, tls};
use hybrid_core::async_trait;
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use tokio::sync::Mutex;

use crate::RedshiftConfig;

/// Credentials are renewed so long before they expire.
const MARGIN: Duration = Duration::from_secs(300);
/// How long after a renewal that failed the next one is tried.
const PAUSE: Duration = Duration::from_secs(10);

/// AWS's own chain of credentials for both services, kept until shortly before they expire.
#[derive(Clone)]
pub(crate) struct Chain {
    config: Arc<RedshiftConfig>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    /// Reads files once, and tells once what is wrong with them: made anew where that was of no use.
    provider: Option<SharedCredentialsProvider>,
    credentials: Option<Credentials>,
    /// When a renewal failed last.
    failed: Option<Instant>,
    /// When credentials last gave way to others.
    replaced: Option<Instant>,
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
    pub(crate) fn new(settings: &aws_config::SdkConfig, config: &RedshiftConfig) -> Self {
        let kept = Kept {
            provider: settings.credentials_provider(),
            ..Kept::default()
        };
        Self {
            config: Arc::new(config.clone()),
            kept: Arc::new(Mutex::new(kept)),
        }
    }

    /// The next request asks the chain anew: a server has called the credentials of a request expired that was begun at
    /// `asked`. Those that have come since are others, and stay.
    pub(crate) async fn forget(&self, asked: Instant) {
        let mut kept = self.kept.lock().await;
        if kept.replaced.is_none_or(|replaced| replaced <= asked) {
            kept.replaced = Some(Instant::now());
            (kept.provider, kept.credentials) = (None, None);
        }
    }

    async fn current(&self) -> Result<Credentials, CredentialsError> {
        // Those who ask at once wait for one answer.
        let mut kept = self.kept.lock().await;
        if let Some(found) = kept.usable() {
            return Ok(found.clone());
        }
        let error = match self.renewed(&mut kept).await {
            Ok(found) => {
                kept.failed = None;
                if kept.credentials.is_some() {
                    kept.replaced = Some(Instant::now());
                }
                return Ok(kept.credentials.insert(found).clone());
            }
            Err(error) => error,
        };
        kept.failed = Some(Instant::now());
        if let Some(found) = kept.usable() {
            return Ok(found.clone());
        }
        kept.provider = None;
        Err(error)
    }

    async fn renewed(&self, kept: &mut Kept) -> Result<Credentials, CredentialsError> {
        if kept.provider.is_none() {
            kept.provider = settings(&self.config).await.credentials_provider();
        }
        let provider = kept.provider.as_ref();
        let provider = provider.ok_or_else(CredentialsError::not_loaded_no_source)?;
        provider.provide_credentials().await
    }
}

impl Kept {
    /// What needs no renewal now. They are renewed early, so that their source may be away for a moment.
    fn usable(&self) -> Option<&Credentials> {
        let has_failed = self.failed.is_some_and(|failed| failed.elapsed() < PAUSE);
        let margin = if has_failed { Duration::ZERO } else { MARGIN };
        self.credentials.as_ref().filter(|found| counts(found, margin))
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use hybrid_core::error::with_causes;

    use super::*;

    /// A source of credentials that is away, and counts who asks.
    #[derive(Debug, Default)]
    struct Away(AtomicUsize);

    impl ProvideCredentials for Away {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            self.0.fetch_add(1, Ordering::Relaxed);
            future::ProvideCredentials::ready(Err(CredentialsError::provider_error("away")))
        }
    }

    fn valid_for(seconds: u64) -> Option<Credentials> {
        let expiry = SystemTime::now() + Duration::from_secs(seconds);
        Some(Credentials::new("AKIDOLD", "secret", None, Some(expiry), "test"))
    }

    fn chain(provider: SharedCredentialsProvider, credentials: Option<Credentials>) -> Chain {
        let kept = Kept {
            provider: Some(provider),
            credentials,
            ..Kept::default()
        };
        Chain {
            config: Arc::new(RedshiftConfig::workgroup("r", "w", "d", "s3://b")),
            kept: Arc::new(Mutex::new(kept)),
        }
    }

    fn giving(key: &str) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(Credentials::new(key, "secret", None, None, "test"))
    }

    async fn current_key(chain: &Chain) -> String {
        chain.current().await.unwrap().access_key_id().to_owned()
    }

    async fn is_forgotten(chain: &Chain) -> bool {
        chain.kept.lock().await.credentials.is_none()
    }

    #[tokio::test]
    async fn fresh_credentials_outlive_requests_that_failed_with_the_old_ones() {
        let asked = Instant::now();
        // The first ones come with the first request, and are its own.
        let chain = chain(giving("AKIDOLD"), None);
        assert_eq!(current_key(&chain).await, "AKIDOLD");
        chain.forget(asked).await;
        assert!(is_forgotten(&chain).await, "the credentials that a server refused stay");
        chain.kept.lock().await.provider = Some(giving("AKIDNEW"));
        assert_eq!(current_key(&chain).await, "AKIDNEW");
        chain.forget(asked).await;
        assert!(!is_forgotten(&chain).await, "fresh credentials are thrown away");
        chain.forget(Instant::now()).await;
        assert!(is_forgotten(&chain).await);
    }

    #[tokio::test]
    async fn credentials_renewed_in_time_outlive_requests_that_failed_before() {
        let (asked, chain) = (Instant::now(), chain(giving("AKIDNEW"), valid_for(120)));
        assert_eq!(current_key(&chain).await, "AKIDNEW");
        chain.forget(asked).await;
        assert!(!is_forgotten(&chain).await, "fresh credentials are thrown away");
    }

    #[tokio::test]
    async fn what_is_still_valid_outlives_a_renewal_that_fails() {
        let away = Arc::new(Away::default());
        let source: Arc<dyn ProvideCredentials> = away.clone();
        let chain = chain(source.into(), valid_for(120));
        for _ in 0..3 {
            assert_eq!(chain.current().await.unwrap().access_key_id(), "AKIDOLD");
            assert_eq!(chain.get_credential().await.unwrap().key_id, "AKIDOLD");
        }
        assert_eq!(away.0.load(Ordering::Relaxed), 1, "asked again at once");
        chain.kept.lock().await.failed = Instant::now().checked_sub(PAUSE);
        chain.current().await.unwrap();
        assert_eq!(away.0.load(Ordering::Relaxed), 2, "not asked again");
        chain.kept.lock().await.credentials = valid_for(0);
        let error = chain.current().await.unwrap_err();
        assert_eq!(away.0.load(Ordering::Relaxed), 3);
        assert!(with_causes(&error).contains("away"), "{error}");
    }
}
