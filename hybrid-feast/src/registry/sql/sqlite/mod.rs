//! A registry in SQLite.

mod error;
mod place;
mod reader;
mod value;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hybrid_core::config::{SchemaMode, SqlRegistry};
use hybrid_core::{Error, ErrorKind, Result, async_trait};
use rusqlite::{Transaction, TransactionBehavior, params_from_iter};

use super::plan::plan;
use super::{SCHEMA, Settings};
use crate::blocking::blocking;
use crate::registry::Applied;
use crate::registry::backing::{Backing, Change, Loaded, Version};
use crate::registry::document::Document;
use error::failed;
use place::Place;
use reader::{Reader, rows, tables};

/// How long who reads and who applies waits for others, unless the configuration says so.
const READ_PATIENCE: Duration = Duration::from_secs(5);
const WRITE_PATIENCE: Duration = Duration::from_secs(30);

/// A registry in SQLite. The connection that reads stays open: it tells whether others have written.
pub(crate) struct Sqlite(Arc<Inner>);

struct Inner {
    settings: Settings,
    place: Place,
    read_place: Place,
    reader: Mutex<Option<Reader>>,
    /// How many readers there were.
    readers: AtomicU64,
}

impl Sqlite {
    pub(crate) fn new(config: &SqlRegistry, project: &str) -> Result<Self> {
        let read_address = config.read_address.as_ref().unwrap_or(&config.address);
        let place = Place::new(&config.address, config)?;
        Ok(Self(Arc::new(Inner {
            settings: Settings::new(config, project, place.to_string()),
            place,
            read_place: Place::new(read_address, config)?,
            reader: Mutex::default(),
            readers: AtomicU64::new(0),
        })))
    }
}

#[async_trait]
impl Backing for Sqlite {
    async fn load(&self, known: Option<&Version>) -> Result<Option<Loaded>> {
        let (inner, known) = (Arc::clone(&self.0), known.cloned());
        blocking(move || inner.load(known.as_ref())).await
    }

    async fn update(&self, mut change: Change) -> Result<Applied> {
        let inner = Arc::clone(&self.0);
        blocking(move || inner.update(&mut change)).await
    }
}

impl Inner {
    fn load(&self, known: Option<&Version>) -> Result<Option<Loaded>> {
        let mut slot = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let open = slot.take();
        let Some(file) = self.read_place.file()? else {
            // As with a registry file, none is an empty one.
            return Ok(Some(Loaded {
                version: None,
                document: Document::decode(&[])?,
                missing: None,
            }));
        };
        let mut reader = match open.filter(|reader| reader.file == file) {
            Some(reader) => reader,
            None => {
                let number = self.readers.fetch_add(1, Ordering::Relaxed);
                Reader::new(self.read_place.open(READ_PATIENCE, false)?, file, number)
            }
        };
        // After an error the next request begins with a new connection.
        let loaded = reader.load(known, &self.settings, &self.read_place)?;
        *slot = Some(reader);
        Ok(loaded)
    }

    fn update(&self, change: &mut Change) -> Result<Applied> {
        let mut connection = self.place.open(WRITE_PATIENCE, true)?;
        let failed = |error| failed(&self.place, "write", error);
        // Who writes has the database alone from here on: what is read stays true until it is changed.
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let applied = self.change(&transaction, change)?;
        transaction.commit().map_err(failed)?;
        Ok(applied)
    }

    fn change(&self, transaction: &Transaction<'_>, change: &mut Change) -> Result<Applied> {
        let failed = |error| failed(&self.place, "write", error);
        if self.settings.schema_mode == SchemaMode::Auto {
            transaction.execute_batch(SCHEMA).map_err(failed)?;
        }
        let tables = tables(transaction).map_err(failed)?;
        if let Some(why) = self.settings.missing(&tables) {
            return Err(Error::new(ErrorKind::NotFound, why));
        }
        let rows = rows(transaction, &tables, &self.settings.project, &self.place)?;
        let (applied, statements) = plan(rows, &self.settings, change)?;
        for statement in &statements {
            transaction
                .execute(&statement.sql, params_from_iter(&statement.values))
                .map_err(failed)?;
        }
        Ok(applied)
    }
}
