//! `hybrid latest` and `hybrid all`: the rows of a feature view.

use hybrid_offline_store::Call;

use crate::args::{OpenWindow, To, Window};
use crate::destination::Destination;
use crate::outcome::Outcome;
use crate::progress::Bar;
use crate::session::Session;

/// The latest row per key.
pub async fn latest(session: &Session, window: &Window, to: &To) -> Outcome {
    let (bar, call) = accompanied();
    let store = session.applied_store()?;
    let destination = Destination::of(to, store).await?;
    let rows = store.pull_latest(&window.view, window.start, window.end, &call).await?;
    destination.receive(rows, &window.view, bar).await
}

/// Every row.
pub async fn all(session: &Session, window: &OpenWindow, to: &To) -> Outcome {
    let (bar, call) = accompanied();
    let store = session.applied_store()?;
    let destination = Destination::of(to, store).await?;
    let rows = store.pull_all(&window.view, window.start, window.end, &call).await?;
    destination.receive(rows, &window.view, bar).await
}

/// A call whose progress is shown.
fn accompanied() -> (Bar, Call) {
    let bar = Bar::new();
    let progress = bar.progress();
    (bar, Call { progress })
}
