use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::AsArray;
use hybrid_core::sql::{Cleanup, Dialect, Formulation, Relation, SqlStore};
use hybrid_core::{Context, Result, async_trait, offline_store};
use tokio::task::JoinHandle;

use crate::client::Client;
use crate::dialect::TrinoDialect;
use crate::session::{Shared, TrinoSession};
use crate::sweep::sweep;
use crate::{TrinoConfig, TrinoSource};

/// Tables and queries of a Trino cluster.
pub struct TrinoStore {
    shared: Arc<Shared>,
    cleanup: Cleanup,
    sweeping: Mutex<Option<JoinHandle<()>>>,
}

#[offline_store("trino")]
#[async_trait]
impl SqlStore for TrinoStore {
    type Source = TrinoSource;
    type Config = TrinoConfig;
    type Session = TrinoSession;

    async fn connect(config: TrinoConfig, context: &Context) -> Result<Self> {
        let config = config.relative_to(&context.repo);
        config.check()?;
        let client = Arc::new(Client::new(&config)?);
        Ok(Self {
            shared: Arc::new(Shared::new(config, client)?),
            cleanup: Cleanup::default(),
            sweeping: Mutex::default(),
        })
    }

    async fn ping(&self) -> Result<String> {
        let batches = self.shared.conversation().rows("SELECT version()").await?;
        let version = batches
            .first()
            .and_then(|batch| batch.column(0).as_string_opt::<i32>()?.iter().next()?);
        Ok(format!(
            "Trino {} at {}, catalog `{}`",
            version.unwrap_or_default(),
            self.shared.client.address(),
            self.shared.config.catalog
        ))
    }

    fn dialect(&self) -> &dyn Dialect {
        &TrinoDialect
    }

    fn cleanup(&self) -> &Cleanup {
        &self.cleanup
    }

    fn formulation(&self) -> Option<Formulation> {
        self.shared.config.formulation
    }

    fn relation(&self, source: &TrinoSource) -> Result<Relation> {
        source.relation(&self.shared.config.catalog, &self.shared.config.dataset)
    }

    async fn session(&self) -> Result<TrinoSession> {
        let mut sweeping = self.sweeping.lock().unwrap_or_else(PoisonError::into_inner);
        sweeping.get_or_insert_with(|| tokio::spawn(sweep(Arc::clone(&self.shared))));
        Ok(TrinoSession::new(Arc::clone(&self.shared)))
    }

    async fn shutdown(&self) -> Result<()> {
        let sweeping = self.sweeping.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sweeping) = sweeping {
            sweeping.abort();
        }
        Ok(())
    }
}
