//! Whole files, and the exact texts and positions of their errors.
#![allow(clippy::unwrap_used, clippy::expect_used)]
mod definition_errors;
mod definitions;
mod errors;
mod fuzz;
mod hostile;
mod registry;
mod secrets;
mod stores;
mod typed;
mod variables;
mod written;

use super::{RepoConfig, definitions as parser};
use crate::{FeatureRegistry, Result};
use std::path::Path;
/// The stores that Feast has, by their keys and other names; core itself knows none.
const STORES: [(&str, &[&str]); 7] = [
    ("file", &["dask", "duckdb"]),
    ("bigquery", &[]),
    ("redshift", &[]),
    ("snowflake", &["snowflake.offline"]),
    ("spark", &[]),
    ("trino", &[]),
    ("postgres", &["postgresql"]),
];

fn resolve(written: &str) -> Option<String> {
    let named = |(key, aliases): &&(&str, &[&str])| *key == written || aliases.contains(&written);
    STORES.iter().find(named).map(|(key, _)| (*key).to_owned())
}

fn variable(name: &str) -> Option<String> {
    let value = match name {
        "HOST" => "db.example",
        "PORT" => "5432",
        "EMPTY" => "",
        "NULL" => "null",
        "PASSWORD" => "p:a #b$c",
        "BUCKET" => "s3://bucket",
        _ => return None,
    };
    Some(value.to_owned())
}

/// Reads a feature_store.yaml in the folder `repo`.
fn config(text: &str) -> Result<RepoConfig> {
    RepoConfig::parse_with(text, Path::new("repo/feature_store.yaml"), &variable, &resolve)
}

/// Reads a feature_store.yaml with this `offline_store`.
fn with_store(store: &str) -> Result<RepoConfig> {
    config(&format!("project: p\nregistry: r.db\noffline_store: {store}\n"))
}

/// Reads a features.yaml; no store checks the options of its sources.
fn definitions(text: &str) -> Result<FeatureRegistry> {
    parser::parse_with(text, Path::new("features.yaml"), &variable, &resolve, &|_, _| Ok(()))
}

/// Compares the error of each file with what it must be.
#[track_caller]
fn check_errors<T>(read: impl Fn(&str) -> Result<T>, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let error = read(text).err().unwrap_or_else(|| panic!("no error for\n{text}"));
        assert_eq!(error.to_string(), *expected, "of\n{text}");
    }
}
