//! A registry in PostgreSQL.

mod address;
mod parameters;
mod query;
mod server;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hybrid_core::config::{SqlAddress, SqlRegistry};
use hybrid_core::{Error, ErrorKind, Result, async_trait};
use tokio::sync::Mutex;

use super::Settings;
use super::table::Table;
use crate::blocking::blocking;
use crate::registry::Applied;
use crate::registry::backing::{Backing, Change, Loaded, Version};
use server::{Failed, Server, Session};

/// How long a look at the registry may take.
const READ_PATIENCE: Duration = Duration::from_secs(30);
/// How long an apply may take, waiting for others included.
const WRITE_PATIENCE: Duration = Duration::from_secs(120);

/// A registry in PostgreSQL.
pub(crate) struct Postgres {
    settings: Arc<Settings>,
    server: Server,
    read_server: Server,
    reader: Mutex<Option<Reader>>,
}

/// A connection that stays open, and the tables that were there when it last read.
struct Reader {
    session: Session,
    tables: Vec<&'static Table>,
}

impl Postgres {
    pub(crate) fn new(config: &SqlRegistry, project: &str, repo: &Path) -> Result<Self> {
        let read_address = config.read_address.as_ref().unwrap_or(&config.address);
        let server = server(&config.address, config, repo)?;
        Ok(Self {
            settings: Arc::new(Settings::new(config, project, server.to_string())),
            server,
            read_server: self::server(read_address, config, repo)?,
            reader: Mutex::default(),
        })
    }

    async fn read(&self, known: Option<&Version>) -> Result<Option<Loaded>, Failed> {
        let mut slot = self.reader.lock().await;
        let mut idle = None;
        // What goes wrong on a connection of before may be that it was lost, or that tables came and went.
        if let Some(reader) = slot.take()
            && let Ok(version) = reader.version(&self.settings).await
        {
            if known == Some(&version) {
                *slot = Some(reader);
                return Ok(None);
            }
            idle = Some(reader.session);
        }
        let session = match idle {
            Some(session) => session,
            None => self.read_server.connect().await?,
        };
        let tables = query::tables(&session).await?;
        let reader = Reader { session, tables };
        let loaded = reader.load(&self.settings).await?;
        *slot = Some(reader);
        Ok(Some(loaded))
    }
}

fn server(address: &SqlAddress, config: &SqlRegistry, repo: &Path) -> Result<Server> {
    let SqlAddress::Postgres(url) = address else {
        let message = "`path` and `read_path` of the registry are of different databases";
        return Err(Error::new(ErrorKind::Config, message).with_help("give both as postgresql://HOST/DATABASE"));
    };
    let environment = |name: &str| std::env::var(name).ok();
    Server::new(&address::resolve(url, &config.connect_args, repo, &environment)?)
}

impl Reader {
    async fn version(&self, settings: &Settings) -> Result<Version, Failed> {
        query::version(&self.session, &self.tables, &settings.project).await
    }

    async fn load(&self, settings: &Arc<Settings>) -> Result<Loaded, Failed> {
        let missing = settings.missing(&self.tables);
        let tables = if missing.is_none() { &self.tables[..] } else { &[] };
        let (version, rows) = query::rows(&self.session, tables, settings).await?;
        let settings = Arc::clone(settings);
        let document = blocking(move || super::rows::document(rows, &settings.project, &settings.place)).await?;
        Ok(Loaded {
            version: missing.is_none().then_some(version),
            document,
            missing,
        })
    }
}

#[async_trait]
impl Backing for Postgres {
    async fn load(&self, known: Option<&Version>) -> Result<Option<Loaded>> {
        self.within(READ_PATIENCE, self.read(known)).await
    }

    async fn update(&self, change: Change) -> Result<Applied> {
        let writer = writer::update(&self.server, &self.settings, change);
        self.within(WRITE_PATIENCE, writer).await
    }
}

impl Postgres {
    async fn within<T>(&self, patience: Duration, work: impl Future<Output = Result<T, Failed>>) -> Result<T> {
        match tokio::time::timeout(patience, work).await {
            Ok(outcome) => outcome.map_err(|failed| failed.error(&self.settings.place)),
            Err(_) => {
                let message = format!(
                    "registry {} did not answer within {} s",
                    self.settings.place,
                    patience.as_secs()
                );
                Err(Error::new(ErrorKind::Timeout, message).retryable())
            }
        }
    }
}
