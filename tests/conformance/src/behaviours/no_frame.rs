//! No entity frame, but start and end: one row per distinct key set seen between, as of the end.

use hybrid_core::EntityFrame;

use super::common::*;

/// Asks for everything between two moments and reads it.
async fn between(fixture: &dyn Fixture, scene: &Scene, start: f64, end: f64) -> Verdict<Table> {
    let registry = scene.deploy(fixture).await?;
    let frame = EntityFrame::Between(instant(start)?, instant(end)?);
    let stream = scene.ask(fixture, &registry, frame).await?.stream().await?;
    let schema = stream.schema().clone();
    Table::read(&schema, &stream.collect().await?)
}

/// The rows of these columns must be exactly these, in this order.
fn gives(found: &Table, columns: &[&str], right: Vec<Vec<Value>>) -> Verdict {
    let at = columns.iter().map(|name| found.index(name)).collect::<Verdict<Vec<_>>>()?;
    let rows: Vec<Vec<Value>> = found.rows.iter().map(|row| at.iter().map(|at| row[*at].clone()).collect()).collect();
    ensure(rows == right, || format!("the rows are\n{}\nright is\n{}", shown(&rows), shown(&right)))
}

fn scene(view: View) -> Scene {
    Scene::new([view], drivers(rows![]))
}

/// One row per key, with its latest values, ordered by key, under the columns key, time, features.
pub async fn one_row_per_key_as_of_end(fixture: &dyn Fixture) -> Verdict {
    let view = stats(rows![[3, at(2.0), 30], [1, at(3.0), 11], [1, at(2.0), 10], [2, at(4.0), 20], [1, at(9.0), 12]]);
    let found = between(fixture, &scene(view), 1.0, 5.0).await?;
    same_columns("without a frame", &found, &["driver_id", "event_timestamp", "v"])?;
    let rows = rows![[1, at(5.0), 11], [2, at(5.0), 20], [3, at(5.0), 30]];
    gives(&found, &["driver_id", "event_timestamp", "v"], rows)
}

/// A key that is seen exactly at the start or at the end is seen; a microsecond outside it is not.
pub async fn both_ends_are_inclusive(fixture: &dyn Fixture) -> Verdict {
    let view = stats(rows![
        [1, at(1.0), 10],
        [2, at(5.0), 20],
        [3, at(0.999_999), 30],
        [4, at(5.000_001), 40],
    ]);
    let found = between(fixture, &scene(view), 1.0, 5.0).await?;
    gives(&found, &["driver_id", "v"], rows![[1, 10], [2, 20]])
}

/// A key that was seen stays, with NULL where its value is older than the ttl at the end.
pub async fn ttl_counts_from_the_end(fixture: &dyn Fixture) -> Verdict {
    let view = stats(rows![[1, at(2.0), 10], [2, at(4.0), 20], [3, at(3.0), 30]]).with_ttl(2 * SECOND);
    let found = between(fixture, &scene(view), 1.0, 5.0).await?;
    gives(&found, &["driver_id", "v"], rows![[1, NULL], [2, 20], [3, 30]])
}

/// Key sets of several columns are one row each, ordered by the first key, then by the second.
pub async fn ordered_by_composite_key(fixture: &dyn Fixture) -> Verdict {
    let columns = [("a", DataType::Int64), ("b", DataType::Utf8), ("ts", time()), ("v", DataType::Int64)];
    let rows = rows![[11, "x", at(2.0), 1], [2, "y", at(2.0), 2], [2, "x", at(3.0), 3], [2, "y", at(3.0), 4]];
    let view = View::new("pairs", &["a", "b"], Table::new(&columns, rows));
    let found = between(fixture, &scene(view), 1.0, 5.0).await?;
    gives(&found, &["a", "b", "v"], rows![[2, "x", 3], [2, "y", 4], [11, "x", 1]])
}

/// With several views a key is there that any of them has seen; the others answer as of the end.
pub async fn views_share_their_keys(fixture: &dyn Fixture) -> Verdict {
    let columns = [("driver_id", DataType::Int64), ("ts", time()), ("w", DataType::Float64)];
    let other = Table::new(&columns, rows![[2, at(2.0), 0.5], [1, at(0.0), 1.5]]);
    let views = [stats(rows![[1, at(2.0), 10], [3, at(0.0), 30]]), View::new("other", &["driver_id"], other)];
    let found = between(fixture, &Scene::new(views, drivers(rows![])), 1.0, 5.0).await?;
    gives(&found, &["driver_id", "v", "w"], rows![[1, 10, 1.5], [2, NULL, 0.5]])
}

/// Views with different keys have no key set in common: an error that names them.
pub async fn different_keys_are_an_error(fixture: &dyn Fixture) -> Verdict {
    let columns = [("customer", DataType::Utf8), ("ts", time()), ("w", DataType::Float64)];
    let other = View::new("other", &["customer"], Table::new(&columns, rows![]));
    let scene = Scene::new([stats(rows![]), other], drivers(rows![]));
    let registry = scene.deploy(fixture).await?;
    let frame = EntityFrame::Between(instant(1.0)?, instant(5.0)?);
    let asked = scene.ask(fixture, &registry, frame).await;
    refused("different keys without a frame", asked, CALLERS, &["stats", "other"])
}

/// Nothing seen: the right columns and no rows.
pub async fn nothing_in_the_range(fixture: &dyn Fixture) -> Verdict {
    let found = between(fixture, &scene(stats(rows![[1, at(9.0), 10]])), 1.0, 5.0).await?;
    same_columns("without a frame", &found, &["driver_id", "event_timestamp", "v"])?;
    gives(&found, &["v"], rows![])
}

/// A row with a NULL key is nobody's: it makes no row.
pub async fn null_keys_are_no_entity(fixture: &dyn Fixture) -> Verdict {
    let found = between(fixture, &scene(stats(rows![[NULL, at(2.0), 10], [1, at(2.0), 11]])), 1.0, 5.0).await?;
    gives(&found, &["driver_id", "v"], rows![[1, 11]])
}
