use std::sync::Arc;

use hybrid_core::sql::{Cleanup, Dialect, Formulation, Relation, SqlSession, SqlStore};
use hybrid_core::{Context, Result, async_trait, offline_store};

use crate::client::Client;
use crate::config::{ConnectionType, EntitySelectMode};
use crate::dialect::Postgres;
use crate::{PostgresConfig, PostgresSession, PostgresSource};

/// Tables and queries of a Postgres database.
pub struct PostgresStore {
    client: Arc<Client>,
    schema: String,
    mode: EntitySelectMode,
    formulation: Option<Formulation>,
    cleanup: Cleanup,
}

#[offline_store("postgres", aliases("postgresql"))]
#[async_trait]
impl SqlStore for PostgresStore {
    type Source = PostgresSource;
    type Config = PostgresConfig;
    type Session = PostgresSession;

    async fn connect(config: PostgresConfig, _context: &Context) -> Result<Self> {
        config.check()?;
        let client = Client::new(&config)?;
        if config.conn_type == ConnectionType::Pool {
            client.open(config.min_conn).await?;
        }
        Ok(Self {
            client,
            schema: config.db_schema,
            mode: config.entity_select_mode,
            formulation: config.formulation,
            cleanup: Cleanup::default(),
        })
    }

    async fn ping(&self) -> Result<String> {
        let session = self.session().await?;
        let version = session
            .text(
                "SELECT pg_catalog.current_setting('server_version') || \
                 CASE WHEN pg_catalog.pg_is_in_recovery() THEN ', a standby' ELSE '' END",
            )
            .await;
        session.close().await?;
        let version = version?.unwrap_or_default();
        Ok(format!(
            "PostgreSQL {version}; {}, schema `{}`",
            self.client.target(),
            self.schema
        ))
    }

    fn dialect(&self) -> &dyn Dialect {
        &Postgres
    }

    fn cleanup(&self) -> &Cleanup {
        &self.cleanup
    }

    fn formulation(&self) -> Option<Formulation> {
        self.formulation
    }

    fn relation(&self, source: &PostgresSource) -> Result<Relation> {
        source.relation()
    }

    async fn session(&self) -> Result<PostgresSession> {
        Ok(PostgresSession::new(
            Arc::clone(&self.client),
            self.mode,
            self.schema.clone(),
        ))
    }

    async fn shutdown(&self) -> Result<()> {
        self.client.close();
        Ok(())
    }
}
