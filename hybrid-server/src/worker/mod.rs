//! On-demand feature views, which are Python functions: run in processes beside the server.
//!
//! A process gets some rows, the views and nothing else, gives the views' columns of these rows, and is then free for
//! whoever comes next. Feast is what runs the function in it, so a view's columns have the names and types that Feast
//! gives them.

mod chunks;
mod config;
mod failure;
mod ipc;
mod message;
mod pool;
mod process;
mod request;
mod stderr;
#[cfg(test)]
mod tests;
mod transform;

pub use config::WorkerConfig;
pub(crate) use request::Asked;
pub(crate) use transform::Workers;
