//! How join keys compare.

use super::common::*;

/// An entity row whose key is NULL matches nothing, not even a feature row whose key is NULL.
pub async fn null_key_matches_nothing(fixture: &dyn Fixture) -> Verdict {
    let view = stats(rows![[NULL, at(1.0), 10], [1, at(1.0), 11]]);
    let frame = drivers(rows![[NULL, at(5.0)], [1, at(5.0)], [NULL, at(5.0)]]);
    Scene::new([view], frame).gives(fixture, rows![[NULL], [11], [NULL]]).await
}

/// A feature row one of whose keys is NULL matches nothing: neither zero, nor an empty string.
pub async fn null_feature_key_matches_nothing(fixture: &dyn Fixture) -> Verdict {
    let feature_columns = [("a", DataType::Int64), ("b", DataType::Utf8), ("ts", time()), ("v", DataType::Int64)];
    let features = rows![[NULL, "x", at(1.0), 1], [0, NULL, at(1.0), 2], [NULL, NULL, at(1.0), 3]];
    let entity_columns = [("a", DataType::Int64), ("b", DataType::Utf8), ("event_timestamp", time())];
    let entities = rows![[0, "x", at(5.0)], [0, "", at(5.0)], [0, NULL, at(5.0)], [NULL, NULL, at(5.0)]];
    let view = View::new("pairs", &["a", "b"], Table::new(&feature_columns, features));
    let scene = Scene::new([view], Table::new(&entity_columns, entities));
    scene.gives(fixture, rows![[NULL], [NULL], [NULL], [NULL]]).await
}

/// A feature row without an event time never counts.
pub async fn null_event_timestamp_is_ignored(fixture: &dyn Fixture) -> Verdict {
    let view = stats_created(rows![
        [1, NULL, at(1.0), 10],
        [2, NULL, at(1.0), 20],
        [2, at(1.0), at(0.0), 21],
        [3, NULL, NULL, 30],
    ]);
    let frame = drivers(rows![[1, at(5.0)], [2, at(5.0)], [3, at(5.0)]]);
    Scene::new([view], frame).gives(fixture, rows![[NULL], [21], [NULL]]).await
}

fn pairs<T: Into<Value>>(data_type: DataType, features: [(T, T); 3], entities: [(T, T); 3]) -> Scene {
    let feature_columns = [("a", data_type.clone()), ("b", data_type.clone()), ("ts", time()), ("v", DataType::Int64)];
    let entity_columns = [("a", data_type.clone()), ("b", data_type), ("event_timestamp", time())];
    let feature = |((a, b), v): ((T, T), i64)| vec![a.into(), b.into(), at(1.0), v.into()];
    let entity = |(a, b): (T, T)| vec![a.into(), b.into(), at(5.0)];
    let features = features.into_iter().zip([10, 20, 30]).map(feature).collect();
    let view = View::new("pairs", &["a", "b"], Table::new(&feature_columns, features));
    Scene::new([view], Table::new(&entity_columns, entities.into_iter().map(entity).collect()))
}

/// The keys (1, 11) are not the keys (11, 1), at one and the same time.
pub async fn composite_keys_compare_field_by_field(fixture: &dyn Fixture) -> Verdict {
    let keys = [(1, 11), (11, 1), (1, 1)];
    pairs(DataType::Int64, keys, keys).gives(fixture, rows![[10], [20], [30]]).await
}

/// The keys ("a", "bc") are not the keys ("ab", "c"), whatever stands between them.
pub async fn composite_keys_are_not_joined_text(fixture: &dyn Fixture) -> Verdict {
    let scene = pairs(DataType::Utf8, [("a", "bc"), ("a_", "b"), ("", "a")], [("ab", "c"), ("a", "_b"), ("a", "")]);
    scene.gives(fixture, rows![[NULL], [NULL], [NULL]]).await
}

/// Two views with different keys both answer for every row.
pub async fn two_views_with_different_keys(fixture: &dyn Fixture) -> Verdict {
    let columns = [("customer", DataType::Utf8), ("ts", time()), ("w", DataType::Float64)];
    let other = View::new("other", &["customer"], Table::new(&columns, rows![["a", at(1.0), 0.5], ["b", at(2.0), 1.5]]));
    let columns = [("driver_id", DataType::Int64), ("customer", DataType::Utf8), ("event_timestamp", time())];
    let frame = rows![[1, "b", at(5.0)], [2, "a", at(5.0)], [1, "c", at(5.0)], [3, "a", at(0.5)]];
    let scene = Scene::new([stats(rows![[1, at(1.0), 10], [2, at(1.0), 20]]), other], Table::new(&columns, frame));
    scene.gives(fixture, rows![[10, 1.5], [20, 0.5], [10, NULL], [NULL, NULL]]).await
}

