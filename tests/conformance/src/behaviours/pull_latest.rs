//! `pull_latest_from_table_or_query`: the latest row per join key in a window.

use hybrid_core::FeatureRegistry;

use super::common::*;

/// A pull of these keys and features.
pub(super) fn pull(source: hybrid_core::Source, keys: &[&str], features: &[&str]) -> Pull {
    Pull {
        source,
        join_keys: keys.iter().map(|key| ((*key).to_owned(), None)).collect(),
        features: features.iter().map(|feature| ((*feature).to_owned(), None)).collect(),
    }
}

async fn latest(fixture: &dyn Fixture, pull: &Pull, start: f64, end: f64) -> Verdict<Table> {
    let (start, end) = (instant(start)?, instant(end)?);
    let stream = fixture.store().pull_latest_from_table_or_query(pull, start, end, &Call::default()).await?;
    let schema = stream.schema().clone();
    Table::read(&schema, &stream.collect().await?)
}

async fn of_rows(fixture: &dyn Fixture, rows: Vec<Vec<Value>>) -> Verdict<Table> {
    let source = stats_created(rows).create(fixture).await?;
    latest(fixture, &pull(source, &["driver_id"], &["v"]), 1.0, 5.0).await
}

/// One row per key: the latest of the window, though a later one lies outside it.
pub async fn one_row_per_key(fixture: &dyn Fixture) -> Verdict {
    let rows = rows![
        [1, at(2.0), at(2.0), 10],
        [1, at(4.0), at(4.0), 11],
        [1, at(3.0), at(9.0), 12],
        [1, at(6.0), at(6.0), 13],
        [2, at(1.5), NULL, 20],
    ];
    let found = of_rows(fixture, rows).await?;
    same_rows("the latest rows", &found, rows![[1, 11, at(4.0), at(4.0)], [2, 20, at(1.5), NULL]])
}

/// Both ends of the window belong to it; a microsecond outside does not.
pub async fn both_ends_are_inclusive(fixture: &dyn Fixture) -> Verdict {
    let rows = rows![
        [1, at(1.0), NULL, 10],
        [2, at(5.0), NULL, 20],
        [3, at(0.999_999), NULL, 30],
        [4, at(5.000_001), NULL, 40],
    ];
    let found = of_rows(fixture, rows).await?;
    same_rows("the latest rows", &found, rows![[1, 10, at(1.0), NULL], [2, 20, at(5.0), NULL]])
}

/// Among rows of one time the one that was created last wins; a NULL created loses, unless alone.
pub async fn ties_by_created(fixture: &dyn Fixture) -> Verdict {
    let rows = rows![
        [1, at(2.0), at(3.0), 10],
        [1, at(2.0), at(4.0), 11],
        [1, at(2.0), NULL, 12],
        [2, at(2.0), NULL, 20],
    ];
    let found = of_rows(fixture, rows).await?;
    same_rows("the latest rows", &found, rows![[1, 11, at(2.0), at(4.0)], [2, 20, at(2.0), NULL]])
}

/// A row without an event time is in no window.
pub async fn null_event_timestamp_is_ignored(fixture: &dyn Fixture) -> Verdict {
    let found = of_rows(fixture, rows![[1, NULL, at(3.0), 10], [1, at(2.0), NULL, 11], [2, NULL, NULL, 20]]).await?;
    same_rows("the latest rows", &found, rows![[1, 11, at(2.0), NULL]])
}

/// A source of several keys and features: b, created, w, a, ts, v.
pub(super) fn jumbled() -> View {
    let columns = [
        ("b", DataType::Utf8),
        ("created", time()),
        ("w", DataType::Float64),
        ("a", DataType::Int64),
        ("ts", time()),
        ("v", DataType::Int64),
    ];
    let rows = rows![["x", at(3.0), 0.5, 1, at(2.0), 10], ["y", NULL, 1.5, 1, at(2.0), 20], ["x", at(3.0), 2.5, 1, at(3.0), 30]];
    View::new("pairs", &["a", "b"], Table::new(&columns, rows))
}

