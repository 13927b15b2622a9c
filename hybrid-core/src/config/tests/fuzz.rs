//! Whatever a file or a reference holds: an answer or an error, soon, and no panic.

#[path = "../../../../tests/fuzzing/mod.rs"]
mod fuzzing;

use proptest::prelude::*;

use super::{config, definitions};
use crate::config::{Node, to_yaml};
use crate::definitions::{format_duration, parse_duration};
use crate::{Error, ErrorKind, FeatureReference, FeatureSelection, Result, ValueType};
use fuzzing::try_for_a_while;

/// A valid file of each kind, from which others are made.
const STORE: &str = "\
project: p
registry: {registry_type: file, path: r.db, cache_ttl_seconds: 60}
provider: local
offline_store:
  type: hybrid
  cross_source_joins: yes
  offline_stores:
    - {type: postgres, conf: &c {host: $HOST, port: 5432, password: '${PASSWORD}'}}
    - type: trino
      conf: {<<: *c, list: [1, 2.5, ~, true, 0x1f]}
    - type: my.ClickHouseOfflineStore
      text: |
        two
        lines
";
const FEATURES: &str = "\
entities: [{name: d, join_keys: [d_id], value_type: Int64, tags: {a: b}}]
sources:
  - {name: s, type: file, path: $BUCKET/a, timestamp_field: ts, field_mapping: {a: b}}
feature_views:
  - name: v
    entities: [d]
    ttl: 1h30m
    source: s
    schema: &f [{name: x, dtype: Float32}, {name: y, dtype: Array(Int64)}]
  - {name: w, source: {type: bigquery, table: t}, features: *f}
feature_services:
  - {name: f, features: [w, 'v:x', {view: v, alias: o, join_key_map: {d_id: e}, features: [y]}]}
";

/// Pieces that mean something in one of the languages here.
const PIECES: [&str; 40] = [
    ":",
    ": ",
    "- ",
    "\n",
    "\n  ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"",
    "'",
    "|",
    ">",
    "#",
    "&a ",
    "*a",
    "*c",
    "<<: *c",
    "!!str ",
    "? ",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "\t",
    "\r",
    "\0",
    "\u{feff}",
    "${",
    "$",
    "$$",
    "~",
    "Array(",
    "Struct({",
    ")",
    "})",
    "99999999999999999999",
    "type",
    "name",
    "d",
];

fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned),
        ".{0,6}",
        "[a-z0-9_.]{1,6}",
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// `whole` with some of its characters replaced, left out, repeated or moved.
fn spoilt(whole: &'static str) -> impl Strategy<Value = String> {
    let change = (
        0..whole.len(),
        0..12_usize,
        prop::sample::select(PIECES.to_vec()),
        0..4_u8,
    );
    prop::collection::vec(change, 1..8).prop_map(move |changes| {
        let mut text: Vec<char> = whole.chars().collect();
        for (at, length, piece, way) in changes {
            let start = at.min(text.len());
            let end = (start + length).min(text.len());
            let put: Vec<char> = match way {
                0 => piece.chars().collect(),
                1 => Vec::new(),
                2 => [&text[start..end], &text[start..end]].concat(),
                _ => text[..length.min(text.len())].to_vec(),
            };
            text.splice(start..end, put);
        }
        text.into_iter().collect()
    })
}

/// Every error says something, and is of the file's kind where it has a position.
fn check_error(error: &Error, kind: ErrorKind) -> Result<(), TestCaseError> {
    prop_assert!(!error.message().is_empty());
    prop_assert_eq!(error.kind(), kind);
    let all = match error.problems() {
        [] => std::slice::from_ref(error),
        several => several,
    };
    for problem in all {
        let at = problem.position();
        prop_assert!(at.is_some_and(|at| at.line > 0 && at.column > 0), "{}", problem);
    }
    prop_assert!(!format!("{error} {error:?}").contains("p:a #b"), "{}", error);
    Ok(())
}

/// What a store's configuration may be made of.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Fields {
    host: String,
    port: Option<u16>,
    password: Option<crate::Secret>,
    list: Vec<f64>,
    mode: Option<Mode>,
    nested: Option<Box<Fields>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code)]
enum Mode {
    One,
    Two(u8),
    Three { name: String },
}

fn read_store(text: &str) -> Result<(), TestCaseError> {
    let read = match config(text) {
        Err(error) => return check_error(&error, ErrorKind::Config),
        Ok(read) => read,
    };
    for store in &read.stores {
        prop_assert!(!store.key.is_empty());
        if let Err(error) = store.fields.deserialize::<Fields>() {
            check_error(&error, ErrorKind::Config)?;
        }
    }
    Ok(())
}

fn read_features(text: &str) -> Result<(), TestCaseError> {
    let read = match definitions(text) {
        Err(error) => return check_error(&error, ErrorKind::Definition),
        Ok(read) => read,
    };
    let written = match to_yaml(&read) {
        Err(error) => {
            prop_assert!(error.message().contains("`<<`"), "{}", error);
            return Ok(());
        }
        Ok(written) => written,
    };
    let again = definitions(&written).map_err(|error| TestCaseError::fail(format!("{error}\nof\n{written}")))?;
    prop_assert_eq!(again, read);
    Ok(())
}

#[test]
fn fuzz_feature_store_yaml() {
    read_store(STORE).unwrap();
    config(STORE).unwrap();
    try_for_a_while(&prop_oneof![texts(), spoilt(STORE)], |text| read_store(&text));
}

#[test]
fn fuzz_features_yaml() {
    read_features(FEATURES).unwrap();
    definitions(FEATURES).unwrap();
    try_for_a_while(&prop_oneof![texts(), spoilt(FEATURES)], |text| read_features(&text));
}

#[test]
fn fuzz_yaml_values() {
    try_for_a_while(&texts(), |text| {
        if let Ok(node) = Node::parse(&text, "a.yaml".as_ref()) {
            let _ = (node.to_json(), format!("{node:?}"), node.deserialize::<Fields>());
        }
        Ok(())
    });
}

#[test]
fn fuzz_references() {
    let lists = prop::collection::vec(texts(), 0..4);
    try_for_a_while(&lists, |texts| {
        let single: Vec<Result<FeatureReference>> = texts.iter().map(|text| text.trim().parse()).collect();
        for reference in single.iter().flatten() {
            prop_assert_eq!(&reference.to_string().parse::<FeatureReference>().unwrap(), reference);
        }
        let all = FeatureSelection::references(&texts);
        prop_assert_eq!(all.is_ok(), single.iter().all(Result::is_ok));
        Ok(())
    });
}

#[test]
fn fuzz_types() {
    let types =
        "((Array|Set|Struct)\\(\\{?[a-z]?:?){0,40}(Int64|DOUBLE(_LIST|_SET){0,30}|Flaot)(, b: String)?\\}?\\){0,20}";
    try_for_a_while(&prop_oneof![texts(), types], |text| {
        if let Ok(read) = text.parse::<ValueType>() {
            let _ = read.to_arrow();
            prop_assert_eq!(read.to_string().parse::<ValueType>().ok(), Some(read));
        }
        Ok(())
    });
}

#[test]
fn fuzz_durations() {
    try_for_a_while(
        &prop_oneof![texts(), "([0-9]{0,20}(\\.[0-9]{0,30})?(w|d|h|m|s|ms|us)?){0,6}"],
        |text| {
            if let Ok(read) = parse_duration(&text) {
                prop_assert_eq!(parse_duration(&format_duration(read)).ok(), Some(read));
            }
            Ok(())
        },
    );
}
