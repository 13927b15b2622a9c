//! Random retrievals, in a small number; [`random_joins`](crate::random_joins) takes more.

use super::common::*;

/// Random frames, keys, ties, NULLs, ttls and views give what the oracle gives.
pub async fn joins(fixture: &dyn Fixture) -> Verdict {
    crate::random_joins(fixture, 48).await
}
