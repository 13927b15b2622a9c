//! feature_store.yaml and features.yaml as an application reads them: with the stores that this
//! crate knows, compiled in or not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use hybrid_offline_store::config::{RepoConfig, parse_definitions};
use hybrid_offline_store::{Context, FeatureStore, HybridOfflineStore, Result};

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

fn parse(text: &str) -> Result<RepoConfig> {
    RepoConfig::parse(text, Path::new("feature_store.yaml"), &|_| None)
}

#[test]
fn the_reference_document_as_it_stands() {
    let config = parse(REFERENCE).unwrap();
    let keys: Vec<&str> = config.stores.iter().map(|store| store.key.as_str()).collect();
    assert_eq!(keys, ["bigquery", "redshift", "file"]);
    let context = Context {
        repo: config.repo.clone(),
        project: config.project.clone(),
    };
    assert!(HybridOfflineStore::new(&config, context).is_ok());
}

/// More of Feast's stores, as Feast documents them.
const MORE: &str = "    - type: snowflake.offline
      account: my_account
      user: me
      password: secret
      role: analyst
      warehouse: compute
      database: feast
    - type: postgres
      host: db.example.com
      port: 5432
      database: feast
      db_schema: public
      user: feast
      password: secret
      sslmode: verify-ca
      sslkey_path: /tls/client.key
      sslcert_path: /tls/client.crt
      sslrootcert_path: /tls/ca.crt
    - type: feast.infra.offline_stores.contrib.trino_offline_store.trino.TrinoOfflineStore
      host: trino.example.com
      port: 8080
      http-scheme: https
      ssl-verify: false
      catalog: hive
      dataset: feast
      user: trino
      connector:
        type: hive
        file_format: parquet
    - type: spark
      spark_conf:
        spark.remote: sc://spark.example.com:15002
        spark.sql.session.timeZone: UTC
      staging_location: /staging
      region: us-west-2
";

#[test]
fn the_reference_documents_list_takes_every_store_of_feasts() {
    let config = parse(&format!("{REFERENCE}{MORE}")).unwrap();
    let keys: Vec<&str> = config.stores.iter().map(|store| store.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "bigquery",
            "redshift",
            "file",
            "snowflake",
            "postgres",
            "trino",
            "spark"
        ]
    );
    let context = Context {
        repo: config.repo.clone(),
        project: config.project.clone(),
    };
    // With every backend compiled in, each field is known to its store.
    HybridOfflineStore::new(&config, context).unwrap();
}

#[test]
fn every_name_of_a_store_is_known() {
    let postgres = ", host: h, database: d, user: u, password: p";
    let trino = ", host: h, port: 8080, catalog: c, user: u, connector: { type: memory }";
    for (written, key, fields) in [
        ("dask", "file", ""),
        ("duckdb", "file", ""),
        ("snowflake.offline", "snowflake", ""),
        ("spark", "spark", ""),
        ("trino", "trino", trino),
        ("postgres", "postgres", postgres),
        (
            "feast.infra.offline_stores.contrib.postgres_offline_store.postgres.PostgreSQLOfflineStore",
            "postgres",
            postgres,
        ),
    ] {
        let store = format!("{{ type: {written}{fields} }}");
        let config = parse(&format!("project: p\nregistry: r.db\noffline_store: {store}\n")).unwrap();
        assert_eq!(config.stores[0].key, key, "{written}");
    }
}

