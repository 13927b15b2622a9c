//! The row contract: exactly one output row per entity row, in the frame's order.

use std::sync::Arc;

use super::common::*;

/// Rows come back in the frame's order, which is neither that of keys nor that of time.
pub async fn frame_order_is_kept(fixture: &dyn Fixture) -> Verdict {
    let view = stats(rows![[1, at(1.0), 10], [2, at(1.0), 20], [3, at(1.0), 30]]);
    let frame = drivers(rows![[3, at(5.0)], [1, at(9.0)], [2, at(2.0)], [3, at(3.0)], [1, at(4.0)]]);
    Scene::new([view], frame).gives(fixture, rows![[30], [10], [20], [30], [10]]).await
}

/// Rows that are alike, and rows that differ in another column only, all come back.
pub async fn duplicates_are_kept(fixture: &dyn Fixture) -> Verdict {
    let columns = [("driver_id", DataType::Int64), ("event_timestamp", time()), ("label", DataType::Utf8)];
    let rows = rows![[1, at(5.0), "a"], [1, at(5.0), "b"], [1, at(5.0), "a"], [2, at(5.0), "a"], [1, at(5.0), NULL]];
    let view = stats(rows![[1, at(1.0), 10]]);
    let scene = Scene::new([view], Table::new(&columns, rows));
    scene.gives(fixture, rows![[10], [10], [10], [NULL], [10]]).await
}

/// No entity row is lost when two views both lack some.
pub async fn unmatched_rows_stay(fixture: &dyn Fixture) -> Verdict {
    let columns = [("driver_id", DataType::Int64), ("ts", time()), ("w", DataType::Float64)];
    let other = View::new("other", &["driver_id"], Table::new(&columns, rows![[2, at(1.0), 0.5]]));
    let frame = drivers(rows![[1, at(5.0)], [2, at(5.0)], [3, at(5.0)]]);
    let scene = Scene::new([stats(rows![[1, at(1.0), 10]]), other], frame);
    scene.gives(fixture, rows![[10, NULL], [NULL, 0.5], [NULL, NULL]]).await
}

/// Every column of the frame comes back as it came, in name, type, order and value.
pub async fn frame_columns_are_untouched(fixture: &dyn Fixture) -> Verdict {
    let item = Arc::new(arrow::datatypes::Field::new_list_field(DataType::Float32, true));
    let columns = [
        ("Label with spaces", DataType::LargeUtf8),
        ("event_timestamp", time()),
        ("select", DataType::Boolean),
        ("list", DataType::List(item)),
        ("driver_id", DataType::Int16),
        ("price", DataType::Decimal128(12, 3)),
        ("seen", DataType::Timestamp(TimeUnit::Second, Some("Europe/Berlin".into()))),
        ("day", DataType::Date32),
        ("raw", DataType::Binary),
    ];
    let rows = rows![
        ["ä\"'", at(5.0), true, vec![0.5, 1.5], 1, Value::Decimal(1234), at(7.0), Value::Date(3), Value::Bytes(vec![0, 255])],
        [NULL, at(4.0), NULL, NULL, 2, NULL, NULL, NULL, NULL],
    ];
    let scene = Scene::new([stats(rows![[1, at(1.0), 10]])], Table::new(&columns, rows));
    scene.gives(fixture, rows![[10], [NULL]]).await
}

/// A frame that comes in many batches is one frame.
pub async fn frame_in_many_batches(fixture: &dyn Fixture) -> Verdict {
    let view = stats(rows![[1, at(1.0), 10], [2, at(1.0), 20]]);
    let frame = drivers(rows![[2, at(5.0)], [1, at(5.0)], [2, at(0.0)], [1, at(4.0)], [2, at(3.0)]]);
    let mut scene = Scene::new([view], frame);
    scene.batch_rows = 2;
    scene.gives(fixture, rows![[20], [10], [NULL], [10], [20]]).await
}

/// A frame without rows gives the right columns and no rows.
pub async fn empty_frame(fixture: &dyn Fixture) -> Verdict {
    Scene::new([stats(rows![[1, at(1.0), 10]])], drivers(rows![])).gives(fixture, rows![]).await
}

/// A source without rows gives NULL.
pub async fn empty_source(fixture: &dyn Fixture) -> Verdict {
    Scene::new([stats(rows![])], drivers(rows![[1, at(5.0)]])).gives(fixture, rows![[NULL]]).await
}

/// Thousands of rows in many batches keep their order and their values.
pub async fn many_rows(fixture: &dyn Fixture) -> Verdict {
    let mixed = |i: i64| i * 7919 % 5003;
    let feature = |i: i64| vec![Value::from(mixed(i) % 50), at((i % 1000) as f64 * 1.000_003), Value::from(i)];
    let entity = |i: i64| vec![Value::from(mixed(i) % 60), at(mixed(i) as f64 / 5.0)];
    let mut view = stats((0..1500).map(feature).collect()).with_ttl(40 * SECOND);
    view.batch_rows = 400;
    let mut scene = Scene::new([view], drivers((0..3000).map(entity).collect()));
    scene.batch_rows = 512;
    scene.check(fixture).await.map(drop)
}
