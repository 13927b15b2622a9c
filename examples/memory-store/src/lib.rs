//! A custom store in its own crate: tables in memory, and a join that a reader can follow.
//!
//! This is what a third party writes to add a store; nothing in it is private to the project. It
//! depends on `hybrid-core`, which re-exports Arrow and the macros, and on `serde`.
//!
//! # The parts of a store
//!
//! 1. **A source**, [`MemorySource`]: the fields that say where rows are. Its name ends in
//!    `Source`, and the rest of the name, in lower case, is the store's key: `memory`. In
//!    features.yaml it is written
//!    ```yaml
//!    source: {type: memory, table: driver_stats, timestamp_field: ts}
//!    ```
//! 2. **A configuration**, [`MemoryConfig`]: the store's part of feature_store.yaml. Refuse fields
//!    that you do not know, so that a typo is an error with a line number:
//!    ```yaml
//!    offline_stores:
//!      - {type: memory, database: shared}
//!    ```
//! 3. **The store**, [`MemoryStore`], which implements
//!    [`OfflineStore`](hybrid_core::OfflineStore) under `#[offline_store("memory")]`: the attribute
//!    registers it, so that feature_store.yaml can name it, and a key that is not the source's does
//!    not compile. A program that uses the store names the crate, with
//!    `extern crate memory_store as _;` if nothing else does. `src/store.rs` only translates; the work is
//!    done by `tables.rs` (who holds the rows), `join.rs` (which row wins) and `pull.rs` (windows).
//!
//! # What core has done before a store is asked
//!
//! The references are resolved, the frame is checked, numbered and reduced to
//! [`ROW_NUMBER`](hybrid_core::store::ROW_NUMBER), [`ENTITY_TIME`](hybrid_core::store::ENTITY_TIME)
//! and the keys in one canonical type each; names are mapped, so that a request holds the source's
//! own column names beside the output's. The store answers with the row number and the features,
//! and core puts the frame's other columns back.
//!
//! # What is left to a store
//!
//! - Both ends of ttl and of windows are inclusive, and microseconds count.
//! - The largest event time wins, then the largest created, where NULL is the least.
//! - NULL keys match nothing; rows without an event time are ignored.
//! - A value that the declared type cannot hold is an error, and never NULL.
//! - A write is there as a whole or not at all.
//!
//! # In use
//!
//! ```
//! use std::sync::Arc;
//!
//! use hybrid_core::arrow::array::{Int64Array, RecordBatch, TimestampMicrosecondArray};
//! use hybrid_core::{
//!     DataSource, Entity, EntityFrame, FeatureRegistry, FeatureSelection, FeatureView, Field, HybridOfflineStore,
//!     RetrievalOptions, ValueType,
//! };
//! use memory_store::{MemoryConfig, MemorySource, MemoryStore};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let times = |micros: Vec<i64>| Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC"));
//! let rows = RecordBatch::try_from_iter([
//!     ("driver_id", Arc::new(Int64Array::from(vec![1, 1, 2])) as _),
//!     ("ts", times(vec![10, 20, 10]) as _),
//!     ("trips", Arc::new(Int64Array::from(vec![5, 6, 7])) as _),
//! ])?;
//! let memory = MemoryStore::new(&MemoryConfig::default());
//! memory.create_table("driver_stats", rows.schema(), vec![rows]);
//!
//! let source = MemorySource::new("driver_stats").into_source()?.with_timestamp_field("ts");
//! let mut registry = FeatureRegistry::new("demo");
//! registry.entities.push(Entity::new("driver_id").with_value_type(ValueType::Int64));
//! registry.feature_views.push(
//!     FeatureView::new("driver_stats", source)
//!         .with_entities(["driver_id"])
//!         .with_schema([Field::new("trips", ValueType::Int64)]),
//! );
//!
//! let frame = RecordBatch::try_from_iter([
//!     ("driver_id", Arc::new(Int64Array::from(vec![2, 1, 1])) as _),
//!     ("event_timestamp", times(vec![15, 15, 25]) as _),
//! ])?;
//! let store = HybridOfflineStore::from_stores([("memory".to_owned(), Arc::new(memory) as _)]);
//! let features = FeatureSelection::References(vec!["driver_stats:trips".parse()?]);
//! let frame = EntityFrame::from_batches(frame.schema(), vec![frame]);
//! let job = store.get_historical_features(&registry, frame, &features, RetrievalOptions::default()).await?;
//! let answer = job.to_arrow().await?;
//! let trips = answer[0].column_by_name("trips").ok_or("no trips")?;
//! assert_eq!(trips.as_ref(), &Int64Array::from(vec![7, 5, 6]) as &dyn hybrid_core::arrow::array::Array);
//! # Ok(())
//! # }
//! ```
//!
//! # The proof
//!
//! `tests/conformance.rs` proves each of these with one line, and `tests/mutations.rs` proves that
//! the proof can fail.

mod columns;
mod config;
mod join;
mod pull;
mod source;
mod store;
mod tables;

pub use config::MemoryConfig;
pub use source::MemorySource;
pub use store::MemoryStore;
