#![allow(clippy::unwrap_used)]

use hybrid_core::ErrorKind;
use serde_json::{Value, json};

use super::*;

fn read(value: Value) -> BigQueryConfig {
    serde_json::from_value(value).unwrap()
}

#[test]
fn feasts_fields_and_their_defaults() {
    let config = read(json!({}));
    assert_eq!(config, BigQueryConfig::default());
    assert_eq!(config.dataset, "feast");
    assert_eq!(config.table_create_disposition, CreateDisposition::CreateIfNeeded);
    config.check().unwrap();
    let config = read(json!({
        "dataset": "features", "project_id": "example.com:data", "billing_project_id": "bills", "location": "europe-west1",
        "gcs_staging_location": "gs://bucket/folder", "table_create_disposition": "CREATE_NEVER",
    }));
    assert_eq!(config.table_create_disposition, CreateDisposition::CreateNever);
    config.check().unwrap();
}

#[test]
fn unknown_fields_and_words_are_refused() {
    for wrong in [
        json!({"datset": "x"}),
        json!({"table_create_disposition": "CREATE_ALWAYS"}),
        json!({"formulation": "fast"}),
    ] {
        assert!(
            serde_json::from_value::<BigQueryConfig>(wrong.clone()).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn what_cannot_work_is_refused_before_anything_is_sent() {
    for (wrong, says) in [
        (json!({"dataset": "a.b"}), "dataset"),
        (json!({"project_id": "a/b"}), "project_id"),
        (json!({"anonymous": true}), "api_endpoint"),
        (
            json!({"anonymous": true, "credentials_file": "k.json", "api_endpoint": "http://x", "storage_endpoint": "http://y"}),
            "excludes",
        ),
        (json!({"labels": {"Team": "a"}}), "Team"),
        (json!({"labels": {"team": "A b"}}), "A b"),
        (json!({"gcs_staging_location": "s3://bucket"}), "gs://"),
        (json!({"gcs_staging_location": "gs:///folder"}), "gs://"),
        (json!({"read_streams": 0}), "read_streams"),
        (json!({"maximum_bytes_billed": 0}), "maximum_bytes_billed"),
        (json!({"expire_after": 1}), "expire_after"),
    ] {
        let error = read(wrong.clone()).check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{wrong}");
        assert!(error.to_string().contains(says), "{wrong}: {error}");
    }
}

#[test]
fn paths_begin_at_the_folder_of_the_configuration() {
    let config = read(json!({"credentials_file": "keys/sa.json"})).relative_to(std::path::Path::new("/repo"));
    assert_eq!(config.credentials_file.unwrap(), PathBuf::from("/repo/keys/sa.json"));
}
