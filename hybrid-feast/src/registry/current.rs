//! The definitions of one project as they are now: looked at on each request, read when they changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::BoxFuture;
use hybrid_core::config::RepoConfig;
use hybrid_core::{Error, ErrorKind, FeatureRegistry, Result};
use tokio::sync::{Mutex, OnceCell};

use super::backing::{Backing, Loaded, Version, backing};
use super::document::Document;
use super::on_demand::{self, OnDemandView};
use super::permission::{self, Permissions};
use super::read::read;
use crate::blocking::blocking;

/// What a registry held at some version: all of it belongs together.
pub struct Snapshot {
    registry: Arc<FeatureRegistry>,
    permissions: Arc<Permissions>,
    on_demand: Arc<BTreeMap<String, OnDemandView>>,
    projects: Vec<String>,
    missing: Option<String>,
}

impl Snapshot {
    /// The definitions; none where there is no registry yet.
    pub fn registry(&self) -> &Arc<FeatureRegistry> {
        &self.registry
    }

    /// The Permission objects.
    pub fn permissions(&self) -> &Arc<Permissions> {
        &self.permissions
    }

    /// The on-demand feature views, by name.
    pub fn on_demand(&self) -> &Arc<BTreeMap<String, OnDemandView>> {
        &self.on_demand
    }

    /// The names of all projects.
    pub(crate) fn projects(&self) -> &[String] {
        &self.projects
    }

    /// It itself, where there is a registry.
    ///
    /// # Errors
    /// NotFound, where nobody has made one.
    pub(crate) fn existing(self: Arc<Self>) -> Result<Arc<Self>> {
        match &self.missing {
            None => Ok(self),
            Some(why) => Err(Error::new(ErrorKind::NotFound, why)
                .with_help("correct `registry` in feature_store.yaml, or run `hybrid apply` or `feast apply`")),
        }
    }
}

/// A registry, and what it held when it was last looked at.
pub(crate) struct Current {
    config: RepoConfig,
    backing: OnceCell<Arc<dyn Backing>>,
    /// How many requests have come so far.
    came: AtomicU64,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// How many requests had come when it was last looked at.
    came: u64,
    version: Option<Version>,
    snapshot: Option<Arc<Snapshot>>,
    failure: Option<Error>,
}

impl Current {
    pub(crate) fn new(config: &RepoConfig) -> Self {
        Self {
            config: config.clone(),
            backing: OnceCell::new(),
            came: AtomicU64::new(0),
            seen: Mutex::default(),
        }
    }

    /// Where the definitions are kept.
    pub(crate) async fn backing(&self) -> Result<Arc<dyn Backing>> {
        // Certificates may have to be read.
        let open = || {
            let config = self.config.clone();
            blocking(move || backing(&config))
        };
        Ok(Arc::clone(self.backing.get_or_try_init(open).await?))
    }

    /// All that is there now, for who throws it away.
    pub(crate) async fn document(&self) -> Result<Document> {
        let loaded = self.backing().await?.load(None).await?;
        Ok(loaded.ok_or_else(unread)?.document)
    }

    /// What is there now. Requests that come while someone is looking wait for the next look, and share it.
    pub(crate) fn get(&self) -> BoxFuture<'_, Result<Arc<Snapshot>>> {
        // Boxed, so that other crates do not compile it again.
        Box::pin(self.latest())
    }

    async fn latest(&self) -> Result<Arc<Snapshot>> {
        let mine = self.came.fetch_add(1, Ordering::SeqCst) + 1;
        let mut seen = self.seen.lock().await;
        if seen.came < mine {
            let came = self.came.load(Ordering::SeqCst);
            let looked = self.look(&mut seen).await;
            seen.failure = looked.err();
            seen.came = came;
        }
        match (&seen.failure, &seen.snapshot) {
            (None, Some(snapshot)) => Ok(Arc::clone(snapshot)),
            (Some(error), _) => Err(again(error)),
            (None, None) => Err(unread()),
        }
    }

    async fn look(&self, seen: &mut Seen) -> Result<()> {
        let Some(loaded) = self.backing().await?.load(seen.version.as_ref()).await? else {
            return Ok(());
        };
        let version = loaded.version.clone();
        let project = self.config.project.clone();
        seen.snapshot = Some(blocking(move || snapshot(&loaded, &project)).await?);
        seen.version = version;
        Ok(())
    }
}

fn unread() -> Error {
    Error::new(ErrorKind::Unexpected, "the registry was not read")
}

fn snapshot(loaded: &Loaded, project: &str) -> Result<Arc<Snapshot>> {
    Ok(Arc::new(Snapshot {
        registry: Arc::new(read(&loaded.document, project)?),
        permissions: Arc::new(permission::read(&loaded.document, project)?),
        on_demand: Arc::new(on_demand::read(&loaded.document, project)?),
        projects: loaded.document.projects()?,
        missing: loaded.missing.clone(),
    }))
}

/// The same error for another request.
fn again(error: &Error) -> Error {
    let mut copy = Error::new(error.kind(), error.message());
    if let Some(cause) = std::error::Error::source(error) {
        copy = copy.with_cause(told(cause));
    }
    for help in error.help() {
        copy = copy.with_help(help);
    }
    if error.is_retryable() { copy.retryable() } else { copy }
}

/// What an error and its causes say.
fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut told = error.to_string();
    // Our own errors tell their causes themselves.
    let mut next = error.source().filter(|_| !error.is::<Error>());
    while let Some(cause) = next {
        told = format!("{told}: {cause}");
        next = cause.source();
    }
    told
}
