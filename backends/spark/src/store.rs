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
        Ok(Self {
            connection: Connection::new(&address)?,
            settings: config.settings()?,
            address,
            unused: config.staging_location.filter(|_| staging.is_none()),
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
        let unused = self.unused.as_ref().map_or_else(String::new, |location| {
            format!(
                "; rows go there over the connection: only a folder is a staging location, `{location}` is not used"
            )
        });
        Ok(format!("Spark {version} at {}{unused}", self.connection.place()))
    }

    fn dialect(&self) -> &dyn Dialect {
        &SparkDialect
    }

    fn cleanup(&self) -> &Cleanup {
        &self.cleanup
    }

    fn partition_format<'a>(&self, source: &'a SparkSource) -> Option<&'a str> {
        // As Feast has it.
        Some(source.date_partition_column_format.as_deref().unwrap_or("%Y-%m-%d"))
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
