//! `hybrid historical`: the point-in-time join.

use hybrid_offline_store::{
    EntityFrame, Error, ErrorKind, FeatureSelection, FeatureStore, Progress, Result, RetrievalJob, RetrievalOptions,
};

use crate::args::{Features, Frame, Retrieval, To};
use crate::destination::Destination;
use crate::outcome::Outcome;
use crate::progress::Bar;
use crate::report;
use crate::session::Session;

/// Retrieves; shows the routing before and a summary after.
pub async fn run(session: &Session, retrieval: &Retrieval, to: &To) -> Outcome {
    let bar = Bar::new();
    let store = session.applied_store()?;
    let destination = Destination::of(to, store).await?;
    let job = plan(store, retrieval, bar.progress()).await?;
    report::routes(&job.routes());
    destination.retrieve(job, bar).await
}

/// The job that was asked for, checked and not yet run.
pub async fn plan(store: &FeatureStore, retrieval: &Retrieval, progress: Progress) -> Result<RetrievalJob> {
    let options = RetrievalOptions {
        full_feature_names: retrieval.full_feature_names,
        filter_by_created_timestamp: retrieval.filter_by_created_timestamp,
        timeout: retrieval.timeout,
        progress,
        ..RetrievalOptions::default()
    };
    let features = selection(&retrieval.features);
    let frame = frame(&retrieval.frame)?;
    store.get_historical_features(frame, &features, options).await
}

fn selection(features: &Features) -> FeatureSelection {
    match &features.service {
        Some(name) => FeatureSelection::Service(name.clone()),
        None => FeatureSelection::References(features.features.clone()),
    }
}

fn frame(frame: &Frame) -> Result<EntityFrame> {
    match (&frame.entities, &frame.entities_sql, frame.start, frame.end) {
        (Some(file), ..) => EntityFrame::from_path(file),
        (_, Some(sql), ..) => Ok(EntityFrame::Sql {
            store: sql.store.clone(),
            query: sql.query.clone(),
        }),
        (_, _, Some(start), Some(end)) => Ok(EntityFrame::Between(start, end)),
        _ => Err(Error::new(ErrorKind::InvalidInput, "no entity rows are given")
            .with_help("give --entities FILE, --entities-sql KEY:QUERY, or --start and --end")),
    }
}
