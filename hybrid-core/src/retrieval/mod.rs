//! One retrieval: the plan from definitions, the entity frame, the stores' answers put together
//! in the frame's order.

mod assemble;
mod contract;
mod csv;
mod files;
mod frame;
mod job;
mod options;
mod plan;
mod range;
mod reorder;
mod run;
mod selection;
mod spill;
mod spool;
mod summary;

pub use csv::CsvFrame;
pub use files::{read_file, write_new, write_stream};
pub use frame::EntityFrame;
pub use job::RetrievalJob;
pub use options::RetrievalOptions;
pub use selection::FeatureSelection;
pub use spool::{size, spooled};
pub use summary::{Summary, SummaryHandle};

pub(crate) use frame::Frame;
pub(crate) use plan::{Plan, PlannedView};
