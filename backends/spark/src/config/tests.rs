#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;

fn read(fields: Value) -> SparkConfig {
    serde_json::from_value(fields).unwrap()
}

#[test]
fn a_session_gets_what_is_configured_and_what_must_be() {
    let config = read(json!({
        "spark_conf": {
            "spark.remote": "sc://hunter2:1", "spark.sql.shuffle.partitions": 64, "a.flag": true, "a.text": "x",
            "spark.sql.ansi.enabled": "TRUE",
        },
        "staging_location": "/stage", "region": "eu-west-1",
    }));
    assert_eq!(config.address().unwrap().authority(), "hunter2:1");
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
    let settings = config.settings().unwrap();
    // Of two settings of one name the last counts.
    let set = |name: &str| {
        settings
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    for (name, value) in [
        ("spark.sql.shuffle.partitions", Some("64")),
        ("a.flag", Some("true")),
        ("a.text", Some("x")),
        ("fs.s3a.endpoint.region", Some("eu-west-1")),
        ("spark.sql.session.timeZone", Some("UTC")),
        ("spark.sql.ansi.enabled", Some("true")),
        ("spark.remote", None),
    ] {
        assert_eq!(set(name), value, "{name}");
    }
}

#[test]
fn what_cannot_be_done_is_refused_with_the_reason() {
    for (fields, says) in [
        (json!({"spark_conf": {"spark.master": "local[2]"}}), "has no JVM"),
        (
            json!({"connect_url": "sc://a", "spark_conf": {"spark.remote": "sc://b"}}),
            "differ",
        ),
        (json!({"connect_url": "http://a"}), "sc://"),
        (
            json!({"connect_url": "sc://a", "spark_conf": {"spark.sql.session.timeZone": "Europe/Paris"}}),
            "must be `UTC`",
        ),
    ] {
        let config = read(fields);
        let error = config.address().and_then(|_| config.settings()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    for wrong in [json!({"colour": "blue"}), json!({"spark_conf": {"a": [1]}})] {
        assert!(serde_json::from_value::<SparkConfig>(wrong).is_err());
    }
}
