#![allow(clippy::unwrap_used)]

use hybrid_core::ErrorKind;
use serde_json::{Value, json};

use super::*;

fn read(extra: &Value) -> Result<TrinoConfig, String> {
    let mut config = json!({"host": "trino", "port": 8080, "catalog": "c", "user": "u", "connector": {"type": "hive", "file_format": "parquet"}});
    for (name, value) in extra.as_object().unwrap() {
        config[name] = value.clone();
    }
    serde_json::from_value(config).map_err(|error| error.to_string())
}

#[test]
fn what_is_not_said_is_feasts_default() {
    let config = read(&json!({})).unwrap();
    assert_eq!((config.dataset.as_str(), config.http_scheme), ("feast", Scheme::Http));
    assert_eq!((config.ssl_verify.clone(), config.auth.clone()), (Verify::System, None));
    assert!(config.check().is_ok());
}

#[test]
fn every_spelling_of_feasts_is_read() {
    let config = read(&json!({
        "dataset": "d", "source": "s", "http-scheme": "https", "ssl-verify": "ca.pem",
        "x-trino-extra-credential-header": "a=hunter2", "auth": {"type": "basic", "config": {"username": "u", "password": "hunter2"}},
        "session_properties": {"query_max_memory": "1GB"}, "entity_select_mode": "embed_query",
        "staging": {"path": "stage", "location": "s3://b/stage", "catalog": "hive"},
    }))
    .unwrap();
    assert!(config.check().is_ok());
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
    let config = config.relative_to(std::path::Path::new("/repo"));
    assert_eq!(config.ssl_verify, Verify::File("/repo/ca.pem".into()));
    assert_eq!(
        config.staging.unwrap().place().unwrap(),
        Place::Folder("/repo/stage".into())
    );
    assert_eq!(read(&json!({"ssl_verify": false})).unwrap().ssl_verify, Verify::Off);
}

#[test]
fn the_files_of_a_certificate_are_called_as_in_feast_or_shorter() {
    let named = |cert: &str, key: &str| {
        let config: BTreeMap<&str, &str> = [(cert, "c.pem"), (key, "k.pem")].into();
        read(&json!({"auth": {"type": "certificate", "config": config}}))
    };
    for (cert, key) in [("cert-file", "key-file"), ("cert", "key"), ("cert-file", "key")] {
        let right = Certificate {
            cert: "c.pem".into(),
            key: "k.pem".into(),
        };
        assert_eq!(named(cert, key).unwrap().auth, Some(Auth::Certificate(right)));
    }
    assert!(named("cert", "cert-file").unwrap_err().contains("missing field `key`"));
    assert!(named("cert-file", "kee").unwrap_err().contains("missing field `key`"));
}

