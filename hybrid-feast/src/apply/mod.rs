//! What happens to definitions before they reach the registry: sources get names, absent schemas
//! and types are inferred, and every column and reference is checked.

mod columns;
mod infer;
mod names;
mod prepared;
mod validate;

pub(crate) use names::name_sources;
pub use prepared::Checked;
pub(crate) use prepared::Prepared;
pub(crate) use validate::validate;
