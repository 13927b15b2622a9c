use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};

use super::frame::{Frame, FrameColumns};
use super::plan::Plan;
use super::run::{self, Run};
use super::spool::spooled;
use super::summary::{Summary, SummaryHandle};
use super::{RetrievalOptions, files};
use crate::router::StoreGroup;
use crate::{BatchStream, HybridOfflineStore, Result, Source};

/// A retrieval that has been checked and not yet run. It runs when it is asked for rows, and is
/// cancelled by dropping what it gave.
pub struct RetrievalJob {
    pub(super) plan: Plan,
    pub(super) groups: Vec<StoreGroup>,
    pub(super) entities: Frame,
    pub(super) columns: FrameColumns,
    pub(super) options: RetrievalOptions,
    router: HybridOfflineStore,
    schema: SchemaRef,
    summary: SummaryHandle,
}

impl RetrievalJob {
    pub(crate) fn new(
        router: &HybridOfflineStore,
        plan: Plan,
        groups: Vec<StoreGroup>,
        entities: Frame,
        options: RetrievalOptions,
    ) -> Result<Self> {
        let frame_schema = entities.schema(&plan)?;
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
            router: router.clone(),
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

    /// Runs it; batches come in the frame's order. Stores are read in the background, to their end, while the runtime runs:
    /// one of the current thread only does so while it is blocked on something. Several are read before the first batch.
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

    /// Runs it into a new table or file of the store that `destination` routes to, which may be another
    /// than those asked; returns what was read. Nothing is there after an error.
    ///
    /// # Errors
    /// As [`stream`](Self::stream); InvalidInput when the destination exists and `overwrite` is not
    /// set; Unsupported when its store makes no tables.
    pub async fn persist(self, destination: &Source, overwrite: bool) -> Result<Summary> {
        let (summary, router) = (self.summary(), self.router.clone());
        let same_store = self.groups.iter().any(|group| group.slot.key == destination.key);
        let memory = self.options.memory;
        router.check_destination(destination, overwrite).await?;
        let mut rows = self.stream().await?;
        if same_store {
            // A store with a single connection cannot read and write at once.
            rows = spooled(rows, memory).await?;
        }
        router.persist(destination, rows, overwrite).await?;
        Ok(summary.get())
    }

    /// The SQL, per store, that gives its features: a statement that runs as it stands, with the entity
    /// rows in it. Reads the entity frame, and no features.
    ///
    /// # Errors
    /// Unsupported for a store that does not speak SQL; ResourceExhausted for a frame that is too
    /// large to be part of a statement.
    pub async fn to_sql(self) -> Result<Vec<(String, String)>> {
        Run::new(self).statements().await
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
