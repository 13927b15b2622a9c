//! The facade's table of backends: names, and the error for what is not compiled in.

#![allow(clippy::unwrap_used)]

use hybrid_offline_store::store::{find_backend, resolve_key};
use hybrid_offline_store::{BACKENDS, backends};

#[test]
fn names_and_aliases_resolve_whether_compiled_in_or_not() {
    let written = [
        ("file", "file"),
        ("dask", "file"),
        ("duckdb", "file"),
        ("postgres", "postgres"),
        ("postgresql", "postgres"),
        ("snowflake.offline", "snowflake"),
        ("bigquery", "bigquery"),
    ];
    for (name, key) in written {
        assert_eq!(resolve_key(name), Some(key));
    }
    assert_eq!(resolve_key("clickhouse"), None);
    assert_eq!(resolve_key("File"), None);
}

#[test]
fn every_compiled_in_backend_is_in_the_table() {
    let table: Vec<_> = BACKENDS.iter().map(|backend| backend.key()).collect();
    let listed: Vec<_> = backends().iter().map(|backend| backend.key()).collect();
    assert_eq!(table, listed);
    assert_eq!(table.contains(&"file"), cfg!(feature = "file"));
}

#[test]
#[cfg(not(feature = "file"))]
fn a_backend_whose_feature_is_off_names_the_feature() {
    let error = find_backend("file").unwrap_err();
    assert_eq!(error.message(), "store `file` is not compiled in");
    assert_eq!(
        error.help()[0],
        "turn on the cargo feature `file` of `hybrid-offline-store`: cargo add hybrid-offline-store --features file"
    );
}

#[test]
fn a_misspelt_store_gets_the_nearest_name() {
    let error = find_backend("bigqury").unwrap_err();
    assert_eq!(error.message(), "unknown store `bigqury`");
    assert_eq!(error.help()[0], "did you mean `bigquery`?");
}
