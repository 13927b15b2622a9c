use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};

use super::frame::{EntityFrame, FrameColumns};
use super::plan::Plan;
use super::range;
use super::run::{self, Run};
use super::summary::{Summary, SummaryHandle};
use super::{RetrievalOptions, files};
use crate::router::StoreGroup;
use crate::{BatchStream, Error, ErrorKind, Result};

/// A retrieval that has been checked and not yet run. It runs when it is asked for rows, and is
/// cancelled by dropping what it gave.
pub struct RetrievalJob {
    pub(super) plan: Plan,
    pub(super) groups: Vec<StoreGroup>,
    pub(super) entities: EntityFrame,
    pub(super) columns: FrameColumns,
    pub(super) options: RetrievalOptions,
    schema: SchemaRef,
    summary: SummaryHandle,
}

impl RetrievalJob {
    pub(crate) fn new(
        plan: Plan,
        groups: Vec<StoreGroup>,
        entities: EntityFrame,
        options: RetrievalOptions,
    ) -> Result<Self> {
        let entities = entities.typed(&plan)?;
        let frame_schema = match &entities {
            EntityFrame::Rows(rows) => rows.schema().clone(),
            EntityFrame::Between(start, end) => {
                crate::router::window(Some(*start), Some(*end))?;
                range::frame_schema(&plan)?
            }
            EntityFrame::Sql { store, .. } => return Err(no_sql(store)),
            EntityFrame::Csv(_) => return Err(untyped()),
        };
        let columns = FrameColumns::new(&frame_schema, &plan)?;
        let fields: Vec<FieldRef> = frame_schema
            .fields()
            .iter()
            .cloned()
            .chain(plan.output_fields())
            .collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, frame_schema.metadata().clone()));
        Ok(Self {
            plan,
            groups,
            entities,
            columns,
            options,
            schema,
            summary: SummaryHandle::new(),
        })
    }

    /// The output's schema: the frame's columns as they came, then the features.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Which view is served by which store and source, one line per view: the routing, for people.
    pub fn routes(&self) -> Vec<String> {
        let line =
            |view: &super::PlannedView| format!("{} -> {} (source {})", view.name, view.source.key, view.source.name);
        self.plan.views().iter().map(line).collect()
    }

    /// What the retrieval tells of itself; complete when its last row was read.
    pub fn summary(&self) -> SummaryHandle {
        self.summary.clone()
    }

    /// Runs it; batches come in the frame's order.
    ///
    /// # Errors
    /// What the frame or a store gives; Timeout when the time allowed is over. Errors after the
    /// first batch come through the stream.
    pub async fn stream(self) -> Result<BatchStream> {
        let timeout = run::Deadline::after(self.options.timeout);
        let (schema, summary) = (self.schema.clone(), self.summary.clone());
        let rows = timeout.limit(Run::new(self).start(schema, summary)).await?;
        Ok(timeout.limit_stream(rows))
    }

    /// Runs it and keeps the result in memory.
    ///
    /// # Errors
    /// As [`stream`](Self::stream).
    pub async fn to_arrow(self) -> Result<Vec<RecordBatch>> {
        self.stream().await?.collect().await
    }

    /// Runs it into a Parquet, CSV or Arrow file, by its extension. The file appears when it is
    /// whole, and not at all after an error.
    ///
    /// # Errors
    /// At once: InvalidInput for another extension and for a column that CSV cannot hold, NotFound
    /// when the folder is not there. As [`stream`](Self::stream); what the disk gives.
    pub async fn write_to(self, path: impl AsRef<Path>) -> Result<Summary> {
        let summary = self.summary();
        files::check_output(path.as_ref(), &self.schema)?;
        files::write_stream(self.stream().await?, path.as_ref()).await?;
        Ok(summary.get())
    }

    /// Runs it into a Parquet file.
    ///
    /// # Errors
    /// As [`write_to`](Self::write_to).
    pub async fn to_parquet(self, path: impl AsRef<Path>) -> Result<Summary> {
        let summary = self.summary();
        files::write_parquet(self.stream().await?, path.as_ref()).await?;
        Ok(summary.get())
    }

    /// The plan or the SQL, per store. Reads the entity frame, whose keys and times decide what
    /// is read, and no features.
    ///
    /// # Errors
    /// What the frame or a store gives.
    pub async fn explain(self) -> Result<String> {
        let routes = self.routes().join("\n");
        let plans = Run::new(self).explain().await?;
        Ok(format!("{routes}\n\n{plans}"))
    }
}

/// What [`EntityFrame::typed`] makes impossible.
pub(super) fn untyped() -> Error {
    Error::new(ErrorKind::Unexpected, "the types of a CSV frame were not settled")
}

fn no_sql(store: &str) -> Error {
    let message = format!("store `{store}` does not run a SELECT as entity frame in this version");
    Error::new(ErrorKind::Unsupported, message)
        .with_help("give the entity rows as a Parquet, CSV or Arrow file, or start and end")
}
