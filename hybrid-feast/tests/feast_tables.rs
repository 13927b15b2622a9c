//! Registries in tables that real Feast keeps: `scripts/test feast`.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::sync::Arc;

use hybrid_core::config::{RegistryConfig, SqlRegistry};
use hybrid_feast::FeatureStore;
use serde_json::{Value, json};
use support::definitions::{definitions, in_order, views};
use support::feast::{FEATURES, FeastRepo, run};
use support::postgres::{self, Postgres};
use support::{REGISTRY, Repo};

/// The registries that are tables here, as feature_store.yaml has them.
struct Tables {
    kinds: Vec<Value>,
    database: Option<Postgres>,
}

impl Tables {
    async fn new() -> Self {
        let sql = |path: &str| json!({"registry_type": "sql", "path": path, "cache_ttl_seconds": 60});
        let mut kinds = vec![sql("sqlite:///data/registry.sqlite")];
        let mut database = None;
        if postgres::is_there() {
            let made = Postgres::new().await;
            kinds.push(sql(&made.url()));
            database = Some(made);
        }
        Self { kinds, database }
    }

    async fn end(self) {
        if let Some(database) = self.database {
            database.drop().await;
        }
    }
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn what_feast_applied_is_the_same_in_tables_and_in_a_file() {
    let tables = Tables::new().await;
    let file = FeastRepo::new(&json!("data/registry.db"));
    file.apply(FEATURES);
    let expected = file.store().registry().await.unwrap();
    assert_eq!(views(&expected), ["live_view", "nobody_view", "stats_view"]);
    for registry in &tables.kinds {
        let repo = FeastRepo::new(registry);
        repo.apply(FEATURES);
        let store = repo.store();
        assert_eq!(
            in_order(&store.registry().await.unwrap()),
            in_order(&expected),
            "{registry}"
        );
        assert_eq!(store.permissions().await.unwrap().len(), 1, "{registry}");
        repo.apply(&FEATURES.replace("days=1", "days=2"));
        let ttl = store
            .registry()
            .await
            .unwrap()
            .feature_view("stats_view")
            .unwrap()
            .ttl
            .unwrap();
        assert_eq!(ttl.as_secs(), 2 * 86400, "{registry}");
    }
    tables.end().await;
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn every_kind_that_feast_knows_is_the_same_in_tables_and_in_a_file() {
    let expected = in_order(&hybrid_feast::read_registry(REGISTRY, "demo").unwrap());
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:///{}", folder.path().join("registry.sqlite").display());
    let database = if postgres::is_there() {
        Some(Postgres::new().await)
    } else {
        None
    };
    for url in [Some(sqlite), database.as_ref().map(Postgres::url)]
        .into_iter()
        .flatten()
    {
        run("make_registry.py", &url);
        let store = open(&url, "demo");
        assert_eq!(in_order(&store.registry().await.unwrap()), expected, "{url}");
        assert_eq!(open(&url, "other").registry().await.unwrap().entities.len(), 1);
    }
    if let Some(database) = database {
        database.drop().await;
    }
}

fn open(url: &str, project: &str) -> FeatureStore {
    let yaml = format!("project: {project}\nregistry: {{registry_type: sql, path: '{url}'}}\n");
    let config = hybrid_core::config::RepoConfig::parse(&yaml, "feature_store.yaml".as_ref(), &|_| None).unwrap();
    let RegistryConfig::Sql(SqlRegistry { .. }) = &config.registry else {
        panic!("{config:?}")
    };
    Repo::open_at(config.registry, config.repo, project)
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn what_feast_did_a_moment_ago_is_seen() {
    let tables = Tables::new().await;
    for registry in &tables.kinds {
        let repo = FeastRepo::new(registry);
        let (store, mut feast) = (repo.store(), repo.feast());
        feast.apply("first", 1);
        for hours in 2..12 {
            // Often within one second, which is all that Feast's own times tell apart.
            feast.apply("first", hours);
            let ttl = store.registry().await.unwrap().feature_view("first").unwrap().ttl;
            assert_eq!(ttl.unwrap().as_secs(), u64::from(hours) * 3600, "{registry}");
        }
        feast.apply("second", 1);
        assert_eq!(
            views(&store.registry().await.unwrap()),
            ["first", "second"],
            "{registry}"
        );
        feast.delete("first");
        let read = store.registry().await.unwrap();
        assert_eq!(views(&read), ["second"], "{registry}");
        assert!(
            Arc::ptr_eq(&read, &store.registry().await.unwrap()),
            "{registry}: nothing changed"
        );
    }
    tables.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Feast: scripts/test feast"]
async fn feast_and_we_apply_at_the_same_time() {
    let tables = Tables::new().await;
    for registry in &tables.kinds {
        let repo = FeastRepo::new(registry);
        let mut feast = repo.feast();
        feast.apply("theirs0", 1);
        let store = repo.store();
        let ours = tokio::spawn(async move {
            for round in 0..10 {
                store.apply(definitions(&format!("ours{round}")), false).await.unwrap();
            }
            store
        });
        let mut feast = tokio::task::spawn_blocking(move || {
            (1..6).for_each(|round| feast.apply(&format!("theirs{round}"), 1));
            feast
        })
        .await
        .unwrap();
        let store = ours.await.unwrap();
        let all = views(&store.registry().await.unwrap());
        assert_eq!(all.len(), 16, "{registry}: {all:?}");
        assert_eq!(feast.views(), all, "{registry}");
    }
    tables.end().await;
}