/// Before anything is sent to it.
#[cfg(feature = "full")]
#[tokio::test]
async fn a_formulation_that_an_engine_lacks_is_refused_when_its_store_connects() {
    use hybrid_offline_store::ErrorKind;

    let postgres = "postgres, host: h, database: d, user: u, password: p";
    let trino = "trino, host: h, port: 8080, catalog: c, user: u, connector: { type: memory }";
    let snowflake = "snowflake.offline, account: a, user: u, password: p, database: d, \
        config_path: backends/snowflake/tests/common/empty.ini";
    let bigquery = "bigquery, project_id: p, anonymous: true, api_endpoint: 'http://localhost:1', \
        storage_endpoint: 'http://localhost:1'";
    for (store, lacks, offered) in [
        (bigquery, "as_of", "running_time, last_value, ranked"),
        (postgres, "as_of", "running_time, ranked, lateral"),
        (postgres, "last_value", "running_time, ranked, lateral"),
        (
            "redshift, region: r, database: d, host: h, user: u, password: p",
            "as_of",
            "running_time, ranked",
        ),
        (snowflake, "last_value", "running_time, as_of, ranked"),
        (
            "spark, connect_url: 'sc://localhost:1'",
            "as_of",
            "running_time, running_struct, ranked",
        ),
        (trino, "last_value", "running_time, ranked"),
        (trino, "running_struct", "running_time, ranked"),
    ] {
        let store = format!("{{ type: {store}, formulation: {lacks} }}");
        let config = parse(&format!("project: p\nregistry: r.db\noffline_store: {store}\n")).unwrap();
        let hybrid = HybridOfflineStore::new(&config, Context::default()).unwrap();
        let error = hybrid.ping(&config.stores[0].key).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{store}: {error}");
        assert_eq!(
            error.message(),
            format!("`formulation: {lacks}` is not to be had in this engine")
        );
        assert_eq!(
            error.help(),
            [format!("use one of {offered}, or leave it out")],
            "{store}"
        );
    }
}

#[test]
fn an_unknown_store_gets_the_nearest_name() {
    let error = parse("project: p\nregistry: r.db\noffline_store:\n  type: bigqury\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "feature_store.yaml:4:9: unknown store type `bigqury`\n  \
         help: did you mean `bigquery`?\n  \
         help: the types are bigquery, file, postgres, redshift, snowflake, spark, trino\n  \
         help: a custom store is given by its class, a dotted path that ends in `OfflineStore`"
    );
}

#[cfg(feature = "file")]
#[test]
fn the_fields_of_a_source_are_those_of_its_store() {
    let parse = |text: &str| parse_definitions(text, Path::new("features.yaml"), &|_| None);
    let text = "sources:\n  - {name: s, type: file, pth: a.parquet}\n  - {name: t, type: file, path: [a]}\n";
    let error = parse(text).unwrap_err();
    let first = &error.problems()[0];
    assert_eq!(first.position().unwrap().to_string(), "features.yaml:2:27");
    assert_eq!(
        (first.message(), first.help()[0].as_str()),
        ("unknown field `pth`", "did you mean `path`?")
    );
    assert_eq!(error.problems().len(), 2, "{error}");
    assert!(parse("sources: [{name: s, type: FileSource, path: a.parquet}]").is_ok());
    // What every source has is none of its store's.
    let partitioned =
        "sources: [{name: s, type: file, path: a, date_partition_column: d, date_partition_column_format: \"%Y%m%d\"}]";
    let read = parse(partitioned).unwrap();
    assert_eq!(read.sources[0].options.keys().collect::<Vec<_>>(), ["path"]);
    // Those of a store that is not compiled in are not known.
    let elsewhere = parse("sources: [{name: s, type: bigquery, whatever: 1}]");
    assert_eq!(elsewhere.is_ok(), cfg!(not(feature = "bigquery")), "{elsewhere:?}");
}

#[cfg(feature = "file")]
#[test]
fn the_fields_of_a_store_are_checked_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("feature_store.yaml");
    std::fs::write(
        &file,
        "project: p\nregistry: r.db\noffline_store:\n  type: file\n  pth: data\n",
    )
    .unwrap();
    let error = FeatureStore::open(folder.path()).err().unwrap();
    assert_eq!(error.position().map(|at| (at.line, at.column)), Some((5, 3)));
    assert_eq!(
        (error.message(), error.help()[0].as_str()),
        ("unknown field `pth`", "did you mean `path`?")
    );
}

#[cfg(feature = "file")]
#[test]
fn a_stores_own_mistakes_are_told_beside_those_of_others() {
    let text = "project: demo\nregistry: registry.db\noffline_store:\n  type: hybrid\n  offline_stores:\n    - type: file\n      pth: data\n    - type: bigqury\n";
    let error = RepoConfig::parse(text, "feature_store.yaml".as_ref(), &|_| None).unwrap_err();
    let said = error.to_string();
    for part in [
        "feature_store.yaml:7:7",
        "did you mean `path`?",
        "feature_store.yaml:8:13",
        "did you mean `bigquery`?",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}
