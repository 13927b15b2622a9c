mod busy;
mod query;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use hybrid_core::sql::jittered;
use hybrid_core::{BatchStream, Error, ErrorKind, Result};
use hybrid_store_postgres::{PostgresConfig, SslMode, wire};
use tokio::sync::Mutex;
use tokio_postgres::config::SslMode as Tls;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{CancelToken, Client, Config, NoTls, SimpleQueryMessage, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use busy::{Busy, Slot};

use crate::session::settings;
use crate::types::described;
use crate::{RedshiftConfig, error};

const CONNECT: Duration = Duration::from_secs(15);
const CANCEL: Duration = Duration::from_secs(5);
/// How long closing waits for what it has cancelled.
const CLOSE: Duration = Duration::from_secs(15);

/// Makes connections as the configuration says.
pub(crate) struct Connector {
    plain: Config,
    encrypted: Config,
    tls: MakeRustlsConnect,
    config: RedshiftConfig,
}

impl Connector {
    pub(crate) fn new(config: &RedshiftConfig) -> Result<Self> {
        let (host, user) = (
            config.host.clone().unwrap_or_default(),
            config.user.clone().unwrap_or_default(),
        );
        let password = config.password.clone().unwrap_or_default();
        let mut like_postgres = PostgresConfig::new(&host, &config.database, &user, "");
        like_postgres.sslmode = config.sslmode;
        like_postgres.sslrootcert_path.clone_from(&config.sslrootcert_path);
        let mut plain = Config::new();
        plain.host(host).port(config.port).dbname(&config.database).user(user);
        if !password.is_empty() {
            plain.password(password.expose());
        }
        plain
            .application_name("hybrid-offline-store")
            .connect_timeout(CONNECT)
            .keepalives(true);
        let mut encrypted = plain.clone();
        encrypted.ssl_mode(if config.sslmode == SslMode::Prefer {
            Tls::Prefer
        } else {
            Tls::Require
        });
        plain.ssl_mode(Tls::Disable);
        Ok(Self {
            plain,
            encrypted,
            tls: MakeRustlsConnect::new(wire::tls(&like_postgres)?),
            config: config.clone(),
        })
    }

    /// A connection with its settings. Connecting is tried again for a short while: nothing was asked yet.
    async fn connect(&self) -> Result<Client> {
        let (mut pause, mut attempt) = (Duration::from_millis(100), 1);
        loop {
            match self.open().await {
                Ok(client) => return self.settled(client).await,
                Err(failed) => {
                    let failed = error::connection(failed, None);
                    if !failed.is_retryable() || attempt >= self.config.max_attempts {
                        return Err(failed.with_help(format!("asked for {}", self.target())));
                    }
                }
            }
            tokio::time::sleep(jittered(pause)).await;
            (attempt, pause) = (attempt + 1, (pause * 2).min(Duration::from_secs(5)));
        }
    }

    async fn open(&self) -> Result<Client, tokio_postgres::Error> {
        let is_refusal = |error: &tokio_postgres::Error| error.code().is_some_and(|code| code.code() == "28000");
        match self.config.sslmode {
            SslMode::Disable => started(&self.plain, NoTls).await,
            SslMode::Allow => match started(&self.plain, NoTls).await {
                Err(error) if is_refusal(&error) => started(&self.encrypted, self.tls.clone()).await,
                outcome => outcome,
            },
            _ => started(&self.encrypted, self.tls.clone()).await,
        }
    }

    async fn settled(&self, client: Client) -> Result<Client> {
        let told = client
            .simple_query("SELECT version()")
            .await
            .map_err(|failed| error::connection(failed, None))?;
        let version = told.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        // PostgreSQL, which tests use, lacks some of Redshift's settings.
        let is_redshift = version.is_some_and(|version| version.contains("Redshift"));
        let settings = settings(&self.config, is_redshift).join("; ");
        client
            .batch_execute(&settings)
            .await
            .map_err(|failed| error::connection(failed, Some(&settings)))?;
        Ok(client)
    }

    async fn cancel(&self, token: &CancelToken) {
        // Where it does not arrive, the connection is closed, which ends the query a little later.
        let _ = tokio::time::timeout(CANCEL, token.cancel_query(self.tls.clone())).await;
    }

    /// Who is asked, for people.
    pub(crate) fn target(&self) -> String {
        let config = &self.config;
        let (host, user) = (
            config.host.as_deref().unwrap_or_default(),
            config.user.as_deref().unwrap_or_default(),
        );
        format!("{host}:{}, database `{}`, as `{user}`", config.port, config.database)
    }
}

async fn started<T>(config: &Config, tls: T) -> Result<Client, tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (client, connection) = config.connect(tls).await?;
    // How a connection ends is told to whoever waits for its answer.
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// The connection of one operation, from its first statement until it is closed; statements take turns.
pub(crate) struct Connection {
    connector: Arc<Connector>,
    slot: Arc<Mutex<Slot>>,
    /// How to cancel what runs, for those who do not have the connection.
    token: std::sync::Mutex<Option<CancelToken>>,
}

impl Connection {
    pub(crate) fn new(connector: Arc<Connector>) -> Self {
        Self {
            connector,
            slot: Arc::default(),
            token: std::sync::Mutex::default(),
        }
    }

    async fn busy(&self) -> Result<Busy> {
        let busy = Busy::new(&self.connector, &self.slot).await?;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(busy.client()?.cancel_token());
        Ok(busy)
    }

    pub(crate) async fn describe(&self, query: &str) -> Result<SchemaRef> {
        let busy = self.busy().await?;
        let outcome = busy.client()?.prepare(query).await;
        busy.done();
        let statement = outcome.map_err(|failed| error::connection(failed, Some(query)))?;
        Ok(described(statement.columns()))
    }

    /// Rows as they come. Dropping the future or the stream cancels the query.
    pub(crate) async fn query(&self, query: &str) -> Result<BatchStream> {
        query::run(self.busy().await?, query).await
    }

    /// Runs statements without rows, all in one transaction.
    pub(crate) async fn run(&self, statements: &[String]) -> Result<()> {
        let transaction = self.begin().await?;
        for statement in statements {
            if let Err(error) = transaction.execute(statement).await {
                transaction.rollback().await;
                return Err(error);
            }
        }
        transaction.commit().await
    }

    /// Begins a transaction, which has the connection until it ends. Dropping it rolls back.
    pub(crate) async fn begin(&self) -> Result<Transaction> {
        let transaction = Transaction(self.busy().await?);
        match transaction.execute("BEGIN").await {
            Ok(()) => Ok(transaction),
            Err(error) => {
                transaction.0.done();
                Err(error)
            }
        }
    }

    /// Ends what runs, and the connection with its temporary tables.
    pub(crate) async fn close(&self) {
        if self.slot.try_lock().is_err() {
            let token = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(token) = token {
                self.connector.cancel(&token).await;
            }
        }
        // Whoever still has it closes the connection when letting go.
        if let Ok(mut slot) = tokio::time::timeout(CLOSE, self.slot.lock()).await {
            slot.close();
        }
    }
}

/// A transaction on a connection.
pub(crate) struct Transaction(Busy);

impl Transaction {
    pub(crate) async fn execute(&self, statement: &str) -> Result<()> {
        let outcome = self.0.client()?.batch_execute(statement).await;
        outcome.map_err(|failed| error::connection(failed, Some(statement)))
    }

    pub(crate) async fn commit(self) -> Result<()> {
        let outcome = self.execute("COMMIT").await;
        self.0.done();
        match outcome {
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                let message = "the connection was lost while committing: it is not known whether the rows are there";
                Err(Error::new(ErrorKind::Unavailable, message).with_cause(error))
            }
            outcome => outcome,
        }
    }

    pub(crate) async fn rollback(self) {
        // A connection that is gone has rolled back as well.
        let _ = self.execute("ROLLBACK").await;
        self.0.done();
    }
}
