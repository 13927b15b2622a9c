use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use hybrid_core::{Error, Result};
use hybrid_store_postgres::wire::{self, Client, Lease};
use tokio_postgres::types::Type;

use super::address::Resolved;

/// Where sessions come from.
pub(super) struct Server {
    client: Arc<Client>,
    parameters: Vec<(String, String)>,
    place: String,
}

impl Server {
    pub(super) fn new(address: &Resolved) -> Result<Self> {
        let config = &address.config;
        config.check()?;
        Ok(Self {
            client: Client::new(config)?,
            parameters: address.parameters.clone(),
            place: format!("database `{}` at {}:{}", config.database, config.host, config.port),
        })
    }

    /// A connection that ends with the session.
    pub(super) async fn connect(&self) -> Result<Session, Failed> {
        let session = Session(self.client.acquire().await?);
        let connection = session.connection()?;
        // Tables are looked for where the role and the address say, not in the schema of a store.
        connection.batch_execute("RESET search_path").await?;
        for (name, value) in &self.parameters {
            let values: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
                [(name, Type::TEXT), (value, Type::TEXT)];
            connection
                .query_typed("SELECT pg_catalog.set_config($1, $2, false)", &values)
                .await?;
        }
        Ok(session)
    }
}

/// Host, port and database: never a secret.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

/// A connection of its own; what was begun on it and not committed ends with it.
pub(super) struct Session(Lease);

impl Session {
    pub(super) fn connection(&self) -> Result<&tokio_postgres::Client> {
        Ok(self.0.object()?.deref())
    }
}

/// What the server said, or what went wrong here.
pub(super) enum Failed {
    Server(tokio_postgres::Error),
    Here(Error),
}

/// What another writer at the same time brings about: trying again can help.
const CONFLICTS: [&str; 5] = ["40001", "40P01", "55P03", "23505", "42P07"];

impl Failed {
    pub(super) fn is_conflict(&self) -> bool {
        match self {
            Self::Server(error) => error.code().is_some_and(|code| CONFLICTS.contains(&code.code())),
            Self::Here(_) => false,
        }
    }

    pub(super) fn error(self, place: &str) -> Error {
        let error = match self {
            Self::Server(error) => wire::error(error, None),
            Self::Here(error) => error,
        };
        error.within(&format!("registry in {place}"))
    }
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Here(error)
    }
}
