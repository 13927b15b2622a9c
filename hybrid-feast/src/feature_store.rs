use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use hybrid_core::chrono::{DateTime, Utc};
use hybrid_core::config::RepoConfig;
use hybrid_core::{
    BatchStream, Call, Context, EntityFrame, Error, ErrorKind, FeatureRegistry, FeatureSelection, HybridOfflineStore,
    Pull, Result, RetrievalJob, RetrievalOptions,
};

use crate::apply::{Checked, Prepared, name_sources};
use crate::blocking::{blocking, crashed};
use crate::registry::{Applied, Current, Permissions, Snapshot};

/// A configuration, its registry of definitions, and the stores behind it. Cheap to clone.
#[derive(Clone)]
pub struct FeatureStore(Arc<Inner>);

struct Inner {
    config: RepoConfig,
    stores: HybridOfflineStore,
    current: Current,
}

impl FeatureStore {
    /// Opens the repository in `repo`: reads its feature_store.yaml. The registry is read on each request.
    ///
    /// # Errors
    /// Config, with positions: every problem of feature_store.yaml.
    pub fn open(repo: impl AsRef<Path>) -> Result<Self> {
        Self::new(RepoConfig::load(repo)?)
    }

    /// A feature store over a configuration made by hand.
    ///
    /// # Errors
    /// Config, when a store's configuration is wrong.
    pub fn new(config: RepoConfig) -> Result<Self> {
        let context = Context {
            repo: config.repo.clone(),
            project: config.project.clone(),
        };
        let stores = HybridOfflineStore::new(&config, context)?;
        Ok(Self::with_stores(config, stores))
    }

    /// A feature store over stores that are there already.
    pub fn with_stores(config: RepoConfig, stores: HybridOfflineStore) -> Self {
        let current = Current::new(&config);
        Self(Arc::new(Inner {
            config,
            stores,
            current,
        }))
    }

    /// The configuration.
    pub fn config(&self) -> &RepoConfig {
        &self.0.config
    }

    /// The router over the configured stores.
    pub fn offline_store(&self) -> &HybridOfflineStore {
        &self.0.stores
    }

    /// The definitions as they are in the registry now. A registry file that is not there is empty.
    ///
    /// # Errors
    /// Corrupt, when the file is no registry; NotFound, when the database holds none; Unavailable, when it
    /// cannot be reached; Unsupported, when the file is not on this machine; Config, when the kind of
    /// registry is not compiled in.
    pub async fn registry(&self) -> Result<Arc<FeatureRegistry>> {
        Ok(Arc::clone(self.snapshot().await?.registry()))
    }

    /// All that is in the registry now: definitions, Permission objects, on-demand feature views.
    ///
    /// # Errors
    /// As [`registry`](Self::registry).
    pub async fn snapshot(&self) -> Result<Arc<Snapshot>> {
        self.0.current.get().await?.existing()
    }

    /// Feast's Permission objects as they are in the registry now.
    ///
    /// # Errors
    /// As [`registry`](Self::registry).
    pub async fn permissions(&self) -> Result<Arc<Permissions>> {
        Ok(Arc::clone(self.snapshot().await?.permissions()))
    }

