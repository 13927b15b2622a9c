use std::path::PathBuf;

use super::{check_errors, config};
use crate::ErrorKind;
use crate::config::{ClientAuth, RegistryConfig, RemoteRegistry, RemoteTls, SchemaMode, SqlAddress, SqlRegistry};

fn registry(written: &str) -> RegistryConfig {
    let read = config(&format!("project: p\nregistry: {written}\n"));
    read.unwrap_or_else(|error| panic!("{written}: {error}")).registry
}

fn sql(written: &str) -> SqlRegistry {
    match registry(written) {
        RegistryConfig::Sql(sql) => sql,
        other => panic!("{other:?}"),
    }
}

fn remote(text: &str) -> RemoteRegistry {
    match config(&format!("project: p\nregistry: {text}\n")).unwrap().registry {
        RegistryConfig::Remote(remote) => remote,
        other => panic!("{other:?}"),
    }
}

fn sqlite(path: &str, read_only: bool) -> SqlAddress {
    let path = PathBuf::from(path);
    SqlAddress::Sqlite { path, read_only }
}

#[test]
fn paths_start_at_the_repository() {
    for (written, expected) in [
        ("data/r.db", "repo/data/r.db"),
        ("/data/r.db", "/data/r.db"),
        ("file:///data/r.db", "/data/r.db"),
        ("s3://bucket/r.db", "s3://bucket/r.db"),
        ("{registry_type: file, path: r.db}", "repo/r.db"),
        ("${BUCKET}/r.db", "s3://bucket/r.db"),
    ] {
        assert_eq!(
            registry(written),
            RegistryConfig::File(expected.to_owned()),
            "{written}"
        );
    }
    for (written, expected) in [
        ("sqlite:///r.db", sqlite("repo/r.db", false)),
        ("sqlite:////data/r.db", sqlite("/data/r.db", false)),
        ("sqlite+pysqlite:///r.db?timeout=3", sqlite("repo/r.db", false)),
        ("'sqlite:///file:r.db?mode=ro&uri=true'", sqlite("repo/r.db", true)),
    ] {
        let read = sql(&format!("{{registry_type: sql, path: {written}}}"));
        assert_eq!(read.address, expected, "{written}");
        let timeout = read.connect_args.get("timeout").map(|seconds| seconds.expose());
        assert_eq!(timeout, written.contains("timeout").then_some("3"), "{written}");
    }
}

#[test]
fn every_field_of_a_sql_registry_is_known() {
    let read = sql(
        "\n  registry_type: sql\n  path: postgresql+psycopg://me:$PASSWORD@db/f\n  \
         read_path: postgresql://me@replica/f\n  cache_ttl_seconds: 60\n  cache_mode: thread\n  \
         sqlalchemy_config_kwargs: {echo: false, pool_pre_ping: true, connect_args: {sslmode: require, a: [1]}}\n  \
         thread_pool_executor_worker_count: 2\n  schema_mode: verify\n  purge_feast_metadata: true\n  \
         enable_online_feature_view_versioning: false\n  serve_features_while_materializing: false\n  mcp: {enabled: true}",
    );
    let SqlAddress::Postgres(url) = &read.address else {
        panic!("{read:?}")
    };
    assert_eq!(url.password.as_ref().unwrap().expose(), "p:a #b$c");
    assert_eq!(url.host.as_deref(), Some("db"));
    let Some(SqlAddress::Postgres(replica)) = &read.read_address else {
        panic!("{read:?}")
    };
    assert_eq!(replica.host.as_deref(), Some("replica"));
    let args: Vec<_> = read
        .connect_args
        .iter()
        .map(|(key, value)| (key.as_str(), value.expose()))
        .collect();
    assert_eq!(args, [("sslmode", "require")]);
    assert_eq!(
        (read.schema_mode, read.purge_feast_metadata),
        (SchemaMode::Verify, true)
    );
    let shown = format!("{read:?}");
    assert!(shown.contains("postgresql://db/f") && !shown.contains("p:a"), "{shown}");
}

#[test]
fn every_field_of_a_registry_server_is_known() {
    let read = remote(
        "\n  registry_type: remote\n  path: https://host:6570/\n  cert: ca.pem\n  is_tls: true\n  client_cert: c.pem\n  \
         client_key: /k.pem\n  authority: feast.example\n  cache_ttl_seconds: 60",
    );
    assert_eq!(
        read,
        RemoteRegistry {
            address: "host:6570".to_owned(),
            tls: Some(RemoteTls {
                ca: Some("repo/ca.pem".into()),
                identity: Some(("repo/c.pem".into(), "/k.pem".into())),
                authority: Some("feast.example".to_owned()),
            }),
            auth: ClientAuth::None,
        }
    );
    let plain = remote("{registry_type: remote, path: 'host:1', cert: '', is_tls: false}");
    assert_eq!((plain.address.as_str(), plain.tls), ("host:1", None));
    let system = remote("{registry_type: remote, path: 'grpc://[::1]:1', is_tls: true}");
    assert_eq!(
        (system.address.as_str(), system.tls),
        ("[::1]:1", Some(RemoteTls::default()))
    );
}

