use super::{config, with_store};
use crate::ErrorKind;
use crate::config::RegistryConfig;

/// The reference document's configuration, as it stands there.
const REFERENCE: &str = "\
project: my_project
registry: registry.db
provider: local
offline_store:
  type: feast.infra.offline_stores.hybrid_offline_store.HybridOfflineStore
  offline_stores:
    - type: bigquery
      dataset: feast_dataset
      project_id: gcp_project_id
    - type: redshift
      cluster_id: my_redshift_cluster
      region: us-west-2
      user: admin
      database: feast
      s3_staging_location: s3://feast-bucket/staging
    - type: file
      path: /data/feast
";

/// Keys of the stores that `store` configures.
fn keys(store: &str) -> Vec<String> {
    let read = with_store(store).unwrap_or_else(|error| panic!("{store}: {error}"));
    read.stores.into_iter().map(|store| store.key).collect()
}

#[test]
fn the_reference_document_as_it_stands() {
    let read = config(REFERENCE).unwrap();
    let registry = RegistryConfig::File("repo/registry.db".to_owned());
    assert_eq!((read.project.as_str(), &read.registry), ("my_project", &registry));
    assert!(!read.cross_source_joins);
    let stores = read
        .stores
        .iter()
        .map(|store| (store.key.as_str(), store.position.line));
    assert_eq!(
        stores.collect::<Vec<_>>(),
        [("bigquery", 7), ("redshift", 10), ("file", 16)]
    );
    let bigquery = read.stores[0].fields.to_json_map();
    assert_eq!(
        serde_json::Value::Object(bigquery),
        serde_json::json!({"dataset": "feast_dataset", "project_id": "gcp_project_id"})
    );
    let redshift: Vec<_> = read.stores[1].fields.entries().map(|(key, _)| key.to_owned()).collect();
    assert_eq!(
        redshift,
        ["cluster_id", "region", "user", "database", "s3_staging_location"]
    );
    assert_eq!(
        read.stores[2].fields.get("path").and_then(|at| at.as_str()),
        Some("/data/feast")
    );
}

#[test]
fn carriage_returns_and_a_byte_order_mark_change_nothing() {
    let windows = format!("\u{feff}{}", REFERENCE.replace('\n', "\r\n"));
    let (ours, theirs) = (config(REFERENCE).unwrap(), config(&windows).unwrap());
    assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    let json = |read: &crate::config::RepoConfig| read.stores.iter().map(|s| s.fields.to_json()).collect::<Vec<_>>();
    assert_eq!(json(&ours), json(&theirs));
}

#[test]
fn the_three_spellings_of_the_hybrid_store() {
    for written in [
        "hybrid",
        "hybrid_offline_store.HybridOfflineStore",
        "feast.infra.offline_stores.hybrid_offline_store.HybridOfflineStore",
    ] {
        let store = format!("{{type: {written}, cross_source_joins: true, offline_stores: [file, {{type: trino}}]}}");
        assert_eq!(keys(&store), ["file", "trino"]);
        assert!(with_store(&store).unwrap().cross_source_joins);
    }
}

#[test]
fn conf_holds_the_same_as_fields_beside_the_type() {
    let flat = with_store("{type: hybrid, offline_stores: [{type: trino, host: h, port: 1}]}").unwrap();
    let conf =
        with_store("{type: hybrid, offline_stores: [{type: trino, conf: {type: trino, host: h, port: 1}}]}").unwrap();
    let fields = serde_json::json!({"host": "h", "port": 1});
    assert_eq!(flat.stores[0].fields.to_json(), fields);
    assert_eq!(conf.stores[0].fields.to_json(), fields);
    for nothing in [
        "{type: trino}",
        "{type: trino, conf: }",
        "{type: trino, conf: {}}",
        "trino",
    ] {
        let read = with_store(nothing).unwrap();
        assert_eq!(read.stores[0].fields.to_json(), serde_json::json!({}), "{nothing}");
        assert_eq!(read.stores[0].fields.position().line, 3, "{nothing}");
    }
}

#[test]
fn a_single_store_in_every_form() {
    for (store, key) in [
        ("file", "file"),
        ("{type: file}", "file"),
        ("dask", "file"),
        ("{type: duckdb, path: a}", "file"),
        ("{type: snowflake.offline}", "snowflake"),
        (
            "feast.infra.offline_stores.contrib.postgres_offline_store.postgres.PostgreSQLOfflineStore",
            "postgres",
        ),
        (
            "{type: feast.infra.offline_stores.bigquery.BigQueryOfflineStore}",
            "bigquery",
        ),
        ("{type: my_shop.stores.ClickHouseOfflineStore}", "clickhouse"),
        ("{path: a}", "file"),
        ("", "file"),
        ("~", "file"),
        ("{}", "file"),
    ] {
        assert_eq!(keys(store), [key], "{store}");
    }
    let plain = config("project: p\nregistry: r.db\n").unwrap();
    assert_eq!((plain.stores.len(), plain.stores[0].key.as_str()), (1, "file"));
    let read = with_store("{type: duckdb, path: a}").unwrap();
    assert_eq!(read.stores[0].written, "duckdb");
    assert_eq!(read.stores[0].position.to_string(), "repo/feature_store.yaml:3:23");
}

#[test]
fn what_is_no_class_of_a_store_is_unknown() {
    for written in [
        "OfflineStore",
        "my..ClickHouseOfflineStore",
        "my.Click-HouseOfflineStore",
        "my.ClickHouse",
    ] {
        let error = with_store(&format!("{{type: {written}}}")).unwrap_err();
        assert_eq!(error.message(), format!("unknown store type `{written}`"));
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}

#[test]
fn other_keys_of_feast_are_ignored_with_their_variables() {
    let read = config(
        "project: p\nregistry: {path: data/r.db, cache_ttl_seconds: 60}\nprovider: local\n\
         entity_key_serialization_version: 3\nauth: {type: no_auth}\n\
         online_store:\n  type: redis\n  connection_string: ${UNDEFINED}\n",
    )
    .unwrap();
    assert_eq!(read.registry, RegistryConfig::File("repo/data/r.db".to_owned()));
}
