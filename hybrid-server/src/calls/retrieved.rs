//! What get_historical_features gives: rows of a retrieval, and what on-demand feature views make of them.

use hybrid_core::retrieval::spooled;
use hybrid_core::{BatchStream, Error, ErrorKind, Result, RetrievalJob, Source};

use super::Calls;
use crate::worker::Asked;

/// What a retrieval gives: checked, and not yet run.
pub(super) struct Retrieved {
    rows: Rows,
    views: Vec<Asked>,
    full_feature_names: bool,
}

enum Rows {
    Joined(Box<RetrievalJob>),
    /// No feature view is asked for.
    Frame(BatchStream),
}

impl Retrieved {
    pub(super) fn new(job: RetrievalJob, views: Vec<Asked>, full_feature_names: bool) -> Self {
        let rows = Rows::Joined(Box::new(job));
        Self {
            rows,
            views,
            full_feature_names,
        }
    }

    /// Of a command whose on-demand feature views need nothing but the entity rows.
    ///
    /// # Errors
    /// InvalidInput, where there are none.
    pub(super) fn of_frame(rows: Option<BatchStream>, views: Vec<Asked>, full_feature_names: bool) -> Result<Self> {
        let rows = rows.ok_or_else(|| {
            let message = "on-demand feature views that are made of no feature view need entity rows";
            Error::new(ErrorKind::InvalidInput, message)
        })?;
        let rows = Rows::Frame(rows);
        Ok(Self {
            rows,
            views,
            full_feature_names,
        })
    }

    pub(super) async fn stream(self, calls: &Calls) -> Result<BatchStream> {
        let rows = match self.rows {
            Rows::Joined(job) => job.stream().await?,
            Rows::Frame(rows) => rows,
        };
        match &calls.workers {
            Some(workers) if !self.views.is_empty() => {
                workers.transform(self.views, self.full_feature_names, rows).await
            }
            _ => Ok(rows),
        }
    }

    pub(super) async fn persist(self, calls: &Calls, destination: &Source, overwrite: bool) -> Result<()> {
        match self.rows {
            Rows::Joined(job) if self.views.is_empty() => {
                job.persist(destination, overwrite).await?;
            }
            _ => {
                let router = calls.store.offline_store();
                router.check_destination(destination, overwrite).await?;
                // A store with a single connection cannot read and write at once.
                let rows = spooled(self.stream(calls).await?, calls.limits.memory).await?;
                router.persist(destination, rows, overwrite).await?;
            }
        }
        Ok(())
    }
}
