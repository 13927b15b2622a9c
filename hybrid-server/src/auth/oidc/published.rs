use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hybrid_core::{Error, Result};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::fetch::unavailable;
use super::source::{Issuer, Source};

/// How long keys that do not do are kept before they are fetched again.
const PAUSE: Duration = Duration::from_secs(30);
/// The same while there are none at all.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// What an issuer publishes, kept. One fetch runs at a time; what is there serves until it has ended.
pub(super) struct Published {
    source: Source,
    lifetime: Duration,
    held: Mutex<Option<Held>>,
    attempt: Arc<AsyncMutex<Attempt>>,
}

#[derive(Clone)]
struct Held {
    issuer: Arc<Issuer>,
    fetched: Instant,
}

/// The last fetch, whoever began it.
#[derive(Default)]
struct Attempt {
    began: Option<Instant>,
    failure: Option<String>,
}

impl Published {
    pub(super) fn new(source: Source, lifetime: Duration) -> Self {
        Self {
            source,
            lifetime,
            held: Mutex::new(None),
            attempt: Arc::default(),
        }
    }

    /// What is known of the issuer; fetched where that is nothing. What is old is fetched again
    /// behind the scenes, and stays good when that fails.
    ///
    /// # Errors
    /// Unavailable, when there is nothing and it cannot be fetched.
    pub(super) async fn current(self: &Arc<Self>) -> Result<Arc<Issuer>> {
        let Some(held) = self.held() else {
            return self.fetched(None).await;
        };
        if held.fetched.elapsed() > self.lifetime {
            self.renew();
        }
        Ok(held.issuer)
    }

    /// What is known after `seen` did not do.
    ///
    /// # Errors
    /// Unavailable, when the last fetch failed.
    pub(super) async fn after(self: &Arc<Self>, seen: Arc<Issuer>) -> Result<Arc<Issuer>> {
        self.fetched(Some(seen)).await
    }

    /// Runs to its end even if the caller goes away: who calls and hangs up does not use up the
    /// fetch that others wait for.
    async fn fetched(self: &Arc<Self>, seen: Option<Arc<Issuer>>) -> Result<Arc<Issuer>> {
        let this = self.clone();
        let task = tokio::spawn(async move {
            let attempt = this.attempt.clone().lock_owned().await;
            this.fetch(attempt, seen).await
        });
        task.await
            .unwrap_or_else(|_| Err(unavailable("the fetch of the issuer's keys ended early")))
    }

    fn renew(self: &Arc<Self>) {
        let Ok(attempt) = self.attempt.clone().try_lock_owned() else {
            return;
        };
        if !self.is_too_soon(&attempt) {
            let (this, seen) = (self.clone(), self.held().map(|held| held.issuer));
            tokio::spawn(async move { this.fetch(attempt, seen).await });
        }
    }

    async fn fetch(&self, mut attempt: OwnedMutexGuard<Attempt>, seen: Option<Arc<Issuer>>) -> Result<Arc<Issuer>> {
        let held = self.held();
        // Somebody else has fetched meanwhile.
        if let Some(held) = &held
            && !seen.is_some_and(|seen| Arc::ptr_eq(&seen, &held.issuer))
        {
            return Ok(held.issuer.clone());
        }
        if !self.is_too_soon(&attempt) {
            attempt.began = Some(Instant::now());
            let loaded = self.source.load().await;
            attempt.failure = loaded.as_ref().err().map(|error| error.message().to_owned());
            if let Ok(issuer) = loaded {
                return Ok(self.hold(issuer));
            }
            tracing::warn!(error = attempt.failure, "the keys of the OIDC issuer cannot be fetched");
        }
        match (&attempt.failure, held) {
            (None, Some(held)) => Ok(held.issuer),
            (failure, _) => Err(without_keys(failure.as_deref().unwrap_or("not tried yet"))),
        }
    }

    fn is_too_soon(&self, attempt: &Attempt) -> bool {
        let pause = if self.held().is_some() { PAUSE } else { FIRST_PAUSE };
        attempt.began.is_some_and(|began| began.elapsed() < pause)
    }

    /// As if the pause were over.
    #[cfg(test)]
    pub(super) async fn pass(&self) {
        self.attempt.lock().await.began = None;
    }

    fn hold(&self, issuer: Issuer) -> Arc<Issuer> {
        let issuer = Arc::new(issuer);
        let held = Held {
            issuer: issuer.clone(),
            fetched: Instant::now(),
        };
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        issuer
    }

    fn held(&self) -> Option<Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether a token is good cannot be told without keys.
fn without_keys(reason: &str) -> Error {
    unavailable(format!("the keys of the OIDC issuer cannot be fetched: {reason}"))
}
