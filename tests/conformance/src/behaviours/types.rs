//! Values and their types.

use super::common::*;

/// Two values of a scalar type.
pub(super) fn samples(value_type: &ValueType) -> [Value; 2] {
    match value_type {
        ValueType::Bytes | ValueType::PdfBytes | ValueType::ImageBytes => {
            [Value::Bytes(vec![0, 255, 10]), Value::Bytes(vec![])]
        }
        ValueType::Int32 => [i64::from(i32::MIN).into(), i64::from(i32::MAX).into()],
        ValueType::Int64 => [i64::MIN.into(), i64::MAX.into()],
        ValueType::Float64 => [0.1.into(), f64::MAX.into()],
        ValueType::Float32 => [0.5.into(), (-1e10).into()],
        ValueType::Bool => [true.into(), false.into()],
        ValueType::UnixTimestamp | ValueType::ZonedTimestamp => [at(0.000_001), Value::Time(-1)],
        ValueType::Map | ValueType::ScalarMap => {
            [Value::Map(vec![("a".into(), "1".into()), ("b".into(), NULL)]), Value::Map(vec![])]
        }
        ValueType::Json => ["{\"a\": [1, null]}".into(), "null".into()],
        ValueType::Uuid | ValueType::TimeUuid => ["0190b0a0-0000-7000-8000-000000000000".into(), "".into()],
        ValueType::Decimal => ["123456789012345678901234567890.000000001".into(), "-0.5".into()],
        ValueType::Array(item) | ValueType::Set(item) => {
            let [one, other] = samples(item);
            [Value::List(vec![other, NULL, one]), Value::List(vec![])]
        }
        ValueType::Struct(fields) => {
            let first = fields.iter().map(|(_, t)| samples(t)[0].clone());
            [Value::Struct(first.collect()), Value::Struct(vec![NULL; fields.len()])]
        }
        ValueType::String => ["größer, \"quoted\"\nand 'more'\\".into(), "NULL".into()],
    }
}

/// Stores both samples and NULL in a source of the type's own Arrow type and reads them back.
async fn round_trip(fixture: &dyn Fixture, value_type: &ValueType) -> Verdict {
    let columns = [("driver_id", DataType::Int64), ("ts", time()), ("v", value_type.to_arrow())];
    let [one, other] = samples(value_type);
    let rows = vec![
        vec![1.into(), at(1.0), one],
        vec![2.into(), at(1.0), other],
        vec![3.into(), at(1.0), NULL],
    ];
    let view = View::new("stats", &["driver_id"], Table::new(&columns, rows)).with_features(&[("v", value_type.clone())]);
    let frame = drivers(rows![[3, at(5.0)], [2, at(5.0)], [4, at(5.0)], [1, at(5.0)], [2, at(0.0)]]);
    Scene::new([view], frame).check(fixture).await.map(drop)
}

/// Tries every type; those that the engine lacks are named in the end.
async fn round_trips(fixture: &dyn Fixture, types: Vec<ValueType>) -> Verdict {
    let mut parts = Parts::default();
    for value_type in types {
        parts.add(&value_type, round_trip(fixture, &value_type).await)?;
    }
    parts.end()
}

fn array(value_type: ValueType) -> ValueType {
    ValueType::Array(Box::new(value_type))
}

/// Every scalar type but the maps.
pub(super) fn scalars() -> Vec<ValueType> {
    let is_map = |t: &ValueType| matches!(t, ValueType::Map | ValueType::ScalarMap);
    ValueType::scalars().filter(|t| !is_map(t)).collect()
}

/// Arrays of each of these, a set, and an array of arrays.
pub(super) fn arrays() -> Vec<ValueType> {
    let more = [ValueType::Set(Box::new(ValueType::String)), array(array(ValueType::Int64))];
    scalars().into_iter().map(array).chain(more).collect()
}

pub(super) fn maps_and_structs() -> Vec<ValueType> {
    let fields = vec![
        ("a".to_owned(), ValueType::Int64),
        ("b".to_owned(), ValueType::Array(Box::new(ValueType::String))),
    ];
    let nested = ValueType::Struct(fields);
    vec![ValueType::Map, ValueType::ScalarMap, nested.clone(), array(nested), array(ValueType::Map)]
}

/// Every scalar type of Feast's comes back as it was, its extremes, empty values and NULL too.
pub async fn scalars_round_trip(fixture: &dyn Fixture) -> Verdict {
    round_trips(fixture, scalars()).await
}

