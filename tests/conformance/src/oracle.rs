//! The naive answer to a point-in-time join: for each entity row, look at every feature row.
//!
//! Slow, obvious, and without a line in common with the joins that it judges.

use hybrid_core::chrono::DateTime;

use crate::{Table, Value};

/// One view, joined to an entity frame: columns are given by their position.
#[derive(Debug, Clone)]
pub struct Joined<'a> {
    /// The feature rows.
    pub features: &'a Table,
    /// Pairs of a feature column and an entity column that must be equal.
    pub keys: Vec<(usize, usize)>,
    /// The feature column with the event time.
    pub time: usize,
    /// The feature column with the created time.
    pub created: Option<usize>,
    /// How old a feature row may be, microseconds, inclusive; `None`: any age.
    pub ttl: Option<i64>,
    /// Whether a feature row must have been created at or before the entity row's time.
    pub created_filter: bool,
}

/// For each entity row the feature rows that may win it: none, one, or the several that event
/// time and created time do not decide, in the order of the source.
pub fn winners(entities: &Table, entity_time: usize, joined: &Joined<'_>) -> Vec<Vec<usize>> {
    let winners_of = |entity: &Vec<Value>| {
        let mut best: Vec<usize> = Vec::new();
        for row in 0..joined.features.rows.len() {
            if !is_candidate(entity, entity_time, joined, row) {
                continue;
            }
            let order = best.first().map(|first| rank(joined, row).cmp(&rank(joined, *first)));
            match order {
                Some(std::cmp::Ordering::Less) => {}
                Some(std::cmp::Ordering::Equal) => best.push(row),
                Some(std::cmp::Ordering::Greater) | None => best = vec![row],
            }
        }
        best
    };
    entities.rows.iter().map(winners_of).collect()
}

fn is_candidate(entity: &[Value], entity_time: usize, joined: &Joined<'_>, row: usize) -> bool {
    let feature = &joined.features.rows[row];
    let equal = |(left, right): &(usize, usize)| !feature[*left].is_null() && feature[*left] == entity[*right];
    if !joined.keys.iter().all(equal) {
        return false;
    }
    let (Some(now), Some(then)) = (micros(&entity[entity_time]), micros(&feature[joined.time])) else {
        return false;
    };
    if then > now || joined.ttl.is_some_and(|ttl| ttl > 0 && then < now.saturating_sub(ttl)) {
        return false;
    }
    // A source that does not say when its rows were written is not filtered.
    !joined.created_filter || joined.created.is_none() || created(joined, row).is_some_and(|created| created <= now)
}

/// What decides between candidates: event time, then created, where none at all is the least.
fn rank(joined: &Joined<'_>, row: usize) -> (Option<i64>, Option<i64>) {
    (micros(&joined.features.rows[row][joined.time]), created(joined, row))
}

fn created(joined: &Joined<'_>, row: usize) -> Option<i64> {
    joined
        .created
        .and_then(|column| micros(&joined.features.rows[row][column]))
}

/// The instant that a value means, in microseconds; nanoseconds are floored.
pub fn micros(value: &Value) -> Option<i64> {
    match value {
        Value::Time(micros) => Some(*micros),
        Value::Nanos(nanos) => Some(nanos.div_euclid(1000)),
        Value::Text(text) => DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|time| time.timestamp_micros()),
        _ => None,
    }
}
