//! Proof that the conformance suite can fail: the same store with one mistake at a time, each of
//! which the behaviour that is about it must find.
#![allow(clippy::unwrap_used)]

mod batches;
#[path = "../common/mod.rs"]
mod common;
mod mistakes;
mod wrong;

use std::collections::BTreeSet;

use hybrid_conformance::{all, block_on, random_joins, run_all};
use mistakes::MISTAKES;
use wrong::{RIGHT, WrongFixture};

#[test]
fn the_store_without_a_mistake_passes() {
    let report = block_on(run_all(&WrongFixture::new(&RIGHT)));
    assert!(report.is_success(), "{report}");
    assert!(report.not_run.is_empty(), "{report}");
}

/// What core answers or refuses before a store is asked: no mistake of a store can break it.
const CORES: &[&str] = &[
    "errors::bad_reference",
    "errors::missing_key_column",
    "errors::unknown_feature",
    "errors::unknown_service",
    "errors::unknown_view",
    "errors::wrong_key_type",
    "keys::float_key_is_refused",
    "names::collision_of_features_is_an_error",
    "names::collision_with_the_frame_is_an_error",
    "no_frame::different_keys_are_an_error",
    "rows::empty_frame",
    "times::no_candidate_is_an_error",
    "times::several_candidates_are_an_error",
    "times::text_that_is_no_time_is_an_error",
];

#[test]
fn every_mistake_is_found_by_the_behaviour_that_is_about_it() {
    let mut missed = Vec::new();
    let mut idle: BTreeSet<String> = all().iter().map(ToString::to_string).collect();
    for mistake in MISTAKES {
        let report = block_on(run_all(&WrongFixture::new(mistake)));
        let found: Vec<&str> = report.failed.iter().map(|(name, _)| name.as_str()).collect();
        if !found.contains(&mistake.found_by) {
            missed.push(format!(
                "`{}` passes {}, fails only {found:?}",
                mistake.name, mistake.found_by
            ));
        }
        idle.retain(|name| !found.contains(&name.as_str()));
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    assert_eq!(
        idle,
        CORES.iter().map(ToString::to_string).collect(),
        "no mistake fails these"
    );
}

#[test]
fn random_joins_find_mistakes_and_make_them_small() {
    for mistake in MISTAKES.iter().filter(|mistake| mistake.random) {
        let found = block_on(random_joins(&WrongFixture::new(mistake), 300));
        assert!(found.is_err(), "`{}` passes 300 random joins", mistake.name);
    }
}

#[test]
fn random_joins_find_none_in_the_right_store() {
    block_on(random_joins(&WrongFixture::new(&RIGHT), 300)).unwrap();
}
