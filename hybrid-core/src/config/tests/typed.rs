//! Types of every shape that a store's `Config` may have, and what is said of values that do not fit.
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::config::Node;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shapes {
    #[serde(default)]
    auth: Option<Auth>,
    #[serde(default)]
    mode: Option<Mode>,
    #[serde(default)]
    inner: Vec<Inner>,
    host: String,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[allow(dead_code)]
enum Auth {
    Basic { user: String, password: u32 },
    Jwt { token: String },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code)]
enum Mode {
    Fast,
    Retry(u16),
    Paced { rate: u8, burst: u8 },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Inner {
    size: u8,
    name: String,
}

/// Fields with a default that is not what nothing would be read as.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults {
    name: String,
    place: Place,
    #[serde(default = "port")]
    port: u16,
    #[serde(default = "yes", alias = "tls")]
    secure: bool,
    #[serde(default = "half")]
    share: f64,
    #[serde(default = "text")]
    text: String,
    #[serde(default)]
    speed: Speed,
    #[serde(default = "limits")]
    limits: Limits,
    #[serde(default)]
    more: Vec<Limits>,
    #[serde(default)]
    tags: std::collections::BTreeMap<String, String>,
    #[serde(default = "some")]
    seconds: Option<u64>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Place {
    folder: String,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Limits {
    rows: u64,
    #[serde(default = "port")]
    port: u16,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Speed {
    Slow,
    #[default]
    Fast,
}

fn port() -> u16 {
    5432
}

fn yes() -> bool {
    true
}

fn half() -> f64 {
    0.5
}

fn text() -> String {
    "text".to_owned()
}

fn limits() -> Limits {
    Limits { rows: 7, port: 1 }
}

fn some() -> Option<u64> {
    Some(60)
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Outer {
    name: String,
    #[serde(flatten)]
    rest: Flattened,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Flattened {
    password: u32,
}

fn parse(text: &str) -> Node {
    Node::parse(text, Path::new("f.yaml")).unwrap()
}

fn errors<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
    parse(text).deserialize::<T>().unwrap_err().to_string()
}

#[test]
fn variants_of_an_enum() {
    for text in ["mode: fast", "mode: {retry: 3}", "mode: {paced: {rate: 1, burst: 2}}"] {
        let shapes: Shapes = parse(&format!("host: a\n{text}")).deserialize().unwrap();
        assert!(shapes.mode.is_some() && shapes.auth.is_none() && shapes.inner.is_empty() && shapes.host == "a");
    }
}

#[test]
fn a_problem_of_a_variant_is_told_once_and_the_rest_is_read() {
    assert_eq!(
        errors::<Shapes>("mode: {retry: 99999}\nhost: ~"),
        "2 problems\n\
         f.yaml:1:15: `retry` must be a whole number from 0 to 65535, not the number `99999`\n\
         f.yaml:2:7: `host` must be a text, not nothing"
    );
    assert_eq!(
        errors::<Shapes>("mode: {paced: {rate: x}}\nhost: a"),
        "2 problems\n\
         f.yaml:1:22: `rate` must be a whole number from 0 to 255, not the text `x`\n\
         f.yaml:1:15: missing field `burst`"
    );
    assert_eq!(
        errors::<Shapes>("mode: retry\nhost: a"),
        "f.yaml:1:7: `mode` must be a mapping from this name to its value, not the text `retry`"
    );
    assert_eq!(
        errors::<Shapes>("mode: fsat\nhost: a"),
        "f.yaml:1:7: `mode` must be one of fast, retry, paced, not the text `fsat`\n  help: did you mean `fast`?"
    );
}

#[test]
fn what_serde_buffers_is_told_at_its_mapping_and_hides_secrets() {
    assert_eq!(
        errors::<Shapes>("host: a\nauth: {type: basic, user: u, password: hunter2}"),
        "f.yaml:2:7: a field of `auth` must be a whole number from 0 to 4294967295, not a text"
    );
    assert_eq!(
        errors::<Outer>("name: a\npassword: hunter2"),
        "f.yaml:1:1: a field in here must be a whole number from 0 to 4294967295, not a text"
    );
}

#[test]
fn every_item_of_a_list_is_read() {
    assert_eq!(
        errors::<Shapes>("inner:\n  - {size: 300, nmae: a}\n  - {size: 1}\n  - 7\n"),
        "5 problems\n\
         f.yaml:2:12: `size` must be a whole number from 0 to 255, not the number `300`\n\
         f.yaml:2:17: unknown field `nmae`\n  help: did you mean `name`?\n  help: the fields are size, name\n\
         f.yaml:3:5: missing field `name`\n\
         f.yaml:4:5: `inner` must be a mapping, not the number `7`\n\
         f.yaml:1:1: missing field `host`"
    );
}

const NEEDED: &str = "name: a\nplace: {folder: b}\n";

fn defaults(text: &str) -> Defaults {
    parse(&format!("{NEEDED}{text}")).deserialize().unwrap()
}

#[test]
fn a_field_that_is_nothing_has_its_default() {
    let right = defaults("");
    for field in [
        "port", "secure", "tls", "share", "text", "speed", "limits", "more", "tags",
    ] {
        assert_eq!(defaults(&format!("{field}: ~")), right, "{field}");
    }
    let all = "port: null\nsecure:\nshare: ~\ntext: null\nspeed: ~\nlimits: ~\nmore: ~\ntags: ~\n";
    assert_eq!(defaults(all), right);
    // Also further inside.
    assert_eq!(
        defaults("limits: {rows: 7, port: ~}\nmore: [{rows: 1, port: ~}]"),
        defaults("limits: {rows: 7}\nmore: [{rows: 1}]")
    );
    assert_eq!(
        defaults("seconds: ~").seconds,
        None,
        "nothing is a value where it may be one"
    );
}

#[test]
fn a_field_that_is_nothing_and_needed_is_told_by_its_name() {
    assert_eq!(
        errors::<Defaults>("name: ~\nplace: ~\nport: ~\nmore: [{rows: ~}]\ntags: {a: ~}\nunknown: ~"),
        "5 problems\n\
         f.yaml:4:15: `rows` must be a whole number, 0 or more, not nothing\n\
         f.yaml:5:11: `a` must be a text, not nothing\n\
         f.yaml:6:1: unknown field `unknown`\n  \
         help: the fields are name, place, port, secure, tls, share, text, speed, limits, more, tags, seconds\n\
         f.yaml:1:7: `name` must be a text, not nothing\n\
         f.yaml:2:8: `place` must be a mapping, not nothing"
    );
}
