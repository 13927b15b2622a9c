//! Which of several candidates is taken.

use super::common::*;

/// The latest row at or before the entity row's time wins, wherever it stands in the source.
pub async fn largest_time_wins(fixture: &dyn Fixture) -> Verdict {
    let mut view = stats(rows![[1, at(20.0), 20], [1, at(40.0), 40], [1, at(10.0), 10], [1, at(30.0), 30]]);
    view.batch_rows = 1;
    let frame = drivers(rows![[1, at(35.0)], [1, at(9.0)], [1, at(40.0)], [1, at(10.5)]]);
    Scene::new([view], frame).gives(fixture, rows![[30], [NULL], [40], [10]]).await
}

/// Among rows of one time the one that was created last wins, wherever it stands.
pub async fn largest_created_wins_a_tie(fixture: &dyn Fixture) -> Verdict {
    let view = stats_created(rows![
        [1, at(1.0), at(5.0), 5],
        [1, at(1.0), at(5.000_001), 6],
        [1, at(1.0), at(2.0), 2],
    ]);
    Scene::new([view], drivers(rows![[1, at(9.0)]])).gives(fixture, rows![[6]]).await
}

/// Among rows of one time a NULL created loses to any, before and after it in the source.
pub async fn null_created_loses_to_any(fixture: &dyn Fixture) -> Verdict {
    let view = stats_created(rows![
        [1, at(1.0), NULL, 10],
        [1, at(1.0), at(-100_000.0), 11],
        [2, at(1.0), at(-100_000.0), 20],
        [2, at(1.0), NULL, 21],
    ]);
    let frame = drivers(rows![[1, at(9.0)], [2, at(9.0)]]);
    Scene::new([view], frame).gives(fixture, rows![[11], [20]]).await
}

/// A row whose created is NULL still wins when it is alone, or the latest.
pub async fn null_created_wins_alone(fixture: &dyn Fixture) -> Verdict {
    let view = stats_created(rows![
        [1, at(1.0), NULL, 10],
        [2, at(1.0), at(3.0), 20],
        [2, at(2.0), NULL, 21],
    ]);
    let frame = drivers(rows![[1, at(9.0)], [2, at(9.0)]]);
    Scene::new([view], frame).gives(fixture, rows![[10], [21]]).await
}

/// Event time decides before created: a later row wins though it was created earlier.
pub async fn older_created_wins_by_time(fixture: &dyn Fixture) -> Verdict {
    let view = stats_created(rows![[1, at(2.0), at(3.0), 10], [1, at(1.0), at(8.0), 20]]);
    Scene::new([view], drivers(rows![[1, at(9.0)]])).gives(fixture, rows![[10]]).await
}

/// A source without a created column is joined by event time alone.
pub async fn no_created_column_is_fine(fixture: &dyn Fixture) -> Verdict {
    let view = stats(rows![[1, at(2.0), 10], [1, at(1.0), 20]]);
    Scene::new([view], drivers(rows![[1, at(9.0)]])).gives(fixture, rows![[10]]).await
}

fn ties() -> Scene {
    let columns = [
        ("driver_id", DataType::Int64),
        ("ts", time()),
        ("created", time()),
        ("v", DataType::Int64),
        ("w", DataType::Utf8),
    ];
    let rows = rows![
        [1, at(1.0), at(2.0), 10, "a"],
        [1, at(1.0), at(2.0), 11, "b"],
        [1, at(1.0), at(2.0), 12, "c"],
        [2, at(1.0), NULL, 20, "d"],
        [2, at(1.0), NULL, 21, "e"],
    ];
    let mut view = View::new("stats", &["driver_id"], Table::new(&columns, rows));
    view.batch_rows = 2;
    Scene::new([view], drivers(rows![[1, at(9.0)], [2, at(9.0)], [1, at(9.0)]]))
}

/// Rows that event time and created do not decide give one row, whole: never two, never a mix.
pub async fn exact_tie_gives_one_row(fixture: &dyn Fixture) -> Verdict {
    ties().check(fixture).await.map(drop)
}

/// The same data gives the same winner of an exact tie again.
pub async fn exact_tie_is_repeatable(fixture: &dyn Fixture) -> Verdict {
    needs(fixture.capabilities().stable_ties, "stable_ties")?;
    let (once, again) = (ties().check(fixture).await?, ties().check(fixture).await?);
    same("the second run", &again.rows, &once.rows)
}

/// An exact tie goes to the later row of the later file or batch.
pub async fn exact_tie_takes_the_later_row(fixture: &dyn Fixture) -> Verdict {
    needs(fixture.capabilities().stable_ties, "stable_ties")?;
    ties().gives(fixture, rows![[12, "c"], [21, "e"], [12, "c"]]).await
}

/// An entity row without any candidate stays, with NULL features.
pub async fn no_candidate_gives_null(fixture: &dyn Fixture) -> Verdict {
    let view = stats(rows![[1, at(5.0), 10]]);
    let frame = drivers(rows![[2, at(9.0)], [1, at(9.0)], [1, at(4.0)]]);
    Scene::new([view], frame).gives(fixture, rows![[NULL], [10], [NULL]]).await
}

/// The winner's NULL is the answer: it is not filled from an older row.
pub async fn null_feature_of_the_winner_stays(fixture: &dyn Fixture) -> Verdict {
    let view = stats(rows![[1, at(1.0), 10], [1, at(2.0), NULL]]);
    Scene::new([view], drivers(rows![[1, at(9.0)]])).gives(fixture, rows![[NULL]]).await
}
