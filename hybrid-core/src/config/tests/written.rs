//! What `to_yaml` writes is what was read.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value as Json;

use super::definitions;
use crate::config::to_yaml;
use crate::{
    Entity, ErrorKind, FeatureProjection, FeatureRegistry, FeatureService, FeatureView, Field, Source, ValueType,
};

#[track_caller]
fn check_round_trip(registry: &FeatureRegistry) {
    let text = to_yaml(registry).unwrap();
    let read = definitions(&text).unwrap_or_else(|error| panic!("{error}\nof\n{text}"));
    assert_eq!(&read, registry, "of\n{text}");
}

/// Texts that YAML takes for something else, or that need quotes.
const ODD: [&str; 24] = [
    "yes",
    "no",
    "null",
    "~",
    "5",
    "010",
    "1_000",
    "0x1f",
    "1e3",
    ".inf",
    "true",
    "<<",
    "*a",
    "&a",
    "!t",
    "- a",
    "a: b",
    "a #b",
    "$HOST",
    "${HOST}",
    "'q' \"d\"",
    " lead",
    "two\nlines\n",
    "{a}",
];

fn odd() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(ODD.to_vec()).prop_map(str::to_owned),
        ".{1,12}",
        "[a-z]{1,8}"
    ]
    .prop_filter("not empty", |text| !text.trim().is_empty())
}

fn tags() -> impl Strategy<Value = BTreeMap<String, String>> {
    let key = odd().prop_filter("no merge", |key| key != "<<");
    prop::collection::btree_map(key, odd(), 0..4)
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        odd().prop_map(Json::from),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        (-1e12..1e12).prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn value_type() -> impl Strategy<Value = ValueType> {
    let scalar = prop::sample::select(ValueType::scalars().collect::<Vec<_>>());
    scalar.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|item| ValueType::Array(Box::new(item))),
            inner.clone().prop_map(|item| ValueType::Set(Box::new(item))),
            prop::collection::vec(("[a-z]{1,5}", inner), 1..3).prop_map(ValueType::Struct),
        ]
    })
}

prop_compose! {
    fn source()(description in odd(), owner in odd(), tags in tags(), options in prop::collection::btree_map("x[a-z]{0,5}", json(), 0..4),
                field_mapping in prop::option::of("[a-z]{1,5}"), format in prop::option::of("%[A-Za-z]")) -> Source {
        let mut source = Source::new("file").with_name("s").with_timestamp_field("event_ts");
        (source.description, source.owner, source.tags) = (description, owner, tags);
        source.options = options.into_iter().collect();
        source.date_partition_column = format.as_ref().map(|_| "day".to_owned());
        source.date_partition_column_format = format;
        source.field_mapping = field_mapping.map(|name| ("column".to_owned(), name)).into_iter().collect();
        source
    }
}

prop_compose! {
    fn registry()(source in source(), own in any::<bool>(), view_tags in tags(), entity_type in prop::option::of(value_type()),
                  ttl in prop::option::of(0..1_000_000_000_000_u64), types in prop::collection::vec(value_type(), 1..4),
                  alias in prop::option::of("[a-z]{1,5}"), descriptions in [odd(), odd(), odd()]) -> FeatureRegistry {
        let [one, two, three] = descriptions;
        let mut entity = Entity::new("d").with_join_key("d_id").with_description(one);
        entity.value_type = entity_type;
        let fields = types.into_iter().enumerate();
        let schema = fields.map(|(n, dtype)| Field::new(format!("f{n}"), dtype).with_description(two.clone()));
        let mut view = FeatureView::new("v", source.clone()).with_entities(["d"]).with_schema(schema);
        (view.ttl, view.tags, view.online) = (ttl.map(Duration::from_micros), view_tags, own);
        let mut other = FeatureProjection::new("v").with_join_key("d_id", three);
        other.alias = Some(alias.unwrap_or_default() + "_alias");
        let features = [FeatureProjection::new("v").with_features(["f0"]), other];
        FeatureRegistry {
            entities: vec![entity],
            sources: if own { vec![source] } else { Vec::new() },
            feature_views: vec![view],
            feature_services: vec![FeatureService::new("f", features)],
            ..FeatureRegistry::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_written_is_read(registry in registry()) {
        check_round_trip(&registry);
    }
}

#[test]
fn nothing_is_written_as_nothing() {
    check_round_trip(&FeatureRegistry::default());
}

#[test]
fn projections_that_follow_each_other_stay_apart() {
    let v = || FeatureProjection::new("v");
    let mut registry = FeatureRegistry {
        feature_views: vec![FeatureView::new("v", Source::new("file"))],
        ..FeatureRegistry::default()
    };
    let features = [
        v().with_features(["a"]),
        v().with_features(["b"]),
        v().with_alias("x"),
        v().with_features(["c"]),
    ];
    registry.feature_services = vec![FeatureService::new("f", features)];
    check_round_trip(&registry);
}

#[test]
fn a_merge_key_cannot_be_written() {
    let mut source = Source::new("file").with_name("s");
    source.options.insert("a".to_owned(), serde_json::json!([{"<<": 1}]));
    let registry = FeatureRegistry {
        sources: vec![source],
        ..FeatureRegistry::default()
    };
    assert_eq!(
        to_yaml(&registry).unwrap_err().message(),
        "a key `<<` cannot be written as YAML"
    );
}

#[test]
fn options_named_like_a_common_field_cannot_be_written() {
    let mut source = Source::new("file").with_name("s");
    source.options.insert("owner".to_owned(), "me".into());
    let registry = FeatureRegistry {
        sources: vec![source],
        ..FeatureRegistry::default()
    };
    let error = to_yaml(&registry).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Definition);
    assert_eq!(
        error.message(),
        "option `owner` of source `s` is named like a field of every source"
    );
}
