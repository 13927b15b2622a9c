//! How old a value may be.

use super::common::*;

/// A feature row that is exactly as old as the ttl still counts; one microsecond older does not.
pub async fn oldest_moment_counts(fixture: &dyn Fixture) -> Verdict {
    let view = stats(rows![[1, at(0.0), 10], [2, at(-0.000_001), 20]]).with_ttl(60 * SECOND);
    let frame = drivers(rows![[1, at(60.0)], [2, at(60.0)]]);
    Scene::new([view], frame).gives(fixture, rows![[10], [NULL]]).await
}

/// A feature row at the entity row's own time counts; one microsecond later does not.
pub async fn newest_moment_counts(fixture: &dyn Fixture) -> Verdict {
    let view = stats(rows![[1, at(60.0), 10], [2, at(60.000_001), 20]]).with_ttl(60 * SECOND);
    let frame = drivers(rows![[1, at(60.0)], [2, at(60.0)]]);
    Scene::new([view], frame).gives(fixture, rows![[10], [NULL]]).await
}

/// Without a ttl a value of any age counts.
pub async fn absent_looks_back_forever(fixture: &dyn Fixture) -> Verdict {
    let view = stats(rows![[1, at(-500_000_000.0), 10]]);
    Scene::new([view], drivers(rows![[1, at(60.0)]])).gives(fixture, rows![[10]]).await
}

/// A ttl of zero is no ttl.
pub async fn zero_looks_back_forever(fixture: &dyn Fixture) -> Verdict {
    let view = stats(rows![[1, at(-500_000_000.0), 10]]).with_ttl(0);
    Scene::new([view], drivers(rows![[1, at(60.0)]])).gives(fixture, rows![[10]]).await
}

/// A ttl of one microsecond is one: neither zero, nor a millisecond.
pub async fn is_counted_in_microseconds(fixture: &dyn Fixture) -> Verdict {
    let view = stats(rows![[1, at(1.000_500), 10], [2, at(1.000_500), 20]]).with_ttl(1);
    let frame = drivers(rows![[1, at(1.000_501)], [2, at(1.000_502)]]);
    Scene::new([view], frame).gives(fixture, rows![[10], [NULL]]).await
}

/// A ttl of 1.5 s reaches a row of 1.3 s, and not one of 1.6 s: it is not cut to whole seconds.
pub async fn fraction_of_a_second_counts(fixture: &dyn Fixture) -> Verdict {
    let view = stats(rows![[1, at(8.7), 10], [2, at(8.4), 20]]).with_ttl(SECOND * 3 / 2);
    let frame = drivers(rows![[1, at(10.0)], [2, at(10.0)]]);
    Scene::new([view], frame).gives(fixture, rows![[10], [NULL]]).await
}

/// Where every key is known and nothing is young enough, the rows stay, with NULL.
pub async fn hides_every_known_key(fixture: &dyn Fixture) -> Verdict {
    let view = stats(rows![[1, at(0.0), 10], [2, at(0.0), 20]]).with_ttl(SECOND);
    let frame = drivers(rows![[1, at(60.0)], [2, at(60.0)], [1, at(61.0)]]);
    Scene::new([view], frame).gives(fixture, rows![[NULL], [NULL], [NULL]]).await
}
