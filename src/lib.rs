//! One feature_store.yaml, training data from many warehouses: each feature view is read by the
//! store that holds it, and a point-in-time join gives one training set.
//!
//! This crate is the facade: the API of [`hybrid_core`] and [`hybrid_feast`], and the backends, each
//! behind a cargo feature. There are three kinds of users.
//!
//! # Applications
//!
//! Depend on this crate and pick backends by feature; the default is `file`. An application names
//! no backend in its code: configuration decides which store answers.
//!
//! ```no_run
//! use hybrid_offline_store::{EntityFrame, FeatureSelection, FeatureStore, Result, RetrievalOptions};
//!
//! async fn training_set(entities: EntityFrame, features: FeatureSelection) -> Result<()> {
//!     let store = FeatureStore::open("my_repo")?;
//!     let _job = store.get_historical_features(entities, &features, RetrievalOptions::default()).await?;
//!     Ok(())
//! }
//! ```
//!
//! [`backends()`] lists what is compiled in. A store that is configured and not compiled in is an
//! error that names the cargo feature. A static library (`staticlib`) also names [`BACKENDS`].
//!
//! # Authors of backends
//!
//! A backend is a crate that depends on `hybrid-core` alone and declares two things: a source type,
//! whose name decides the store's key, and a store.
//!
//! ```ignore
//! #[derive(DataSource, Serialize, Deserialize)]
//! pub struct ClickHouseSource {
//!     pub table: String,
//! }
//!
//! #[offline_store("clickhouse")]
//! #[async_trait]
//! impl OfflineStore for ClickHouseStore {
//!     type Source = ClickHouseSource;
//!     type Config = ClickHouseConfig;
//!     // connect, ping, and the four operations
//! }
//! ```
//!
//! The key is the name of the source type without `Source`, in lower case; anything else does not
//! compile. Two crates that claim one name do not link. The conformance crate tests the rest: one
//! function per behaviour that a store must have. A backend of this workspace is one more line in
//! this crate's table of backends.
//!
//! # Custom stores
//!
//! A store in the application itself, or in a crate of its own, registers in the same way. A crate
//! that has the facade and not `hybrid-core` says so: `#[offline_store("mine", crate =
//! hybrid_offline_store)]` and `#[data_source(crate = hybrid_offline_store)]` beside the derive.
//!
//! A linker drops a crate that nobody names, and its store is then unknown: name the crate once,
//! `extern crate my_store as _;`, or use anything of it.

mod backends;

/// README.md's Rust compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[doc(inline)]
pub use hybrid_core::*;
#[doc(inline)]
pub use hybrid_feast::*;
#[doc(no_inline)]
pub use {hybrid_core, hybrid_feast};

backends::backends! {
    "bigquery", feature "bigquery", crate hybrid_store_bigquery as bigquery, store BigQueryStore;
    "file", aliases("dask", "duckdb"), feature "file", crate hybrid_store_file as file, store FileStore;
    "postgres", aliases("postgresql"), feature "postgres", crate hybrid_store_postgres as postgres, store PostgresStore;
    "redshift", feature "redshift", crate hybrid_store_redshift as redshift, store RedshiftStore;
    "snowflake", aliases("snowflake.offline"), feature "snowflake", crate hybrid_store_snowflake as snowflake, store SnowflakeStore;
    "spark", feature "spark", crate hybrid_store_spark as spark, store SparkStore;
    "trino", feature "trino", crate hybrid_store_trino as trino, store TrinoStore;
}
