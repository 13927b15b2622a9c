//! Which column of the frame is its time, and what its type means.

use super::common::*;

/// A scene whose frame has its time in `column` of type `data_type`: at second 5, and before all.
fn timed(column: &str, data_type: DataType, rows: [Value; 2]) -> Scene {
    let columns = [("driver_id", DataType::Int64), (column, data_type)];
    let [late, early] = rows;
    let frame = Table::new(&columns, vec![vec![1.into(), late], vec![1.into(), early]]);
    Scene::new([stats(rows![[1, at(4.0), 10], [1, at(5.000_001), 11]])], frame).with_entity_time(column)
}

/// A timestamp without a zone is UTC, and comes back without a zone.
pub async fn naive_means_utc(fixture: &dyn Fixture) -> Verdict {
    let naive = DataType::Timestamp(TimeUnit::Microsecond, None);
    timed("event_timestamp", naive, [at(5.0), at(3.0)]).gives(fixture, rows![[10], [NULL]]).await
}

/// A timestamp in a named zone is the instant that it is, and comes back in its zone.
pub async fn named_zone_is_kept(fixture: &dyn Fixture) -> Verdict {
    for zone in ["Europe/Berlin", "America/New_York", "+05:30"] {
        let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into()));
        timed("event_timestamp", zoned, [at(5.0), at(3.0)]).gives(fixture, rows![[10], [NULL]]).await?;
    }
    Ok(())
}

/// Seconds, milliseconds and nanoseconds are accepted and come back in their unit.
pub async fn every_unit_is_kept(fixture: &dyn Fixture) -> Verdict {
    for unit in [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Nanosecond] {
        let data_type = DataType::Timestamp(unit, Some("UTC".into()));
        timed("event_timestamp", data_type, [at(5.0), at(3.0)]).gives(fixture, rows![[10], [NULL]]).await?;
    }
    Ok(())
}

/// Text that reads as RFC 3339 is a time, with its offset and its fraction, and comes back as it was.
pub async fn strings_are_parsed(fixture: &dyn Fixture) -> Verdict {
    let times = ["2024-01-01T02:00:05.000001+02:00".into(), "2024-01-01T00:00:05Z".into()];
    timed("event_timestamp", DataType::Utf8, times).gives(fixture, rows![[11], [10]]).await
}

/// The time comes back under the frame's own name for it.
pub async fn other_name_is_kept(fixture: &dyn Fixture) -> Verdict {
    timed("happened", time(), [at(5.0), at(3.0)]).gives(fixture, rows![[10], [NULL]]).await
}

/// Without a column `event_timestamp` the only timestamp column is taken, whatever else is there.
pub async fn only_timestamp_column_is_taken(fixture: &dyn Fixture) -> Verdict {
    let columns = [("day", DataType::Date32), ("when", time()), ("driver_id", DataType::Int64), ("note", DataType::Utf8)];
    let frame = Table::new(&columns, rows![[Value::Date(0), at(5.0), 1, "2024-01-01T00:00:00Z"]]);
    let scene = Scene::new([stats(rows![[1, at(4.0), 10]])], frame).with_entity_time("when");
    scene.gives(fixture, rows![[10]]).await
}

/// With a column `event_timestamp` other timestamp columns are passengers.
pub async fn event_timestamp_is_preferred(fixture: &dyn Fixture) -> Verdict {
    let columns = [("seen", time()), ("driver_id", DataType::Int64), ("event_timestamp", time())];
    let frame = Table::new(&columns, rows![[at(3.0), 1, at(5.0)], [NULL, 1, at(3.0)]]);
    Scene::new([stats(rows![[1, at(4.0), 10]])], frame).gives(fixture, rows![[10], [NULL]]).await
}

async fn no_time(fixture: &dyn Fixture, columns: &[(&str, DataType)], words: &[&str]) -> Verdict {
    let scene = Scene::new([stats(rows![[1, at(4.0), 10]])], Table::new(columns, rows![]));
    let registry = scene.deploy(fixture).await?;
    let asked = scene.ask(fixture, &registry, scene.entity_frame()?).await;
    refused("a frame without a clear time", asked, CALLERS, words)
}

