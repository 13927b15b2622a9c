//! `hybrid write`: rows of a file into the source of a feature view.

use std::path::Path;
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use hybrid_offline_store::{Call, FeatureStore, Result};

use super::csv;
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
    let rows = match csv::is_csv(file) {
        true => {
            let source = schema(store, view).await?;
            csv::read(file, &source)?
        }
        false => open(file)?,
    };
    let written = store.write(view, rows, &call).await?;
    drop(bar);
    report::rows(written, began.elapsed());
    Ok(())
}

async fn schema(store: &FeatureStore, view: &str) -> Result<SchemaRef> {
    let registry = store.registry().await?;
    let source = &registry.feature_view(view)?.source;
    store.offline_store().source_schema(source).await
}
