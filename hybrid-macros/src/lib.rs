//! `#[offline_store("key")]` and `#[derive(DataSource)]`, which hybrid-core re-exports.
//!
//! Expansions name `::hybrid_core::__private` alone, so a crate that has hybrid-core needs nothing
//! else. Where hybrid-core is reached by another path, say so: `crate = path::to::hybrid_core`.

use proc_macro::TokenStream;

mod data_source;
mod names;
mod offline_store;

/// Makes a struct with named fields the source type of a store.
///
/// The name has to be `<Type>Source`, letters and digits: it decides the store's key, which is
/// `<Type>` in lower case (`BigQuerySource` gives `bigquery`). The name is taken from the declared
/// identifier, so that neither a type alias nor `use … as` changes it. The struct also needs serde's
/// `Serialize` and `Deserialize`.
///
/// ```ignore
/// #[derive(DataSource, Serialize, Deserialize)]
/// pub struct ClickHouseSource {
///     pub table: String,
/// }
/// ```
///
/// `#[data_source(crate = path)]` names hybrid-core where it has another path.
#[proc_macro_derive(DataSource, attributes(data_source))]
pub fn derive_data_source(input: TokenStream) -> TokenStream {
    data_source::expand(input.into())
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

/// Registers a store under its key, in every program that its crate is linked into.
///
/// Stands on `impl OfflineStore for …`. The key has to be that of the impl's `Source` type, or the
/// crate does not compile. Arguments after the key:
///
/// - `aliases("a", "b.c")`: other names for the store in feature_store.yaml and in source types.
/// - `crate = path`: hybrid-core, where it has another path than `::hybrid_core`, as in a crate that
///   depends on the facade alone: `crate = hybrid_offline_store`.
///
/// ```ignore
/// #[offline_store("clickhouse", aliases("clickhouse.offline"))]
/// #[async_trait]
/// impl OfflineStore for ClickHouseStore {
///     type Source = ClickHouseSource;
///     // …
/// }
/// ```
///
/// A linker drops a crate that nobody names, and with it the registration: the program names the
/// crate, `extern crate my_store as _;`, or any path into it.
#[proc_macro_attribute]
pub fn offline_store(arguments: TokenStream, item: TokenStream) -> TokenStream {
    offline_store::expand(arguments.into(), item.into()).into()
}