/// Columns: the keys as given, the features as given, event time, created.
pub async fn columns_in_order(fixture: &dyn Fixture) -> Verdict {
    let source = jumbled().create(fixture).await?;
    let found = latest(fixture, &pull(source, &["a", "b"], &["w", "v"]), 1.0, 5.0).await?;
    same_columns("the latest rows", &found, &["a", "b", "w", "v", "ts", "created"])?;
    let right = rows![[1, "x", 2.5, 30, at(3.0), at(3.0)], [1, "y", 1.5, 20, at(2.0), NULL]];
    same_rows("the latest rows", &found, right)
}

/// Without join keys the single latest row of the window.
pub async fn no_keys_give_the_latest_row(fixture: &dyn Fixture) -> Verdict {
    let source = stats_created(rows![
        [1, at(2.0), NULL, 10],
        [2, at(4.0), at(4.0), 20],
        [3, at(4.0), at(5.0), 30],
        [4, at(9.0), NULL, 40],
    ]);
    let source = source.create(fixture).await?;
    let found = latest(fixture, &pull(source, &[], &["v"]), 1.0, 5.0).await?;
    same_columns("the latest row", &found, &["v", "ts", "created"])?;
    same_rows("the latest row", &found, rows![[30, at(4.0), at(5.0)]])
}

/// Without feature columns every column of the source comes, each once, the keys first.
pub async fn no_features_give_every_column(fixture: &dyn Fixture) -> Verdict {
    let source = jumbled().create(fixture).await?;
    let found = latest(fixture, &pull(source, &["a", "b"], &[]), 1.0, 5.0).await?;
    same_columns("the latest rows", &found, &["a", "b", "w", "v", "ts", "created"])?;
    same("the number of rows", &found.rows.len(), &2)
}

/// Keys, features and timestamps come under their mapped names.
pub async fn mapped_names(fixture: &dyn Fixture) -> Verdict {
    let pairs = [("a", "driver_id"), ("v", "value"), ("ts", "event_timestamp"), ("created", "written")];
    let view = jumbled().with_mapping(&pairs);
    let source = view.create(fixture).await?;
    let found = latest(fixture, &pull(source, &["driver_id", "b"], &["value"]), 1.0, 5.0).await?;
    same_columns("the latest rows", &found, &["driver_id", "b", "value", "event_timestamp", "written"])?;
    same_rows("the latest rows", &found, rows![[1, "x", 30, at(3.0), at(3.0)], [1, "y", 20, at(2.0), NULL]])
}

/// The pull of a view has its keys and its features, these in their declared types.
pub async fn of_a_view(fixture: &dyn Fixture) -> Verdict {
    let view = jumbled().with_features(&[("v", ValueType::Int32), ("w", ValueType::Float64)]);
    let mut registry: FeatureRegistry = Scene::new([view.clone()], drivers(rows![])).entities();
    let definition = view.definition(view.create(fixture).await?);
    registry.feature_views.push(definition.clone());
    let found = latest(fixture, &Pull::of_view(&registry, &definition)?, 1.0, 5.0).await?;
    same_columns("the latest rows", &found, &["a", "b", "v", "w", "ts", "created"])?;
    same("the declared type", &found.columns[2].1, &DataType::Int32)?;
    let right = rows![[1, "x", 30, 2.5, at(3.0), at(3.0)], [1, "y", 20, 1.5, at(2.0), NULL]];
    same_rows("the latest rows", &found, right)
}

/// A window without rows gives the columns and no rows.
pub async fn nothing_in_the_window(fixture: &dyn Fixture) -> Verdict {
    let found = of_rows(fixture, rows![[1, at(9.0), NULL, 10]]).await?;
    same_columns("the latest rows", &found, &["driver_id", "v", "ts", "created"])?;
    same_rows("the latest rows", &found, rows![])
}

