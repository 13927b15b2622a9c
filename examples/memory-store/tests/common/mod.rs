//! The fixture: tables of a store of its own.

use std::sync::Arc;

use hybrid_conformance::Fixture;
use hybrid_core::arrow::array::RecordBatch;
use hybrid_core::arrow::datatypes::SchemaRef;
use hybrid_core::store::DynOfflineStore;
use hybrid_core::{Capabilities, DataSource, HybridOfflineStore, Result, Source, async_trait};
use memory_store::{MemoryConfig, MemorySource, MemoryStore};

pub struct MemoryFixture {
    pub memory: MemoryStore,
    pub store: HybridOfflineStore,
}

impl MemoryFixture {
    #[allow(dead_code)]
    pub fn new() -> Self {
        let memory = MemoryStore::new(&MemoryConfig::default());
        let served: Arc<dyn DynOfflineStore> = Arc::new(memory.clone());
        let store = HybridOfflineStore::from_stores([("memory".to_owned(), served)]);
        Self { memory, store }
    }
}

#[async_trait]
impl Fixture for MemoryFixture {
    fn store(&self) -> &HybridOfflineStore {
        &self.store
    }

    fn key(&self) -> &str {
        "memory"
    }

    fn capabilities(&self) -> Capabilities {
        DynOfflineStore::capabilities(&self.memory)
    }

    async fn create(&self, table: &str, schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Source> {
        self.memory.create_table(table, schema, batches);
        self.destination(table)
    }

    fn destination(&self, table: &str) -> Result<Source> {
        MemorySource::new(table).into_source()
    }

    async fn drop(&self, table: &str) -> Result<()> {
        self.memory.drop_table(table)
    }
}
