//! A registry in Postgres, without Feast: who else writes, and what goes wrong. tests/engines/with postgres -- COMMAND

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "postgres/address.rs"]
mod address;
#[path = "postgres/faults.rs"]
mod faults;
#[path = "postgres/shared.rs"]
mod shared;
mod support;

use hybrid_core::config::RepoConfig;
use hybrid_feast::FeatureStore;
use support::Repo;

fn store(url: &str, more: &str) -> FeatureStore {
    let yaml = format!("project: p\nregistry: {{registry_type: sql, path: '{url}'{more}}}\n");
    let config = RepoConfig::parse(&yaml, "feature_store.yaml".as_ref(), &|_| None).unwrap();
    Repo::open_at(config.registry, config.repo, "p")
}