/// Several timestamp columns, none of them `event_timestamp`: an error that lists them.
pub async fn several_candidates_are_an_error(fixture: &dyn Fixture) -> Verdict {
    let columns = [("driver_id", DataType::Int64), ("begun", time()), ("ended", time())];
    no_time(fixture, &columns, &["begun", "ended"]).await
}

/// No timestamp column: an error that says what is looked for.
pub async fn no_candidate_is_an_error(fixture: &dyn Fixture) -> Verdict {
    let columns = [("driver_id", DataType::Int64), ("note", DataType::Utf8)];
    no_time(fixture, &columns, &["event_timestamp"]).await
}

/// The source's times may be naive, in a zone, or in another unit.
pub async fn source_types_interchange(fixture: &dyn Fixture) -> Verdict {
    let types = [
        ("naive", DataType::Timestamp(TimeUnit::Microsecond, None)),
        ("milliseconds", DataType::Timestamp(TimeUnit::Millisecond, None)),
        ("nanoseconds", DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))),
        ("in a zone", DataType::Timestamp(TimeUnit::Microsecond, Some("Europe/Berlin".into()))),
    ];
    let mut parts = Parts::default();
    for (part, data_type) in types {
        let columns =
            [("driver_id", DataType::Int64), ("ts", data_type.clone()), ("created", data_type), ("v", DataType::Int64)];
        let rows = rows![[1, at(4.0), at(4.5), 10], [1, at(4.0), at(4.6), 11], [1, at(6.0), at(6.0), 12]];
        let view = View::new("stats", &["driver_id"], Table::new(&columns, rows)).with_ttl(SECOND);
        let frame = drivers(rows![[1, at(5.0)], [1, at(5.001)]]);
        parts.add(part, Scene::new([view], frame).gives(fixture, rows![[11], [NULL]]).await)?;
    }
    parts.end()
}

/// Nanoseconds are floored to microseconds: 999 ns after the entity row's time is that time.
pub async fn nanoseconds_are_floored(fixture: &dyn Fixture) -> Verdict {
    let Some(second) = micros(&at(5.0)).map(|micros| micros * 1000) else {
        return Err(Miss::failed("the scene has no second 5"));
    };
    let nanos = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let columns = [("driver_id", DataType::Int64), ("ts", nanos), ("v", DataType::Int64)];
    let rows = rows![[1, Value::Nanos(second + 999), 10], [2, Value::Nanos(second + 1000), 20]];
    let view = View::new("stats", &["driver_id"], Table::new(&columns, rows));
    let frame = drivers(rows![[1, at(5.0)], [2, at(5.0)]]);
    Scene::new([view], frame).gives(fixture, rows![[10], [NULL]]).await
}

/// An entity row's nanoseconds are floored too, and come back as they were.
pub async fn entity_nanoseconds_are_floored(fixture: &dyn Fixture) -> Verdict {
    let nanos = |micros: Option<i64>| micros.map_or(NULL, |micros| Value::Nanos(micros * 1000 + 999));
    let data_type = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let rows = [at(5.000_000), at(3.999_999)].map(|time| nanos(micros(&time)));
    timed("event_timestamp", data_type, rows).gives(fixture, rows![[10], [NULL]]).await
}

/// Text that reads as no time is an error, and not a row without features.
pub async fn text_that_is_no_time_is_an_error(fixture: &dyn Fixture) -> Verdict {
    let scene = timed("event_timestamp", DataType::Utf8, ["2024-01-01T00:00:05Z".into(), "yesterday".into()]);
    let registry = scene.deploy(fixture).await?;
    let outcome = match scene.ask(fixture, &registry, scene.entity_frame()?).await {
        Ok(job) => job.to_arrow().await,
        Err(error) => Err(error),
    };
    refused("text that is no time", outcome, CALLERS, &["event_timestamp"])
}

/// Times before 1970 are times, to the microsecond.
pub async fn before_1970(fixture: &dyn Fixture) -> Verdict {
    let then = |micros: i64| Value::Time(-1_000_000_000_000_000 + micros);
    let view = stats(rows![[1, then(-5), 10], [2, then(1), 20], [3, then(-6), 30]]).with_ttl(5);
    let frame = drivers(rows![[1, then(0)], [2, then(0)], [3, then(0)]]);
    Scene::new([view], frame).gives(fixture, rows![[10], [NULL], [NULL]]).await
}
