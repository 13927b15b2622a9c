//! Proof that the conformance suite can fail: the same store with one mistake at a time, each of
//! which the behaviour that is about it must find.
#![allow(clippy::unwrap_used)]

mod batches;
#[path = "../common/mod.rs"]
mod common;
mod mistakes;
mod wrong;

use hybrid_conformance::{block_on, random_joins, run_all};
use mistakes::MISTAKES;
use wrong::{RIGHT, WrongFixture};

#[test]
fn the_store_without_a_mistake_passes() {
    let report = block_on(run_all(&WrongFixture::new(&RIGHT)));
    assert!(report.is_success(), "{report}");
    assert!(report.not_run.is_empty(), "{report}");
}

#[test]
fn every_mistake_is_found_by_the_behaviour_that_is_about_it() {
    let mut missed = Vec::new();
    for mistake in MISTAKES {
        let report = block_on(run_all(&WrongFixture::new(mistake)));
        if !report.failed.iter().any(|(name, _)| name == mistake.found_by) {
            let found: Vec<&str> = report.failed.iter().map(|(name, _)| name.as_str()).collect();
            missed.push(format!(
                "`{}` passes {}, fails only {found:?}",
                mistake.name, mistake.found_by
            ));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
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
