//! Feast's remote offline store: an Arrow Flight server over a [`FeatureStore`](hybrid_feast::FeatureStore), for
//! Feast's own clients, unmodified.

mod auth;
mod call;
mod calls;
mod command;
mod config;
mod flight;
mod linger;
mod observe;
mod reflection;
mod server;
mod status;
mod status_page;
mod worker;

pub use auth::{Authenticator, FeastAuth, Identity, OidcConfig};
pub use config::{ServerConfig, TlsFiles};
pub use server::{Metrics, Server};
pub use worker::WorkerConfig;