    /// Adds and updates `definitions` in the registry, after inferring absent schemas, types and
    /// timestamp columns from the sources; with `prune`, deletes what is not among them. Views that
    /// only Feast can define stay, and what they use.
    ///
    /// # Errors
    /// Definition, with every problem found; nothing is changed then. Through a registry server also what it says, and
    /// Unexpected for what it did not keep, after some changes; Unsupported for deleting what users with rights of their
    /// own may see otherwise.
    pub fn apply(&self, definitions: FeatureRegistry, prune: bool) -> BoxFuture<'_, Result<Applied>> {
        // Boxed, so that other crates do not compile it again.
        Box::pin(async move {
            let mut prepared = self.prepare(definitions).await?;
            let change = move |document: &mut _| prepared.bring(document, prune);
            self.0.current.backing().await?.update(Box::new(change)).await
        })
    }

    /// All that [`apply`](Self::apply) does, except that nothing is written: every problem for which
    /// it would refuse `definitions`.
    ///
    /// # Errors
    /// What keeps it from checking: definitions of another project, a registry that cannot be read.
    pub fn check(&self, definitions: FeatureRegistry) -> BoxFuture<'_, Result<Checked>> {
        Box::pin(async move {
            let prepared = self.prepare(definitions).await?;
            let document = self.0.current.document().await?;
            blocking(move || Ok(prepared.check(document))).await
        })
    }

    /// What is left out comes from the sources, and every view is checked against its own.
    async fn prepare(&self, mut definitions: FeatureRegistry) -> Result<Prepared> {
        self.own(&mut definitions)?;
        name_sources(&mut definitions);
        // No registry yet is an empty one here: an apply makes it.
        let known = Arc::clone(self.0.current.get().await?.registry());
        let schemas = self.schemas(&definitions).await;
        Ok(Prepared::new(definitions, &known, schemas))
    }

    /// Definitions without a project are for the configured one.
    fn own(&self, definitions: &mut FeatureRegistry) -> Result<()> {
        let project = &self.0.config.project;
        if !definitions.project.is_empty() && definitions.project != *project {
            let message = format!("the definitions are of project `{}`", definitions.project);
            let help = format!("feature_store.yaml is of project `{project}`");
            return Err(Error::new(ErrorKind::Definition, message).with_help(help));
        }
        definitions.project.clone_from(project);
        Ok(())
    }

    /// The schemas of the views' sources, all asked for at once.
    async fn schemas(&self, definitions: &FeatureRegistry) -> Vec<Result<SchemaRef>> {
        let ask = |source: hybrid_core::Source| {
            let stores = self.0.stores.clone();
            tokio::spawn(async move { stores.source_schema(&source).await })
        };
        let tasks: Vec<_> = definitions
            .feature_views
            .iter()
            .map(|view| ask(view.source.clone()))
            .collect();
        let mut schemas = Vec::with_capacity(tasks.len());
        for task in tasks {
            schemas.push(task.await.unwrap_or_else(|error| Err(crashed(error))));
        }
        schemas
    }

    /// The point-in-time join; see [`HybridOfflineStore::get_historical_features`].
    ///
    /// # Errors
    /// NotFound and others, for what can be checked before a store is asked.
    pub async fn get_historical_features(
        &self,
        entities: EntityFrame,
        features: &FeatureSelection,
        options: RetrievalOptions,
    ) -> Result<RetrievalJob> {
        let registry = self.applied().await?;
        self.0
            .stores
            .get_historical_features(&registry, entities, features, options)
            .await
    }

    /// The latest row per join key of a view in a window, both ends inclusive.
    ///
    /// # Errors
    /// NotFound, when there is no such view; what the store says.
    pub async fn pull_latest(
        &self,
        view: &str,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        call: &Call,
    ) -> Result<BatchStream> {
        let pull = self.pull(view).await?;
        self.0
            .stores
            .pull_latest_from_table_or_query(&pull, start, end, call)
            .await
    }

    /// Every row of a view in a window, either end optional.
    ///
    /// # Errors
    /// NotFound, when there is no such view; what the store says.
    pub async fn pull_all(
        &self,
        view: &str,
        start: Option<DateTime<Utc>>,
        end: Option<DateTime<Utc>>,
        call: &Call,
    ) -> Result<BatchStream> {
        let pull = self.pull(view).await?;
        self.0
            .stores
            .pull_all_from_table_or_query(&pull, start, end, call)
            .await
    }

    /// The registry, for a call that is made of what it holds.
    ///
    /// # Errors
    /// NotFound, when it holds other projects only.
    async fn applied(&self) -> Result<Arc<FeatureRegistry>> {
        let snapshot = self.snapshot().await?;
        let (registry, projects) = (Arc::clone(snapshot.registry()), snapshot.projects());
        if !registry.feature_views.is_empty() || !registry.unsupported_views.is_empty() {
            return Ok(registry);
        }
        let project = &self.0.config.project;
        if projects.is_empty() || projects.contains(project) {
            return Ok(registry);
        }
        let message = format!("the registry holds nothing of project `{project}`");
        let help = format!("the registry holds the projects {}", projects.join(", "));
        Err(Error::new(ErrorKind::NotFound, message)
            .with_help(help)
            .with_help("correct `project` or `registry` in feature_store.yaml, or apply the definitions"))
    }

    /// What a pull of `view` reads.
    async fn pull(&self, view: &str) -> Result<Pull> {
        let registry = self.applied().await?;
        Pull::of_view(&registry, registry.feature_view(view)?)
    }

    /// Appends rows to the source of a view, all or none; returns how many.
    ///
    /// # Errors
    /// NotFound, when there is no such view; InvalidInput, when the columns do not fit; what the store says.
    pub async fn write(&self, view: &str, rows: BatchStream, call: &Call) -> Result<u64> {
        let registry = self.applied().await?;
        let view = registry.feature_view(view)?;
        self.0.stores.offline_write_batch(&registry, view, rows, call).await
    }
}
