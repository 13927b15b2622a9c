//! `pull_all_from_table_or_query`: every row of a window.

use super::common::*;
use super::pull_latest::{jumbled, pull};

async fn all(fixture: &dyn Fixture, pull: &Pull, start: Option<f64>, end: Option<f64>) -> Verdict<Table> {
    let (start, end) = (start.map(instant).transpose()?, end.map(instant).transpose()?);
    let stream = fixture.store().pull_all_from_table_or_query(pull, start, end, &Call::default()).await?;
    let schema = stream.schema().clone();
    Table::read(&schema, &stream.collect().await?)
}

/// The values of the rows between these ends, out of four rows at 0.999999, 1, 5 and 5.000001.
async fn values(fixture: &dyn Fixture, start: Option<f64>, end: Option<f64>, right: Vec<Vec<Value>>) -> Verdict {
    let rows = rows![[1, at(0.999_999), 10], [1, at(1.0), 11], [2, at(5.0), 20], [1, at(5.000_001), 12]];
    let source = stats(rows).create(fixture).await?;
    let found = all(fixture, &pull(source, &["driver_id"], &["v"]), start, end).await?;
    same_columns("the rows", &found, &["driver_id", "v", "ts"])?;
    let right: Vec<_> = right.into_iter().map(|row| row[0].clone()).collect();
    let mut values: Vec<_> = found.rows.iter().map(|row| row[1].clone()).collect();
    values.sort_by_key(ToString::to_string);
    same("the values in the window", &values, &right)
}

/// Both ends of the window belong to it; a microsecond outside does not.
pub async fn both_ends_are_inclusive(fixture: &dyn Fixture) -> Verdict {
    values(fixture, Some(1.0), Some(5.0), rows![[11], [20]]).await
}

/// A start alone goes to the end of the data.
pub async fn start_alone(fixture: &dyn Fixture) -> Verdict {
    values(fixture, Some(1.0), None, rows![[11], [12], [20]]).await
}

/// An end alone goes back to the beginning of the data.
pub async fn end_alone(fixture: &dyn Fixture) -> Verdict {
    values(fixture, None, Some(5.0), rows![[10], [11], [20]]).await
}

/// Without dates every row comes.
pub async fn no_dates(fixture: &dyn Fixture) -> Verdict {
    values(fixture, None, None, rows![[10], [11], [12], [20]]).await
}

/// Rows of one key, of one time, and rows that are alike all come: nothing is deduplicated.
pub async fn keeps_every_row(fixture: &dyn Fixture) -> Verdict {
    let rows = || rows![[1, at(2.0), NULL, 10], [1, at(2.0), NULL, 10], [1, at(2.0), at(3.0), 11], [1, at(3.0), NULL, NULL]];
    let source = stats_created(rows()).create(fixture).await?;
    let found = all(fixture, &pull(source, &["driver_id"], &["v"]), Some(1.0), Some(5.0)).await?;
    let reordered = |row: Vec<Value>| [0, 3, 1, 2].iter().map(|at: &usize| row[*at].clone()).collect();
    same_rows("the rows", &found, rows().into_iter().map(reordered).collect())
}

/// Columns: the keys as given, the features as given, event time, created; and no other.
pub async fn columns_in_order(fixture: &dyn Fixture) -> Verdict {
    let source = jumbled().create(fixture).await?;
    let found = all(fixture, &pull(source, &["a", "b"], &["w", "v"]), None, None).await?;
    same_columns("the rows", &found, &["a", "b", "w", "v", "ts", "created"])?;
    let right = rows![
        [1, "x", 0.5, 10, at(2.0), at(3.0)],
        [1, "y", 1.5, 20, at(2.0), NULL],
        [1, "x", 2.5, 30, at(3.0), at(3.0)],
    ];
    same_rows("the rows", &found, right)
}

/// Keys, features and timestamps come under their mapped names.
pub async fn mapped_names(fixture: &dyn Fixture) -> Verdict {
    let pairs = [("a", "driver_id"), ("v", "value"), ("ts", "event_timestamp"), ("created", "written")];
    let source = jumbled().with_mapping(&pairs).create(fixture).await?;
    let found = all(fixture, &pull(source, &["driver_id"], &["value"]), Some(3.0), None).await?;
    same_columns("the rows", &found, &["driver_id", "value", "event_timestamp", "written"])?;
    same_rows("the rows", &found, rows![[1, 30, at(3.0), at(3.0)]])
}
