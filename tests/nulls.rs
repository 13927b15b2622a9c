//! A field of a store that is null in feature_store.yaml counts as one that is not there: for every store, every field
//! that it knows.

#![allow(clippy::unwrap_used)]

use std::fmt::Debug;
use std::path::Path;

use hybrid_offline_store::bigquery::BigQueryConfig;
use hybrid_offline_store::config::Node;
use hybrid_offline_store::file::FileConfig;
use hybrid_offline_store::postgres::PostgresConfig;
use hybrid_offline_store::redshift::RedshiftConfig;
use hybrid_offline_store::snowflake::SnowflakeConfig;
use hybrid_offline_store::spark::SparkConfig;
use hybrid_offline_store::trino::TrinoConfig;
use serde::de::DeserializeOwned;

/// The fields of a store, as they stand in feature_store.yaml.
fn written(fields: &[(&str, &str)]) -> Node {
    let lines = fields.iter().map(|(name, value)| format!("{name}: {value}\n"));
    Node::parse(&lines.collect::<String>(), Path::new("feature_store.yaml")).unwrap()
}

/// Every field that the store knows, as it says itself.
fn known<C: DeserializeOwned + Debug>(needed: &[(&str, &str)]) -> Vec<String> {
    let error = written(&[needed, &[("no_such_field", "1")]].concat())
        .deserialize::<C>()
        .unwrap_err();
    let told = error
        .help()
        .iter()
        .find_map(|help| help.strip_prefix("the fields are "));
    told.unwrap_or_else(|| panic!("{error}"))
        .split(", ")
        .map(str::to_owned)
        .collect()
}

/// Each field as null, beside those that are `needed`; there are at least `least`.
fn check<C: DeserializeOwned + PartialEq + Debug>(needed: &[(&str, &str)], least: usize) {
    let right: C = written(needed).deserialize().unwrap();
    let known = known::<C>(needed);
    assert!(known.len() >= least, "{known:?}");
    for name in &known {
        let others: Vec<(&str, &str)> = needed.iter().copied().filter(|(other, _)| other != name).collect();
        let with_null = [&others[..], &[(name.as_str(), "null")]].concat();
        let read = written(&with_null).deserialize::<C>();
        if others.len() == needed.len() {
            assert_eq!(read.unwrap(), right, "{name}");
            continue;
        }
        let error = read.unwrap_err();
        assert!(error.message().starts_with(&format!("`{name}` must be ")), "{error}");
        assert!(error.message().ends_with(", not nothing"), "{error}");
        assert_eq!(error.position().map(|at| at.line), Some(needed.len()), "{error}");
    }
}

#[test]
fn of_every_store() {
    check::<BigQueryConfig>(&[], 19);
    check::<FileConfig>(&[], 1);
    let postgres = [("host", "h"), ("database", "d"), ("user", "u"), ("password", "p")];
    check::<PostgresConfig>(&postgres, 16);
    check::<RedshiftConfig>(&[("region", "r"), ("database", "d")], 24);
    check::<SnowflakeConfig>(&[], 33);
    check::<SparkConfig>(&[], 5);
    let trino = [
        ("host", "h"),
        ("port", "1"),
        ("catalog", "c"),
        ("user", "u"),
        ("connector", "{type: memory}"),
    ];
    check::<TrinoConfig>(&trino, 20);
}
