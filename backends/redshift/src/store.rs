use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hybrid_core::sql::{Cleanup, Dialect, Formulation, Relation, SqlSession, SqlStore};
use hybrid_core::{Context, Result, async_trait, offline_store};

use crate::client::{Connector, DataApi};
use crate::config::Target;
use crate::credentials::{self, Chain};
use crate::session::{Reach, Shared};
use crate::staging::Staging;
use crate::{RedshiftConfig, RedshiftDialect, RedshiftSession, RedshiftSource};

/// Tables and queries of a Redshift database.
pub struct RedshiftStore {
    shared: Arc<Shared>,
    is_swept: AtomicBool,
    cleanup: Cleanup,
}

#[offline_store("redshift")]
#[async_trait]
impl SqlStore for RedshiftStore {
    type Source = RedshiftSource;
    type Config = RedshiftConfig;
    type Session = RedshiftSession;

    async fn connect(config: RedshiftConfig, _context: &Context) -> Result<Self> {
        config.check()?;
        let target = config.target()?;
        let is_direct = matches!(target, Target::Host(_));
        let (mut api, mut staging) = (None, None);
        if !is_direct || config.s3_staging_location.is_some() {
            let settings = credentials::settings(&config).await;
            let chain = Chain::new(&settings, &config);
            let endpoint = config.s3_endpoint.clone();
            let endpoint = endpoint.or_else(|| std::env::var("AWS_ENDPOINT_URL_S3").ok());
            let endpoint = endpoint.or_else(|| settings.endpoint_url().map(str::to_owned));
            staging = Staging::new(&config, &chain, endpoint.as_deref())?;
            api = Some(DataApi::new(&settings, &chain, target, &config)).filter(|_| !is_direct);
        }
        let reach = match api {
            Some(api) => Reach::DataApi(Arc::new(api)),
            None => Reach::Connection(Arc::new(Connector::new(&config)?)),
        };
        Ok(Self {
            shared: Arc::new(Shared { config, reach, staging }),
            is_swept: AtomicBool::new(false),
            cleanup: Cleanup::default(),
        })
    }

    async fn ping(&self) -> Result<String> {
        let session = self.session().await?;
        let version = session.texts("SELECT version()").await;
        session.close().await?;
        let target = match &self.shared.reach {
            Reach::DataApi(api) => api.target(),
            Reach::Connection(connector) => connector.target(),
        };
        Ok(format!("{}; {target}", version?.join(" ")))
    }

    fn dialect(&self) -> &dyn Dialect {
        &RedshiftDialect
    }

    fn cleanup(&self) -> &Cleanup {
        &self.cleanup
    }

    fn formulation(&self) -> Option<Formulation> {
        self.shared.config.formulation
    }

    fn relation(&self, source: &RedshiftSource) -> Result<Relation> {
        source.relation(&self.shared.config.database, &self.shared.config.db_schema)
    }

    async fn session(&self) -> Result<RedshiftSession> {
        if let Some(staging) = &self.shared.staging
            && !self.is_swept.swap(true, Ordering::Relaxed)
        {
            let (staging, age) = (staging.clone(), Duration::from_secs(self.shared.config.sweep_after));
            tokio::spawn(async move { staging.sweep(age).await });
        }
        Ok(RedshiftSession::new(Arc::clone(&self.shared)))
    }
}