/// Arrays and sets of every scalar type, and arrays of arrays, come back as they were.
pub async fn arrays_round_trip(fixture: &dyn Fixture) -> Verdict {
    round_trips(fixture, arrays()).await
}

/// Maps, structs and arrays of them come back as they were.
pub async fn maps_and_structs_round_trip(fixture: &dyn Fixture) -> Verdict {
    round_trips(fixture, maps_and_structs()).await
}

/// An Int64 feature with NULLs stays Int64: a number above 2^53 keeps its last digit.
pub async fn int64_with_null_stays_int64(fixture: &dyn Fixture) -> Verdict {
    let view = stats(rows![[1, at(1.0), 9_007_199_254_740_993], [2, at(1.0), NULL]]);
    let frame = drivers(rows![[1, at(5.0)], [2, at(5.0)], [3, at(5.0)]]);
    Scene::new([view], frame).gives(fixture, rows![[9_007_199_254_740_993], [NULL], [NULL]]).await
}

/// NaN, infinities and a negative zero are values like others.
pub async fn extremes_survive(fixture: &dyn Fixture) -> Verdict {
    let columns = [("driver_id", DataType::Int64), ("ts", time()), ("v", DataType::Float64)];
    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MIN_POSITIVE];
    let row = |(id, v): (i64, f64)| vec![id.into(), at(1.0), v.into()];
    let rows = (0..).zip(values).map(row).collect();
    let frame = (0..5_i64).map(|id| vec![id.into(), at(5.0)]).collect();
    let scene = Scene::new([View::new("stats", &["driver_id"], Table::new(&columns, rows))], drivers(frame));
    scene.check(fixture).await.map(drop)
}

/// A scene of one feature that is stored as `stored` and declared as `declared`.
pub(super) fn declared(stored: DataType, values: [Value; 2], declared: ValueType) -> Scene {
    let columns = [("driver_id", DataType::Int64), ("ts", time()), ("v", stored)];
    let [one, other] = values;
    let rows = vec![vec![1.into(), at(1.0), one], vec![2.into(), at(1.0), other], vec![3.into(), at(1.0), NULL]];
    let view = View::new("stats", &["driver_id"], Table::new(&columns, rows)).with_features(&[("v", declared)]);
    Scene::new([view], drivers(rows![[1, at(5.0)], [2, at(5.0)], [3, at(5.0)]]))
}

/// A source of another type is cast to the declared one.
pub async fn declared_type_is_returned(fixture: &dyn Fixture) -> Verdict {
    let wider = declared(DataType::Int32, [7.into(), (-8).into()], ValueType::Int64);
    wider.gives_exactly(fixture, rows![[7], [-8], [NULL]]).await?;
    let narrower = declared(DataType::Int64, [7.into(), (-8).into()], ValueType::Int32);
    narrower.gives_exactly(fixture, rows![[7], [-8], [NULL]]).await?;
    let float = declared(DataType::Int32, [7.into(), (-8).into()], ValueType::Float64);
    float.gives_exactly(fixture, rows![[7.0], [-8.0], [NULL]]).await?;
    let number = declared(DataType::Utf8, ["7".into(), "-8".into()], ValueType::Int64);
    number.gives_exactly(fixture, rows![[7], [-8], [NULL]]).await?;
    let text = declared(DataType::Int64, [7.into(), (-8).into()], ValueType::String);
    text.gives_exactly(fixture, rows![["7"], ["-8"], [NULL]]).await
}

/// Asks and reads everything; the error of either is what is judged.
async fn fails(fixture: &dyn Fixture, what: &str, scene: Scene) -> Verdict {
    let registry = scene.deploy(fixture).await?;
    let outcome = match scene.ask(fixture, &registry, scene.entity_frame()?).await {
        Ok(job) => job.to_arrow().await,
        Err(error) => Err(error),
    };
    ensure(outcome.is_err(), || format!("{what} must be an error, and gave {outcome:?}"))
}

/// A value that the declared type cannot hold is an error, and never NULL or another number.
pub async fn overflow_is_an_error(fixture: &dyn Fixture) -> Verdict {
    let values = || [7.into(), (i64::from(i32::MAX) + 1).into()];
    fails(fixture, "an Int32 that overflows", declared(DataType::Int64, values(), ValueType::Int32)).await
}

/// Text that is no number is an error where a number is declared.
pub async fn text_that_is_no_number_is_an_error(fixture: &dyn Fixture) -> Verdict {
    let scene = declared(DataType::Utf8, ["7".into(), "seven".into()], ValueType::Int64);
    fails(fixture, "text as an Int64", scene).await
}
