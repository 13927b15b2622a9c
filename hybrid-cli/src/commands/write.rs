//! `hybrid write`: rows of a file into the source of a feature view.

use std::path::Path;
use std::time::Instant;

use hybrid_offline_store::Call;

use crate::outcome::Outcome;
use crate::output::open;
use crate::progress::Bar;
use crate::report;
use crate::session::Session;

/// Appends the rows, all or none.
pub async fn run(session: &Session, view: &str, file: &Path) -> Outcome {
    let began = Instant::now();
    let bar = Bar::new();
    let call = Call {
        progress: bar.progress(),
    };
    let store = session.applied_store()?;
    let written = store.write(view, open(file)?, &call).await?;
    drop(bar);
    report::rows(written, began.elapsed());
    Ok(())
}
