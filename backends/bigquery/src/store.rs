use std::sync::Arc;

use hybrid_core::sql::{Cleanup, Dialect, Formulation, Relation, SqlStore};
use hybrid_core::{Capabilities, Context, Result, async_trait, offline_store};
use tokio::sync::OnceCell;

use crate::client::{Access, Http, Jobs, Storage, project_of};
use crate::dialect::BigQueryDialect;
use crate::session::{BigQuerySession, Shared};
use crate::{BigQueryConfig, BigQuerySource};

/// Tables, views and queries of BigQuery.
pub struct BigQueryStore {
    shared: Arc<Shared>,
    cleanup: Cleanup,
}

#[offline_store("bigquery")]
#[async_trait]
impl SqlStore for BigQueryStore {
    type Source = BigQuerySource;
    type Config = BigQueryConfig;
    type Session = BigQuerySession;

    async fn connect(config: BigQueryConfig, context: &Context) -> Result<Self> {
        let config = config.relative_to(&context.repo);
        config.check()?;
        let access = Access::new(&config)?;
        let project = project_of(&config).await?;
        let http = Http::new(&config, access.clone())?;
        let pays = config.billing_project_id.as_deref().unwrap_or(&project);
        let jobs = Jobs::new(http, pays, &config);
        let storage = Storage::new(&config, access)?;
        let shared = Shared {
            config,
            project,
            jobs,
            storage,
            ready: OnceCell::new(),
        };
        Ok(Self {
            shared: Arc::new(shared),
            cleanup: Cleanup::default(),
        })
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn ping(&self) -> Result<String> {
        // Free, and asks for the right to run jobs.
        self.shared.jobs.dry_run("SELECT 1 AS one").await?;
        let (project, dataset) = (&self.shared.project, &self.shared.config.dataset);
        Ok(format!(
            "BigQuery at {}, dataset `{project}.{dataset}`",
            self.shared.jobs.place()
        ))
    }

    fn dialect(&self) -> &dyn Dialect {
        &BigQueryDialect
    }

    fn cleanup(&self) -> &Cleanup {
        &self.cleanup
    }

    fn formulation(&self) -> Option<Formulation> {
        self.shared.config.formulation
    }

    fn relation(&self, source: &BigQuerySource) -> Result<Relation> {
        source.relation(&self.shared.project, &self.shared.config.dataset)
    }

    async fn session(&self) -> Result<BigQuerySession> {
        Ok(BigQuerySession::new(Arc::clone(&self.shared)))
    }
}
