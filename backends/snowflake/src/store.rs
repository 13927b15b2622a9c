use std::sync::Arc;

use hybrid_core::sql::{Cleanup, Dialect, Formulation, Relation, SqlSession, SqlStore};
use hybrid_core::{Context, Result, async_trait, offline_store};

use crate::client::Client;
use crate::config::Settings;
use crate::dialect::SnowflakeDialect;
use crate::{SnowflakeConfig, SnowflakeSession, SnowflakeSource};

/// Tables and queries of a Snowflake account.
pub struct SnowflakeStore {
    client: Arc<Client>,
    cleanup: Cleanup,
}

#[offline_store("snowflake", aliases("snowflake.offline"))]
#[async_trait]
impl SqlStore for SnowflakeStore {
    type Source = SnowflakeSource;
    type Config = SnowflakeConfig;
    type Session = SnowflakeSession;

    async fn connect(config: SnowflakeConfig, context: &Context) -> Result<Self> {
        let settings = Settings::of(config, &context.repo)?;
        Ok(Self {
            client: Arc::new(Client::new(settings)?),
            cleanup: Cleanup::default(),
        })
    }

    async fn ping(&self) -> Result<String> {
        let session = self.session().await?;
        let version = session.version().await;
        session.close().await?;
        let settings = &self.client.settings;
        Ok(format!(
            "Snowflake {} at {}, database `{}`, schema `{}`",
            version?,
            settings.address(),
            settings.database,
            settings.schema
        ))
    }

    fn dialect(&self) -> &dyn Dialect {
        &SnowflakeDialect
    }

    fn cleanup(&self) -> &Cleanup {
        &self.cleanup
    }

    fn formulation(&self) -> Option<Formulation> {
        self.client.settings.formulation
    }

    fn relation(&self, source: &SnowflakeSource) -> Result<Relation> {
        source.relation(&self.client.settings.database, &self.client.settings.schema)
    }

    async fn session(&self) -> Result<SnowflakeSession> {
        SnowflakeSession::new(Arc::clone(&self.client)).await
    }

    async fn shutdown(&self) -> Result<()> {
        self.client.shutdown().await;
        Ok(())
    }
}