/// A view without keys gives the latest row at or before the entity row's time.
pub async fn no_key_joins_on_time_alone(fixture: &dyn Fixture) -> Verdict {
    let table = Table::new(&[("ts", time()), ("rate", DataType::Float64)], rows![[at(3.0), 3.5], [at(1.0), 1.5]]);
    let frame = drivers(rows![[7, at(2.0)], [NULL, at(3.0)], [7, at(0.5)]]);
    let scene = Scene::new([View::new("global", &[], table).with_ttl(60 * SECOND)], frame);
    scene.gives(fixture, rows![[1.5], [3.5], [NULL]]).await
}

async fn interchange(fixture: &dyn Fixture, source: DataType, frame: DataType, keys: [Value; 2]) -> Verdict {
    let table = Table::new(
        &[("id", source), ("ts", time()), ("v", DataType::Int64)],
        vec![vec![keys[0].clone(), at(1.0), Value::Int(10)], vec![keys[1].clone(), at(1.0), Value::Int(20)]],
    );
    let entities = vec![vec![keys[1].clone(), at(5.0)], vec![keys[0].clone(), at(5.0)], vec![NULL, at(5.0)]];
    let frame = Table::new(&[("id", frame), ("event_timestamp", time())], entities);
    let scene = Scene::new([View::new("stats", &["id"], table)], frame);
    scene.gives(fixture, rows![[20], [10], [NULL]]).await
}

/// Integer keys of every width match each other, negative ones too where the type has them.
pub async fn integer_widths_interchange(fixture: &dyn Fixture) -> Verdict {
    let widths = [DataType::Int8, DataType::Int16, DataType::Int32, DataType::UInt8, DataType::UInt16, DataType::UInt32, DataType::UInt64];
    for width in widths {
        let low = if width.is_signed_integer() { -3 } else { 3 };
        interchange(fixture, DataType::Int64, width.clone(), [low.into(), 100.into()]).await?;
    }
    interchange(fixture, DataType::Int32, DataType::Int64, [(-3).into(), i64::from(i32::MAX).into()]).await
}

/// String keys match each other in every encoding.
pub async fn string_encodings_interchange(fixture: &dyn Fixture) -> Verdict {
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    for encoding in [DataType::LargeUtf8, DataType::Utf8View, dictionary] {
        let keys = || ["".into(), "größer als zwölf Bytes".into()];
        interchange(fixture, DataType::Utf8, encoding, keys()).await?;
    }
    Ok(())
}

/// Keys can be integers, text, booleans, dates, timestamps, decimals and bytes.
pub async fn every_key_type(fixture: &dyn Fixture) -> Verdict {
    let cases = [
        (DataType::Int64, [i64::MIN.into(), i64::MAX.into()]),
        (DataType::Utf8, ["a".into(), "A".into()]),
        (DataType::Boolean, [true.into(), false.into()]),
        (DataType::Date32, [Value::Date(-1), Value::Date(19_000)]),
        (time(), [at(0.0), at(0.000_001)]),
        (DataType::Decimal128(10, 2), [Value::Decimal(-150), Value::Decimal(15)]),
        (DataType::Binary, [Value::Bytes(vec![]), Value::Bytes(vec![0, 255])]),
    ];
    let mut parts = Parts::default();
    for (data_type, keys) in cases {
        parts.add(&data_type, interchange(fixture, data_type.clone(), data_type.clone(), keys).await)?;
    }
    parts.end()
}

/// Three keys of different types all have to match.
pub async fn three_keys(fixture: &dyn Fixture) -> Verdict {
    let keys = [("a", DataType::Int64), ("b", DataType::Utf8), ("c", DataType::Int32)];
    let features = [&keys[..], &[("ts", time()), ("v", DataType::Int64)]].concat();
    let entities = [&keys[..], &[("event_timestamp", time())]].concat();
    let feature_rows = rows![[1, "x", 1, at(1.0), 10], [1, "x", 2, at(1.0), 20], [2, "y", 1, at(1.0), 30]];
    let entity_rows = rows![[1, "x", 2, at(5.0)], [1, "y", 1, at(5.0)], [2, "y", 1, at(5.0)], [1, "x", NULL, at(5.0)]];
    let view = View::new("triple", &["a", "b", "c"], Table::new(&features, feature_rows));
    let scene = Scene::new([view], Table::new(&entities, entity_rows));
    scene.gives(fixture, rows![[20], [NULL], [30], [NULL]]).await
}

/// A float is no key: equality of floats is not what anybody means.
pub async fn float_key_is_refused(fixture: &dyn Fixture) -> Verdict {
    let frame = Table::new(&[("driver_id", DataType::Float64), ("event_timestamp", time())], rows![[1.0, at(5.0)]]);
    let scene = Scene::new([stats(rows![[1, at(1.0), 10]])], frame);
    let registry = scene.deploy(fixture).await?;
    let asked = scene.ask(fixture, &registry, scene.entity_frame()?).await;
    refused("a float key", asked, CALLERS, &["driver_id"])
}
