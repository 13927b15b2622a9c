//! SEMANTICS.md read word by word, every feature row against every entity row.

use super::data::Row;
use crate::join::JoinOptions;

/// The number of each entity row's winner.
pub fn join(entities: &[Row], features: &[Row], options: JoinOptions) -> Vec<Option<usize>> {
    entities
        .iter()
        .map(|entity| winner(entity, features, options))
        .collect()
}

fn winner(entity: &Row, features: &[Row], options: JoinOptions) -> Option<usize> {
    let candidates = features
        .iter()
        .enumerate()
        .filter(|(_, f)| is_candidate(entity, f, options));
    candidates
        .max_by_key(|(number, f)| (f.time, f.created, *number))
        .map(|(number, _)| number)
}

fn is_candidate(entity: &Row, feature: &Row, options: JoinOptions) -> bool {
    let (Some(at), Some(time)) = (entity.time.map(i128::from), feature.time.map(i128::from)) else {
        return false;
    };
    let same_key = entity
        .keys
        .iter()
        .zip(&feature.keys)
        .all(|(e, f)| e.is_some() && e == f);
    let young = match options.ttl {
        None | Some(0) => true,
        Some(ttl) => time >= at - i128::from(ttl),
    };
    let known = !options.filter_by_created || feature.created.is_some_and(|created| i128::from(created) <= at);
    same_key && time <= at && young && known
}

/// The numbers of the latest rows per key, ascending.
pub fn latest(rows: &[Row]) -> Vec<usize> {
    let usable = |row: &Row| row.time.is_some() && row.keys.iter().all(Option::is_some);
    let rank = |number: usize| (rows[number].time, rows[number].created, number);
    (0..rows.len())
        .filter(|number| usable(&rows[*number]))
        .filter(|number| {
            let rivals =
                (0..rows.len()).filter(|other| usable(&rows[*other]) && rows[*other].keys == rows[*number].keys);
            rivals.map(rank).max() == Some(rank(*number))
        })
        .collect()
}
