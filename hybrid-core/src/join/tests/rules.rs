//! One test per rule of SEMANTICS.md that concerns the join.

use super::data::{any_age, filtered, join, row, ttl};
use crate::join::JoinOptions;

#[test]
fn the_latest_row_at_or_before_the_entity_time_wins() {
    let features = [row(1, 10), row(1, 20), row(1, 30)];
    let entities = [row(1, 9), row(1, 10), row(1, 29), row(1, 30), row(1, 99)];
    let expected = [None, Some(0), Some(1), Some(2), Some(2)];
    assert_eq!(join(&entities, &features, any_age()), expected);
}

#[test]
fn rows_of_other_keys_do_not_count() {
    let features = [row(1, 10), row(2, 15)];
    assert_eq!(join(&[row(1, 20), row(3, 20)], &features, any_age()), [Some(0), None]);
}

#[test]
fn the_ttl_is_inclusive_to_the_microsecond() {
    let features = [row(1, 10)];
    let entities = [row(1, 10), row(1, 15), row(1, 16)];
    assert_eq!(join(&entities, &features, ttl(5)), [Some(0), Some(0), None]);
}

#[test]
fn an_entity_row_takes_a_winner_that_an_older_one_saw_only_within_the_ttl() {
    let features = [row(1, 10), row(1, 12)];
    let entities = [row(1, 11), row(1, 16), row(1, 17), row(1, 18)];
    assert_eq!(join(&entities, &features, ttl(5)), [Some(0), Some(1), Some(1), None]);
}

#[test]
fn a_ttl_of_zero_is_none() {
    assert_eq!(join(&[row(1, i64::MAX)], &[row(1, i64::MIN)], ttl(0)), [Some(0)]);
}

#[test]
fn times_and_ttl_at_the_ends_of_the_range_do_not_overflow() {
    let features = [row(1, i64::MIN), row(2, i64::MAX)];
    let entities = [row(1, i64::MIN), row(1, i64::MAX), row(2, i64::MAX)];
    assert_eq!(join(&entities, &features, any_age()), [Some(0), Some(0), Some(1)]);
    assert_eq!(join(&entities, &features, ttl(i64::MAX)), [Some(0), None, Some(1)]);
}

#[test]
fn among_equal_times_the_largest_created_wins() {
    let features = [row(1, 10).created(5), row(1, 10).created(7), row(1, 10).created(6)];
    assert_eq!(join(&[row(1, 10)], &features, any_age()), [Some(1)]);
}

#[test]
fn a_null_created_loses_to_any_but_wins_alone() {
    let features = [
        row(1, 10).created(i64::MIN),
        row(1, 10),
        row(1, 20),
        row(2, 10).created(9),
        row(2, 11),
    ];
    let entities = [row(1, 10), row(1, 20), row(2, 20)];
    assert_eq!(join(&entities, &features, any_age()), [Some(0), Some(2), Some(4)]);
}

#[test]
fn among_exact_ties_the_later_row_wins() {
    let features = [row(1, 10).created(5), row(1, 10).created(5), row(2, 10), row(2, 10)];
    assert_eq!(
        join(&[row(1, 10), row(2, 10)], &features, any_age()),
        [Some(1), Some(3)]
    );
}

#[test]
fn the_created_filter_hides_what_was_written_later() {
    let features = [row(1, 10).created(10), row(1, 20).created(40), row(1, 30).created(30)];
    let entities = [row(1, 10), row(1, 20), row(1, 29), row(1, 30), row(1, 40)];
    let expected = [Some(0), Some(0), Some(0), Some(2), Some(2)];
    assert_eq!(join(&entities, &features, filtered()), expected);
}

#[test]
fn the_created_filter_drops_a_null_created() {
    assert_eq!(join(&[row(1, 10)], &[row(1, 10)], filtered()), [None]);
    assert_eq!(join(&[row(1, 10)], &[row(1, 10)], any_age()), [Some(0)]);
}

#[test]
fn a_row_written_late_still_loses_to_a_younger_one_within_the_ttl() {
    // Written at 40, the row of 20 is visible from then on, but the row of 30 is younger.
    let features = [row(1, 20).created(40), row(1, 30).created(30)];
    let options = JoinOptions {
        ttl: Some(15),
        filter_by_created: true,
    };
    assert_eq!(join(&[row(1, 40), row(1, 46)], &features, options), [Some(1), None]);
}

#[test]
fn null_keys_match_nothing_not_each_other() {
    let features = [row(None, 10), row(1, 10)];
    assert_eq!(
        join(&[row(None, 20), row(1, 20)], &features, any_age()),
        [None, Some(1)]
    );
}

#[test]
fn feature_rows_without_a_time_are_ignored() {
    assert_eq!(join(&[row(1, 20)], &[row(1, 10), row(1, None)], any_age()), [Some(0)]);
}

#[test]
fn an_entity_row_without_a_time_matches_nothing() {
    assert_eq!(
        join(&[row(1, None), row(1, 20)], &[row(1, 10)], any_age()),
        [None, Some(0)]
    );
}

#[test]
fn composite_keys_compare_field_by_field() {
    let two = |a: u8, b: u8, time: i64| super::data::Row {
        keys: vec![Some(a), Some(b)],
        ..row(None, time)
    };
    let features = [two(1, 2, 10), two(2, 1, 10)];
    let entities = [two(2, 1, 20), two(1, 2, 20), two(1, 1, 20)];
    assert_eq!(join(&entities, &features, any_age()), [Some(1), Some(0), None]);
}

#[test]
fn without_keys_time_alone_decides() {
    let at = |time: i64| super::data::Row {
        keys: vec![],
        ..row(None, time)
    };
    let features = [at(10), at(30), at(20)];
    let entities = [at(5), at(25), at(99)];
    assert_eq!(join(&entities, &features, any_age()), [None, Some(2), Some(1)]);
}

#[test]
fn duplicate_entity_rows_are_kept_in_the_frames_order() {
    let features = [row(1, 10), row(2, 10)];
    let entities = [row(2, 20), row(1, 20), row(2, 20), row(1, 5), row(1, 20)];
    let expected = [Some(1), Some(0), Some(1), None, Some(0)];
    assert_eq!(join(&entities, &features, any_age()), expected);
}

#[test]
fn a_winner_with_null_values_is_not_replaced_by_an_older_row() {
    let features: Vec<_> = (0..7).map(|time| row(1, time)).collect();
    assert_eq!(super::data::value(6), None);
    assert_eq!(join(&[row(1, 20)], &features, any_age()), [None]);
}