/// A row with a NULL key is nobody's: NULL keys are not one key that has a latest row.
pub async fn null_keys_are_ignored(fixture: &dyn Fixture) -> Verdict {
    let found = of_rows(fixture, rows![[NULL, at(2.0), NULL, 10], [1, at(2.0), NULL, 11], [NULL, at(3.0), NULL, 12]]);
    same_rows("the latest rows", &found.await?, rows![[1, 11, at(2.0), NULL]])
}

/// Two keys are told apart and come back as they are.
async fn both_come_back(fixture: &dyn Fixture, data_type: &DataType, keys: [Value; 2]) -> Verdict {
    let columns = [("id", data_type.clone()), ("ts", time()), ("v", DataType::Int64)];
    let row = |key: &Value, seconds, v: i64| vec![key.clone(), at(seconds), v.into()];
    let rows = vec![row(&keys[0], 2.0, 10), row(&keys[1], 3.0, 20), row(&keys[0], 3.0, 11), row(&keys[1], 9.0, 21)];
    let source = View::new("stats", &["id"], Table::new(&columns, rows)).create(fixture).await?;
    let mut pull = pull(source, &["id"], &["v"]);
    pull.join_keys[0].1 = ValueType::from_arrow(data_type).filter(|declared| declared.to_arrow() == *data_type);
    let found = latest(fixture, &pull, 1.0, 5.0).await?;
    let [one, other] = keys;
    same_rows("the latest rows", &found, vec![vec![one, 11.into(), at(3.0)], vec![other, 20.into(), at(3.0)]])
}

/// Keys of every type, integers of every width and text of every encoding are told apart and come
/// back as they are.
pub async fn every_key_type(fixture: &dyn Fixture) -> Verdict {
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let texts = [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View, dictionary];
    let texts = texts.map(|text| (text, ["a".into(), "A".into()]));
    let signed = [DataType::Int8, DataType::Int16, DataType::Int32, DataType::Int64].map(|t| (t, [(-3).into(), 100.into()]));
    let unsigned = [DataType::UInt8, DataType::UInt16, DataType::UInt32, DataType::UInt64].map(|t| (t, [3.into(), 100.into()]));
    let others = [
        (DataType::Boolean, [true.into(), false.into()]),
        (DataType::Date32, [Value::Date(-1), Value::Date(19_000)]),
        (time(), [at(0.0), at(0.000_001)]),
        (DataType::Binary, [Value::Bytes(vec![1]), Value::Bytes(vec![0, 255])]),
    ];
    let mut parts = Parts::default();
    for (data_type, keys) in texts.into_iter().chain(signed).chain(unsigned).chain(others) {
        parts.add(&data_type, both_come_back(fixture, &data_type, keys).await)?;
    }
    parts.end()
}

/// Keys come in the type that their entity declares, whatever they look like or are stored as.
pub async fn keys_in_the_declared_type(fixture: &dyn Fixture) -> Verdict {
    let columns = [("zip", DataType::Utf8), ("n", DataType::Int32), ("ts", time()), ("v", DataType::Int64)];
    let rows = rows![["00123", 1, at(2.0), 10], ["123", 1, at(2.0), 20], ["00123", 1, at(3.0), 30]];
    let source = View::new("stats", &["zip", "n"], Table::new(&columns, rows)).create(fixture).await?;
    let mut pull = pull(source, &["zip", "n"], &["v"]);
    pull.join_keys[0].1 = Some(ValueType::String);
    pull.join_keys[1].1 = Some(ValueType::Int64);
    let found = latest(fixture, &pull, 1.0, 5.0).await?;
    let types: Vec<&DataType> = found.columns[..2].iter().map(|(_, data_type)| data_type).collect();
    same("the types of the keys", &types, &vec![&DataType::Utf8, &DataType::Int64])?;
    same_rows("the latest rows", &found, rows![["00123", 1, 30, at(3.0)], ["123", 1, 20, at(2.0)]])
}
