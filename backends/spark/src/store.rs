use hybrid_core::sql::{Cleanup, Dialect, Formulation, Relation, SqlSession, SqlStore};
use hybrid_core::{Context, Result, async_trait, offline_store};

use crate::client::Connection;
use crate::session::{Conversation, Free};
use crate::staging::Staging;
use crate::{Address, SparkConfig, SparkDialect, SparkSession, SparkSource};

/// Spark, over Spark Connect.
pub struct SparkStore {
    connection: Connection,
    address: Address,
    settings: Vec<(String, String)>,
    staging: Option<Staging>,
    /// A staging location that only the server reaches.
    unused: Option<String>,
    formulation: Option<Formulation>,
    cleanup: Cleanup,
}

fn not_used(location: &str) -> String {
    format!("rows go there over the connection: only a folder is a staging location, `{location}` is not used")
}

#[offline_store("spark")]
#[async_trait]
impl SqlStore for SparkStore {
    type Source = SparkSource;
    type Config = SparkConfig;
    type Session = SparkSession;

    async fn connect(config: SparkConfig, _context: &Context) -> Result<Self> {
        let address = config.address()?;
        let staging = config
            .staging_location
            .as_deref()
            .map(Staging::at)
            .transpose()?
            .flatten();
        if let Some(staging) = &staging {
            staging.prepare().await?;
        }
        let unused = config.staging_location.clone().filter(|_| staging.is_none());
        if let Some(location) = &unused {
            tracing::warn!("Spark at {}: {}", address.authority(), not_used(location));
        }
        Ok(Self {
            connection: Connection::new(&address)?,
            settings: config.settings()?,
            address,
            unused,
            staging,
            formulation: config.formulation,
            cleanup: Cleanup::default(),
        })
    }

    async fn ping(&self) -> Result<String> {
        let session = self.session().await?;
        let version = session.conversation.version().await;
        let closed = session.close().await;
        let version = version?;
        closed?;
        let unused = self.unused.as_deref().map(not_used);
        let unused = unused.map_or_else(String::new, |unused| format!("; {unused}"));
        Ok(format!("Spark {version} at {}{unused}", self.connection.place()))
    }

    fn dialect(&self) -> &dyn Dialect {
        &SparkDialect
    }

    fn cleanup(&self) -> &Cleanup {
        &self.cleanup
    }

    fn default_partition_format(&self) -> Option<&'static str> {
        // As Feast has it.
        Some("%Y-%m-%d")
    }

    fn relation(&self, source: &SparkSource) -> Result<Relation> {
        source.relation()
    }

    fn formulation(&self) -> Option<Formulation> {
        self.formulation
    }

    async fn session(&self) -> Result<SparkSession> {
        let conversation = Conversation::new(self.connection.clone(), self.address.session_id.clone());
        conversation.set(&self.settings).await?;
        let free = |ends: &[&str]| {
            let mut settings = self.settings.iter();
            !settings.any(|(key, _)| ends.iter().any(|end| key.ends_with(end)))
        };
        let free = Free {
            broadcasts: free(&["utoBroadcastJoinThreshold"]),
            partitions: free(&[".shuffle.partitions", ".initialPartitionNum"]),
        };
        Ok(SparkSession::new(conversation, self.staging.clone(), free))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fmt::Debug;
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Level, Metadata, Subscriber};

    use super::*;

    /// The warnings of a thread.
    #[derive(Clone, Default)]
    struct Warnings(Arc<Mutex<Vec<String>>>);

    impl Visit for Warnings {
        fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
            self.0.lock().unwrap().push(format!("{value:?}"));
        }
    }

    impl Subscriber for Warnings {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() == Level::WARN
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            event.record(&mut self.clone());
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[tokio::test]
    async fn a_staging_location_that_is_not_used_is_logged_once() {
        let warnings = Warnings::default();
        let _guard = tracing::subscriber::set_default(warnings.clone());
        let folder = tempfile::tempdir().unwrap();
        for (location, times) in [(folder.path().to_str().unwrap(), 0), ("s3a://bucket/stage", 1)] {
            let mut config = SparkConfig::new("sc://localhost:15002");
            config.staging_location = Some(location.to_owned());
            <SparkStore as SqlStore>::connect(config, &Context::default())
                .await
                .unwrap();
            let told = warnings.0.lock().unwrap().clone();
            let told = told.iter().filter(|told| told.contains("is not used"));
            assert_eq!(told.count(), times, "{location}");
        }
    }
}
