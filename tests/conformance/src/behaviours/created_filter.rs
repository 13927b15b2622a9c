//! `filter_by_created_timestamp`: what was not yet written at the entity row's time does not count.

use super::common::*;

fn filtered(view: View, frame: Table) -> Scene {
    let mut scene = Scene::new([view], frame);
    scene.created_filter = true;
    scene
}

/// A row that was created after the entity row's time is no candidate, an older one takes its
/// place; created at that very time counts.
pub async fn later_created_is_out(fixture: &dyn Fixture) -> Verdict {
    needs(fixture.capabilities().created_filter, "created_filter")?;
    let view = stats_created(rows![
        [1, at(1.0), at(2.0), 10],
        [1, at(3.0), at(9.000_001), 11],
        [2, at(1.0), at(9.0), 20],
        [3, at(1.0), at(2.0), 30],
        [3, at(1.0), at(9.000_001), 31],
    ]);
    let frame = drivers(rows![[1, at(9.0)], [2, at(9.0)], [3, at(9.0)], [1, at(10.0)]]);
    filtered(view, frame).gives(fixture, rows![[10], [20], [30], [11]]).await
}

/// A row whose created is NULL is no candidate then.
pub async fn null_created_is_out(fixture: &dyn Fixture) -> Verdict {
    needs(fixture.capabilities().created_filter, "created_filter")?;
    let view = stats_created(rows![[1, at(3.0), NULL, 10], [2, at(3.0), NULL, 20], [2, at(1.0), at(1.0), 21]]);
    let frame = drivers(rows![[1, at(9.0)], [2, at(9.0)]]);
    filtered(view, frame).gives(fixture, rows![[NULL], [21]]).await
}

/// A source without a created column has nothing to filter by.
pub async fn no_created_column_is_not_filtered(fixture: &dyn Fixture) -> Verdict {
    needs(fixture.capabilities().created_filter, "created_filter")?;
    let view = stats(rows![[1, at(3.0), 10]]);
    filtered(view, drivers(rows![[1, at(9.0)]])).gives(fixture, rows![[10]]).await
}

/// Unless it is asked for, a row counts however late it was created.
pub async fn off_by_default(fixture: &dyn Fixture) -> Verdict {
    let view = stats_created(rows![[1, at(3.0), at(99.0), 10]]);
    Scene::new([view], drivers(rows![[1, at(9.0)]])).gives(fixture, rows![[10]]).await
}
