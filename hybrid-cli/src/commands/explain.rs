//! `hybrid explain`: what would be asked of which store.

use hybrid_offline_store::{FeatureStore, Progress, Pull, Result};

use super::historical::plan;
use crate::args::{Pulled, Retrieval};
use crate::outcome::Outcome;
use crate::output::print;
use crate::session::Session;

/// Explains a retrieval, its routing first.
pub async fn historical(session: &Session, retrieval: &Retrieval) -> Outcome {
    let job = plan(session.applied_store()?, retrieval, Progress::default()).await?;
    print(job.explain().await?.trim_end())
}

/// Explains a pull.
pub async fn pull(session: &Session, pulled: &Pulled) -> Outcome {
    let plan = explain(session.applied_store()?, pulled).await?;
    print(plan.trim_end())
}

async fn explain(store: &FeatureStore, pulled: &Pulled) -> Result<String> {
    let (Pulled::Latest(crate::args::Window { view, .. }) | Pulled::All(crate::args::OpenWindow { view, .. })) = pulled;
    let registry = store.registry().await?;
    let pull = Pull::of_view(&registry, registry.feature_view(view)?)?;
    let router = store.offline_store();
    match pulled {
        Pulled::Latest(window) => router.explain_latest(&pull, window.start, window.end).await,
        Pulled::All(window) => router.explain_all(&pull, window.start, window.end).await,
    }
}
