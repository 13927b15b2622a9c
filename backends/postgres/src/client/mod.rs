//! How the server is reached: connections, their pool, and what runs on one of them.

mod connect;
mod lease;
pub(crate) mod tls;

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use hybrid_core::Result;
use hybrid_core::sql::jittered;
use tokio_postgres::CancelToken;

pub use lease::Lease;
pub(crate) use lease::{Busy, Slot};

use crate::config::{ConnectionType, PostgresConfig};
use crate::error;
use connect::Connector;

/// How long an operation waits for one of `max_conn` connections.
const WAIT: Duration = Duration::from_secs(60);
/// How long a server may take to let a connection in, for each host that is named.
const LOGIN: Duration = Duration::from_secs(20);
/// How long a connection may take to show that it still works.
const RECYCLE: Duration = Duration::from_secs(5);
/// How often connecting is tried, and the first pause between.
const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const CANCEL: Duration = Duration::from_secs(5);

/// The connections of one store.
pub struct Client {
    pool: Pool,
    connector: Connector,
    kept: usize,
    max: usize,
}

impl Client {
    /// A client that has not connected yet.
    ///
    /// # Errors
    /// Config, when TLS cannot be set up.
    pub fn new(config: &PostgresConfig) -> Result<Arc<Self>> {
        let connector = Connector::new(config)?;
        let manager = Manager::from_connect(
            connector.target().clone(),
            connector.clone(),
            // A connection that died while nobody used it is found before anything is sent on it.
            ManagerConfig {
                recycling_method: RecyclingMethod::Verified,
            },
        );
        let hosts = config.host.split(',').count().try_into().unwrap_or(u32::MAX);
        let pool = Pool::builder(manager)
            .max_size(config.max_conn)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(LOGIN.saturating_mul(hosts)))
            .recycle_timeout(Some(RECYCLE))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| hybrid_core::Error::new(hybrid_core::ErrorKind::Unexpected, error.to_string()))?;
        let kept = match config.conn_type {
            ConnectionType::Singleton => 1,
            ConnectionType::Pool => config.max_conn,
        };
        Ok(Arc::new(Self {
            pool,
            connector,
            kept,
            max: config.max_conn,
        }))
    }

    /// Opens connections until there are `count`.
    pub(crate) async fn open(&self, count: usize) -> Result<()> {
        let leases = (0..count).map(|_| self.acquire());
        for lease in futures::future::try_join_all(leases).await? {
            self.release(lease);
        }
        Ok(())
    }

    /// A connection for one session. Connecting is tried again for a short while: nothing was asked yet.
    ///
    /// # Errors
    /// Unavailable and others, when the server does not let it in.
    pub async fn acquire(&self) -> Result<Lease> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            match self.pool.get().await {
                Ok(object) => return Ok(Lease::new(object)),
                Err(error) if error::is_passing(&error) => tokio::time::sleep(jittered(pause)).await,
                Err(error) => return Err(self.refused(error)),
            }
            pause *= 2;
        }
        self.pool
            .get()
            .await
            .map(Lease::new)
            .map_err(|error| self.refused(error))
    }

    fn refused(&self, error: PoolError) -> hybrid_core::Error {
        error::pool(error, self.max).with_help(format!("asked for {}", self.connector))
    }

    /// Gives a connection back that is idle and clean; it is closed where enough are kept.
    pub(crate) fn release(&self, lease: Lease) {
        let status = self.pool.status();
        lease.end(status.available < self.kept);
    }

    /// Asks the server to end what runs on a connection.
    pub(crate) async fn cancel(&self, token: &CancelToken) {
        // Where it does not arrive, the connection is closed, which ends the query a little later.
        let _ = tokio::time::timeout(CANCEL, self.connector.cancel(token)).await;
    }

    /// What is connected to, for people.
    pub fn target(&self) -> String {
        self.connector.to_string()
    }

    /// Closes connections as they come back.
    pub(crate) fn close(&self) {
        self.pool.close();
    }
}
