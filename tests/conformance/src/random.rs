//! Random retrievals against the oracle, made smaller when one fails.

use std::time::{SystemTime, UNIX_EPOCH};

use arrow::datatypes::DataType;
use futures::future::LocalBoxFuture;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::scene::time;
use crate::{Fixture, Miss, Scene, Table, Value, Verdict, View};

mod plan;

use plan::{Plan, plans};

/// The environment variable that repeats a run.
const SEED: &str = "HYBRID_CONFORMANCE_SEED";

/// At most so many steps are taken to make a failing retrieval smaller.
const MAX_SHRINKS: usize = 400;

/// Compares `cases` random retrievals with the oracle: frames of none to many rows, one to three
/// views, keys of none to three columns of every type, ties, NULLs, ttls, created cut-offs and
/// duplicates. The failure names the seed; `HYBRID_CONFORMANCE_SEED` repeats it.
///
/// # Errors
/// Failed, with the smallest retrieval that was found to fail; NotRun, where one of them could not be tried.
pub fn random_joins(fixture: &dyn Fixture, cases: u32) -> LocalBoxFuture<'_, Verdict> {
    // Boxed, so that tests do not compile it again.
    Box::pin(joins(fixture, cases))
}

async fn joins(fixture: &dyn Fixture, cases: u32) -> Verdict {
    let seed = seed();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut tried = Ok(());
    for case in 0..cases {
        let tree = plans().new_tree(&mut runner).map_err(Miss::failed)?;
        let reason = match check(fixture, &tree.current()).await {
            Err(Miss::Failed(reason)) => reason,
            verdict => {
                tried = tried.and(verdict);
                continue;
            }
        };
        let (plan, reason) = shrunk(fixture, tree, reason).await;
        return Err(Miss::Failed(format!(
            "case {case} of {SEED}={seed}: {reason}\n{plan:#?}"
        )));
    }
    tried
}

fn seed() -> u64 {
    let given = std::env::var(SEED).ok().and_then(|text| text.parse().ok());
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.subsec_nanos().into())
    };
    given.unwrap_or_else(now)
}

async fn check(fixture: &dyn Fixture, plan: &Plan) -> Verdict {
    let scene = plan.scene();
    if scene.created_filter && !fixture.capabilities().created_filter {
        return Ok(());
    }
    scene.check(fixture).await.map(drop)
}

/// The smallest plan found that still fails, and how.
async fn shrunk(fixture: &dyn Fixture, mut tree: impl ValueTree<Value = Plan>, reason: String) -> (Plan, String) {
    let mut smallest = (tree.current(), reason);
    let mut more = tree.simplify();
    for _ in 0..MAX_SHRINKS {
        if !more {
            break;
        }
        more = match check(fixture, &tree.current()).await {
            Err(Miss::Failed(reason)) => {
                smallest = (tree.current(), reason);
                tree.simplify()
            }
            _ => tree.complicate(),
        };
    }
    smallest
}
