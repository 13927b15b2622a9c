//! The point-in-time join as a streaming operator, for stores that read feature rows themselves.
//!
//! One pass over the feature rows, in any order and from several threads; memory grows with the
//! entity rows and never with the features.
//!
//! [`EntityIndex`] sorts the entity rows by key and time into *slots*, one per distinct pair. Each
//! thread has a [`JoinWorker`]: it looks up the first slot that may see a feature row and keeps the
//! best row of each slot. In the end the workers are [merged](JoinWorker::merge), and a running
//! maximum along the slots of each key gives every entity row its winner.
//!
//! ```
//! # fn main() -> hybrid_core::Result<()> {
//! use std::sync::Arc;
//! use hybrid_core::arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array};
//! use hybrid_core::arrow::datatypes::{DataType, Float64Type};
//! use hybrid_core::join::{EntityIndex, FeatureBatch, JoinOptions, JoinWorker};
//!
//! let drivers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
//! let index = Arc::new(EntityIndex::new(&[drivers], &Int64Array::from(vec![100, 100]))?);
//! let mut worker = JoinWorker::new(index, &[DataType::Float64], JoinOptions::default());
//! worker.push(&FeatureBatch {
//!     keys: vec![Arc::new(Int64Array::from(vec![1, 1, 2]))],
//!     times: Int64Array::from(vec![90, 95, 101]),
//!     created: None,
//!     features: vec![Arc::new(Float64Array::from(vec![0.1, 0.2, 0.3]))],
//!     sequence: 0,
//! })?;
//! let rates = worker.finish()?.columns(0, 2)?;
//! let rates: Vec<_> = rates[0].as_primitive::<Float64Type>().iter().collect();
//! assert_eq!(rates, [Some(0.2), None]);
//! # Ok(())
//! # }
//! ```

mod batch;
mod bounds;
mod index;
mod joined;
mod keys;
mod latest;
mod probe;
mod store;
mod table;
mod winners;
mod worker;

#[cfg(test)]
mod tests;

pub use batch::FeatureBatch;
pub use index::EntityIndex;
pub use joined::JoinedFeatures;
pub use latest::LatestPerKey;
pub use worker::{JoinOptions, JoinWorker};