#[test]
fn what_cannot_be_done_is_refused_with_the_reason() {
    for (extra, says) in [
        (json!({"auth": {"type": "kerberos", "config": {}}}), "kerberos"),
        (json!({"auth": {"type": "oauth2"}}), "browser"),
        (
            json!({"auth": {"type": "basic", "config": {"username": "u"}}}),
            "missing field `password`",
        ),
        (
            json!({"auth": {"type": "jwt", "config": {"token": "t", "tokn": "t"}}}),
            "unknown field `tokn`",
        ),
        (json!({"auth": {"type": "magic"}}), "unknown variant `magic`"),
        (json!({"http-scheme": "ftp"}), "ftp"),
        (json!({"ssl-verify": ""}), "PEM"),
        (json!({"colour": "blue"}), "unknown field `colour`"),
        (json!({"connector": {"file_format": "orc"}}), "missing field `type`"),
    ] {
        let error = read(&extra).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
    for extra in [
        json!({"auth": {"type": "jwt", "config": {"token": "t"}}}),
        json!({"host": "http://trino"}),
        json!({"host": ""}),
        json!({"catalog": ""}),
        json!({"export_catalog": ""}),
        json!({"export_location": "/data/exports"}),
        json!({"export_location": "s3://"}),
        json!({"staging": {"location": "local:///stage", "catalog": "hive"}}),
        json!({"staging": {"location": "s3://", "catalog": "hive"}}),
        json!({"staging": {"path": "hdfs://host/stage", "location": "hdfs://host/stage", "catalog": "hive"}}),
        json!({"staging": {"path": "/stage", "location": "s3://b", "catalog": "hive", "s3_endpoint_override": "http://x"}}),
        json!({"staging": {"path": "", "location": "local:///stage", "catalog": "hive"}}),
        json!({"staging": {"location": "gs://b", "catalog": "hive", "s3_endpoint_override": "http://x"}}),
        json!({"staging": {"location": "s3://b", "catalog": "hive", "s3_endpoint_override": "minio:9000"}}),
    ] {
        assert_eq!(
            read(&extra).unwrap().check().unwrap_err().kind(),
            ErrorKind::Config,
            "{extra}"
        );
    }
}

#[test]
fn rows_are_staged_where_the_path_says_or_the_location() {
    let place = |path: Option<&str>, location: &str| {
        let staging = json!({"path": path, "location": location, "catalog": "hive"});
        let config = read(&json!({"staging": staging})).unwrap();
        let config = config.relative_to(std::path::Path::new("/repo"));
        config.check().map(|()| config.staging.unwrap().place().unwrap())
    };
    for (path, location, found) in [
        (None, "s3://b/stage", "s3://b/stage"),
        (None, "s3a://b/stage/", "s3a://b/stage"),
        (Some("s3://b/stage/x"), "s3n://b/stage/x", "s3://b/stage/x"),
        (Some("gs://b"), "gs://b", "gs://b"),
        (Some("gcs://b/x"), "gs://b/x/", "gcs://b/x"),
        // By the protocol of S3.
        (Some("gs://b/x"), "s3://c/x", "gs://b/x"),
        (Some("s3://b/x"), "alluxio:///x", "s3://b/x"),
        (Some(""), "s3n://b/x", "s3n://b/x"),
        (Some("az://c/x"), "abfss://c@a.dfs.core.windows.net/x", "az://c/x"),
        (
            Some("abfss://c@a.blob.core.windows.net/x"),
            "abfs://c@a.dfs.core.windows.net/x",
            "abfss://c@a.blob.core.windows.net/x",
        ),
        (
            None,
            "abfss://c@a.dfs.core.windows.net/x",
            "abfss://c@a.dfs.core.windows.net/x",
        ),
    ] {
        match place(path, location).unwrap() {
            Place::Objects(address) => assert_eq!(address.to_string(), found),
            Place::Folder(folder) => panic!("{}", folder.display()),
        }
    }
    assert_eq!(
        place(Some("/mnt/stage"), "s3://b/stage").unwrap(),
        Place::Folder("/mnt/stage".into())
    );
}

/// Trino takes an empty folder for a table without rows.
#[test]
fn a_location_that_is_not_the_path_or_that_trino_does_not_read_is_refused() {
    let elsewhere = "not the same folder";
    for (path, location, says) in [
        (Some("s3://b/stage"), "s3://b/stages", elsewhere),
        (Some("s3://b/stage"), "s3a://b", elsewhere),
        (Some("s3://b/stage"), "s3n://c/stage", elsewhere),
        (Some("gs://b/x"), "gs://b/y", elsewhere),
        (Some("az://c/x"), "abfss://d@a.dfs.core.windows.net/x", elsewhere),
        (
            Some("abfss://c@a.dfs.core.windows.net/x"),
            "abfss://c@b.dfs.core.windows.net/x",
            elsewhere,
        ),
        (None, "az://c/x", "abfss://CONTAINER@ACCOUNT"),
        (None, "azure://c/x", "abfss://CONTAINER@ACCOUNT"),
        (Some(""), "abfss://c/x", "abfss://CONTAINER@ACCOUNT"),
        (None, "gcs://b/x", "gs://BUCKET"),
        (Some("gs://b/x"), "gcs://b/x", "gs://BUCKET"),
    ] {
        let staging = json!({"path": path, "location": location, "catalog": "hive"});
        let error = read(&json!({"staging": staging})).unwrap().check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{location}");
        let text = error.to_string();
        assert!(text.contains(says) && text.contains("`location`"), "{text}");
    }
}

#[test]
fn credentials_do_not_stand_in_what_is_said_of_staging() {
    for (location, endpoint) in [
        ("s3://key:hunter2@b/stage", None),
        ("abfss://c@a.dfs.core.windows.net/x?sig=hunter2", None),
        ("s3://b/stage", Some("http://key:hunter2@minio:9000")),
    ] {
        let staging = json!({"location": location, "catalog": "hive", "s3_endpoint_override": endpoint});
        let error = read(&json!({"staging": staging})).unwrap().check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let text = format!("{error} {error:?}");
        assert!(!text.contains("hunter2") && text.contains("staging"), "{text}");
    }
}

#[test]
fn the_catalog_that_is_named_exports_or_one_that_is_known_to_be_of_hive() {
    let iceberg = json!({"type": "iceberg"});
    let staging = json!({"path": "p", "location": "s3://b/p", "catalog": "h", "schema": "s"});
    for (extra, exports) in [
        (json!({}), Some(("c", "feast"))),
        (json!({"connector": iceberg}), None),
        (json!({"connector": iceberg, "staging": staging}), Some(("h", "s"))),
        (
            json!({"connector": iceberg, "staging": staging, "export_catalog": "f"}),
            Some(("f", "feast")),
        ),
    ] {
        assert_eq!(read(&extra).unwrap().exports(), exports, "{extra}");
    }
}
