//! What every store must return, as one public async function per behaviour.
//!
//! A store passes when every function of [`behaviours`] passes against it. What the answers must be
//! is worked out by a naive [oracle]: plain rows and nested loops, which share nothing with
//! the joins of the library.
//!
//! An author of a store writes a [`Fixture`], which makes a table from Arrow rows, says where a result
//! goes, and drops both, and one line in a test file; each behaviour is then a test of its own:
//!
//! ```ignore
//! hybrid_conformance::suite!(MyFixture::start().await);
//! ```
//!
//! [`run_all`] runs everything in one go and returns a [`Report`], which also lists what did not
//! run and why: a capability that is not declared, a type that the engine cannot store. A fixture
//! [says](Fixture::not_run) beforehand what that is: what it does not say, and is not run, has failed.

pub mod behaviours;
mod fixture;
#[cfg(feature = "sql")]
pub mod formulations;
pub mod killed;
mod memory;
mod not_run;
pub mod oracle;
pub mod partitioned;
pub mod random;
mod report;
mod scene;
mod signal;
#[cfg(feature = "sql")]
pub mod statements;
mod suite;
pub mod table;
pub mod value;
mod verdict;
mod wait;

pub use fixture::Fixture;
pub use memory::peak_mib;
pub use not_run::{ANY_TIE, NO_NANOSECONDS, NO_WRITES, NotRun};
pub use random::random_joins;
pub use report::{Behaviour, Report, all, block_on, run_all, run_named};
pub use scene::{Scene, View};
pub use signal::signal;
pub use table::Table;
pub use value::Value;
pub use verdict::{Miss, Untried, Verdict};
pub use wait::until;
