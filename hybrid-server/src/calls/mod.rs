//! The calls of the protocol over a feature store: what a command asks for, done.

mod columns;
mod frame;
mod historical;
mod log;
mod on_demand;
mod persist;
mod pull;
mod retrieved;
mod selection;
mod sources;
mod type_names;
mod write;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hybrid_core::{BatchStream, Error, ErrorKind, FeatureRegistry, FeatureView, Result, Source};
use hybrid_feast::{Action, FeatureStore, OnDemandView, Permissions, Resource, ResourceKind};

use crate::auth::Identity;
use crate::command::{Command, Retrieval};
use crate::status::{FeastClass, as_feast};
use crate::worker::Workers;

/// A feature store, and what its callers may use of this machine.
pub(crate) struct Calls {
    store: FeatureStore,
    limits: Limits,
    /// What runs on-demand feature views.
    workers: Option<Workers>,
}

/// What one call may use.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Bytes that a frame, or an answer, takes in memory before it goes into temporary files.
    pub(crate) memory: usize,
    /// Whether callers have said who they are, so that Feast's permissions hold for them.
    pub(crate) permissions: bool,
    /// The folders whose files callers may name without their being registered; any where it is absent.
    pub(crate) folders: Option<Vec<PathBuf>>,
}

/// One call at work: the definitions as they were when it began.
struct Desk<'a> {
    calls: &'a Calls,
    who: &'a Identity,
    registry: Arc<FeatureRegistry>,
    /// Feast's Permission objects; none where callers are not asked who they are.
    permissions: Option<Arc<Permissions>>,
    /// The on-demand feature views, by name.
    on_demand: Arc<BTreeMap<String, OnDemandView>>,
    /// What is left of its time.
    left: Option<Duration>,
}

impl Calls {
    pub(crate) fn new(store: FeatureStore, limits: Limits, workers: Option<Workers>) -> Self {
        Self { store, limits, workers }
    }

    async fn desk<'a>(&'a self, who: &'a Identity, left: Option<Duration>) -> Result<Desk<'a>> {
        // One look at the registry serves all of the call.
        let snapshot = self.store.snapshot().await?;
        Ok(Desk {
            calls: self,
            who,
            registry: Arc::clone(snapshot.registry()),
            permissions: self.limits.permissions.then(|| Arc::clone(snapshot.permissions())),
            on_demand: Arc::clone(snapshot.on_demand()),
            left,
        })
    }

    /// Does a call that rows come back from.
    ///
    /// # Errors
    /// What is wrong with the command or its frame; what the stores give.
    pub(crate) async fn answer(
        &self,
        who: &Identity,
        command: Command,
        rows: Option<BatchStream>,
        left: Option<Duration>,
    ) -> Result<BatchStream> {
        let desk = self.desk(who, left).await?;
        match command {
            Command::Retrieve(Retrieval::Historical(command)) => {
                desk.historical(command, rows).await?.stream(self).await
            }
            Command::Retrieve(Retrieval::Latest(command)) => desk.pull_latest(command).await,
            Command::Retrieve(Retrieval::All(command)) => desk.pull_all(command).await,
            Command::Columns(source) => desk.columns(&source).await,
            other => {
                let message = format!("`{}` gives no rows: it is sent with DoPut", other.name());
                Err(Error::new(ErrorKind::Unsupported, message))
            }
        }
    }

    /// Does a call that changes something or looks at it, and gives nothing back.
    ///
    /// # Errors
    /// As [`answer`](Self::answer); nothing is written then.
    pub(crate) async fn act(
        &self,
        who: &Identity,
        command: Command,
        rows: Option<BatchStream>,
        left: Option<Duration>,
    ) -> Result<()> {
        let desk = self.desk(who, left).await?;
        match command {
            Command::Write(command) => desk.write(&command, rows).await,
            Command::Log(command) => desk.log(&command, rows).await,
            Command::Validate(source) => desk.validate(&source).await,
            Command::Persist(command) => desk.persist(command, rows).await,
            other => {
                let message = format!("`{}` gives rows, which are fetched", other.name());
                Err(Error::new(ErrorKind::Unsupported, message))
            }
        }
    }
}

impl Desk<'_> {
    /// Refuses what the caller may not do with a view.
    fn may_view(&self, view: &FeatureView, action: Action) -> Result<()> {
        match &self.permissions {
            Some(permissions) => self.may(permissions, &permissions.view(view), action),
            None => Ok(()),
        }
    }

    /// Refuses what the caller may not do with a source, registered or not.
    fn may_source(&self, source: &Source, action: Action) -> Result<()> {
        let resource = Resource {
            kind: ResourceKind::DataSource,
            name: &source.name,
            tags: &source.tags,
        };
        self.may_resource(&resource, action)
    }

    fn may_resource(&self, resource: &Resource<'_>, action: Action) -> Result<()> {
        match &self.permissions {
            Some(permissions) => self.may(permissions, resource, action),
            None => Ok(()),
        }
    }

    fn may(&self, permissions: &Permissions, resource: &Resource<'_>, action: Action) -> Result<()> {
        let checked = permissions.check(self.who, resource, action);
        checked.map_err(|error| as_feast(error, FeastClass::Permission))
    }
}
