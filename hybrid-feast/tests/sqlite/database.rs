//! A database file in a folder of its own.

use std::path::PathBuf;

use hybrid_core::config::{RegistryConfig, SqlAddress, SqlRegistry};
use hybrid_feast::FeatureStore;
use rusqlite::Connection;

use crate::support::Repo;

/// What fixtures/make_registry.py wrote into SQLite with Feast 0.67.
const FEAST: &[u8] = include_bytes!("../fixtures/registry.sqlite");

pub struct Database {
    pub path: PathBuf,
    pub folder: tempfile::TempDir,
}

impl Database {
    /// No file yet.
    pub fn absent() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data").join("registry.sqlite");
        Self { path, folder }
    }

    /// The one of Feast.
    pub fn of_feast() -> Self {
        let database = Self::absent();
        std::fs::create_dir(database.path.parent().unwrap()).unwrap();
        std::fs::write(&database.path, FEAST).unwrap();
        database
    }

    pub fn config(&self) -> SqlRegistry {
        let path = self.path.clone();
        let mut config = SqlRegistry::new(SqlAddress::Sqlite { path, read_only: false });
        config.connect_args.insert("timeout".to_owned(), "0.3".into());
        config
    }

    /// A feature store as another process would open it.
    pub fn store(&self, project: &str) -> FeatureStore {
        self.store_with(self.config(), project)
    }

    /// One that waits for other writers as long as it does by default.
    pub fn patient_store(&self, project: &str) -> FeatureStore {
        let mut config = self.config();
        config.connect_args.clear();
        self.store_with(config, project)
    }

    pub fn store_with(&self, config: SqlRegistry, project: &str) -> FeatureStore {
        Repo::open_at(RegistryConfig::Sql(config), self.folder.path().to_owned(), project)
    }

    /// A connection to look behind what is told.
    pub fn connection(&self) -> Connection {
        Connection::open(&self.path).unwrap()
    }

    /// The texts that a query gives.
    pub fn texts(&self, query: &str) -> Vec<String> {
        let connection = self.connection();
        let mut statement = connection.prepare(query).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }
}