#[test]
fn a_registry_server_is_told_who_asks() {
    let auth = |auth: &str| remote(&format!("{{registry_type: remote, path: 'h:1'}}\nauth: {auth}")).auth;
    assert_eq!(auth("{type: no_auth}"), ClientAuth::None);
    assert_eq!(auth("{type: oidc, token: t}"), ClientAuth::Oidc(Some("t".into())));
    assert_eq!(
        auth("{type: oidc, token: $HOST}"),
        ClientAuth::Oidc(Some("db.example".into()))
    );
    assert_eq!(
        auth("{type: oidc, token_env_var: HOST}"),
        ClientAuth::Oidc(Some("db.example".into()))
    );
    assert_eq!(
        auth("{type: oidc, auth_discovery_url: u, client_id: c}"),
        ClientAuth::Oidc(None)
    );
    assert_eq!(
        auth("{type: kubernetes, user_token: t}"),
        ClientAuth::Kubernetes(Some("t".into()))
    );
    let shown = format!("{:?}", auth("{type: oidc, token: hunter2}"));
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn wrong_registries() {
    let registry = |written: &str| config(&format!("project: p\nregistry: {written}\n"));
    check_errors(
        registry,
        &[
            (
                "{registry_type: sql}",
                "repo/feature_store.yaml:2:11: `registry` has no `path`",
            ),
            (
                "{registry_type: sql, path: r.db}",
                "repo/feature_store.yaml:2:38: this is no address of a database\n\
                 \x20 help: for example sqlite:///data/registry.db or postgresql://user:password@host/database",
            ),
            (
                "{registry_type: sql, path: 'sqlite://'}",
                "repo/feature_store.yaml:2:38: a registry in SQLite needs a file: three slashes, then its path\n\
                 \x20 help: for example sqlite:///data/registry.db or postgresql://user:password@host/database",
            ),
            (
                "{registry_type: sql, path: 'mysql+pymysql://me:hunter2@h/d'}",
                "repo/feature_store.yaml:2:38: a registry in mysql is not supported\n\
                 \x20 help: SQLite and PostgreSQL are supported",
            ),
            (
                "{registry_type: sql, path: 'sqlite:///r.db', schema_mode: none, pth: 1}",
                "2 problems\n\
                 repo/feature_store.yaml:2:69: `none` is no schema_mode\n\
                 \x20 help: it is `auto`, `verify` or `skip`\n\
                 repo/feature_store.yaml:2:75: unknown field `pth`\n\
                 \x20 help: did you mean `path`?\n\
                 \x20 help: the fields are registry_type, path, read_path, sqlalchemy_config_kwargs, schema_mode, purge_feast_metadata, thread_pool_executor_worker_count, registry_store_type, cache_ttl_seconds, cache_mode, s3_additional_kwargs, enable_online_feature_view_versioning, serve_features_while_materializing, mcp",
            ),
            (
                "{registry_type: remote, path: localhost}",
                "repo/feature_store.yaml:2:41: the address of a registry server is its host and port\n\
                 \x20 help: for example localhost:6570",
            ),
            (
                "{registry_type: remote, path: 'h:1', client_key: k}",
                "repo/feature_store.yaml:2:11: `client_cert` and `client_key` belong together, and one of them is missing\n\
                 \x20 help: give both, or none",
            ),
            (
                "{registry_type: remote, path: 'h:1'}\nauth: {type: oidc, client_secret: hunter2}",
                "repo/feature_store.yaml:3:35: a token cannot be fetched from the OIDC issuer here\n\
                 \x20 help: give `token`, `token_env_var`, or the environment variable FEAST_OIDC_TOKEN",
            ),
            (
                "{registry_type: remote, path: 'h:1'}\nauth: {type: oidc, token_env_var: UNDEFINED}",
                "repo/feature_store.yaml:3:35: the variable that `token_env_var` names is not set",
            ),
            (
                "{registry_type: remote, path: 'h:1'}\nauth: {type: ldap}",
                "repo/feature_store.yaml:3:14: `ldap` is no type of `auth`\n\
                 \x20 help: it is `no_auth`, `oidc` or `kubernetes`",
            ),
        ],
    );
    let mysql = registry("{registry_type: sql, path: 'mariadb://h/d'}").unwrap_err();
    assert_eq!(mysql.kind(), ErrorKind::Unsupported);
}
