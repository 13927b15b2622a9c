//! A retrieval under way: number the frame once, ask every store at the same time, append.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{Field, Schema, SchemaRef};
use futures::StreamExt;
use futures::future::{BoxFuture, try_join_all};
use tokio::time::Instant;

use super::assemble::{Place, side_by_side};
use super::contract::{fuse_on_error, in_frame_order};
use super::frame::{Frame, FrameColumns, SelectedFrame};
use super::job::RetrievalJob;
use super::plan::{Plan, PlannedView};
use super::spool::Spool;
use super::summary::SummaryHandle;
use super::{RetrievalOptions, range};
use crate::router::StoreGroup;
use crate::store::{
    Call, EntityRows, Explain, FeatureRows, HistoricalRequest, HistoricalView, OutputColumn, SourceTable, StagedFrame,
};
use crate::{BatchStream, Error, ErrorKind, Result, Source};

pub(super) const OPERATION: &str = "get_historical_features";

/// A [`RetrievalJob`] taken apart.
pub(super) struct Run {
    plan: Plan,
    groups: Vec<StoreGroup>,
    entities: Frame,
    columns: FrameColumns,
    options: RetrievalOptions,
}

impl Run {
    pub(super) fn new(job: RetrievalJob) -> Self {
        let RetrievalJob {
            plan,
            groups,
            entities,
            columns,
            options,
            ..
        } = job;
        Self {
            plan,
            groups,
            entities,
            columns,
            options,
        }
    }

    // What follows is boxed here: an async function is compiled again in each crate that awaits it.

    pub(super) fn start(self, schema: SchemaRef, summary: SummaryHandle) -> BoxFuture<'static, Result<BatchStream>> {
        Box::pin(self.rows(schema, summary))
    }

    pub(super) fn explain(self) -> BoxFuture<'static, Result<String>> {
        Box::pin(self.plans())
    }

    pub(super) fn statements(self) -> BoxFuture<'static, Result<Vec<(String, String)>>> {
        Box::pin(self.sql())
    }

    async fn rows(mut self, schema: SchemaRef, summary: SummaryHandle) -> Result<BatchStream> {
        let (frame, entities) = self.read_frame().await?;
        let rows = entities.num_rows();
        if rows == 0 {
            return Ok(BatchStream::from_batches(schema, Vec::new()));
        }
        let each = self.groups.iter().map(|group| self.answer(group, &entities, &summary));
        let answers = try_join_all(each).await?;
        let frame = frame.stream()?;
        let frame_columns = frame.schema().fields().len();
        let places = self.places(frame_columns);
        let parts = std::iter::once(frame).chain(answers).collect();
        Ok(side_by_side(schema, parts, places, frame_columns, summary))
    }

    async fn plans(mut self) -> Result<String> {
        let (_, entities) = self.read_frame().await?;
        let mut plans = Vec::new();
        for group in &self.groups {
            let request = Explain::Historical(self.request(group, &entities));
            let plan = async { group.slot.store().await?.explain(request).await };
            let plan = plan.await.map_err(|error| self.within("explain", group, error))?;
            plans.push(format!("store {}:\n{plan}", group.slot.key));
        }
        Ok(plans.join("\n\n"))
    }

    async fn sql(mut self) -> Result<Vec<(String, String)>> {
        let (_, entities) = self.read_frame().await?;
        let mut statements = Vec::new();
        for group in &self.groups {
            let request = Explain::Historical(self.request(group, &entities));
            let sql = async { group.slot.store().await?.to_sql(request).await };
            let sql = sql.await.map_err(|error| self.within("to_sql", group, error))?;
            statements.push((group.slot.key.clone(), sql));
        }
        Ok(statements)
    }

    async fn read_frame(&mut self) -> Result<(Spool, EntityRows)> {
        let taken = std::mem::replace(
            &mut self.entities,
            Frame::Rows(BatchStream::from_batches(Arc::new(Schema::empty()), Vec::new())),
        );
        let rows = match taken {
            Frame::Rows(rows) => rows,
            Frame::Between(start, end) => range::frame(&self.plan, &self.groups, start, end).await?,
            Frame::Select(select) => return self.read_select(select).await,
        };
        self.columns.read(rows, self.options.memory).await
    }

    /// Runs a SELECT in its store, which keeps the rows: they come here once, for the output, and go
    /// to other stores only.
    async fn read_select(&self, select: SelectedFrame) -> Result<(Spool, EntityRows)> {
        let read = async {
            let frame = self.columns.select(&select.query);
            let StagedFrame { rows, staged } = select.slot.store().await?.stage_select(frame).await?;
            let (spool, entities) = self.columns.read(rows, self.options.memory).await?;
            Ok((spool, entities.staged_in(&select.slot.key, staged)))
        };
        read.await
            .map_err(|error: Error| error.in_operation(OPERATION, &select.slot.key, "entity frame"))
    }

    /// One store's features, in the frame's order, without row numbers.
    async fn answer(&self, group: &StoreGroup, entities: &EntityRows, summary: &SummaryHandle) -> Result<BatchStream> {
        let request = self.request(group, entities);
        let call = Call {
            progress: self.options.progress.clone(),
        };
        let features = self.features(group);
        let ask = async {
            let store = group.slot.store().await?;
            if request.filter_by_created_timestamp && !store.capabilities().created_filter {
                let message = format!("store `{}` cannot filter by the created timestamp", group.slot.key);
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
            let FeatureRows { rows, in_order } = store.get_historical_features(request, &call).await?;
            let rows = timed(rows, group.slot.key.clone(), summary.clone());
            let stores = self.groups.len();
            let memory = self.options.memory / stores;
            let answer = FeatureRows { rows, in_order };
            // Of several each to its end: an engine drops a query that nobody polls while a sibling is slow, and where one
            // fails the others must not go on.
            in_frame_order(answer, features, entities.num_rows(), memory, stores > 1).await
        };
        let rows = ask.await.map_err(|error| self.within(OPERATION, group, error))?;
        Ok(rows.within(OPERATION, &group.slot.key, &self.source_names(group)))
    }

    fn request(&self, group: &StoreGroup, entities: &EntityRows) -> HistoricalRequest<Source> {
        HistoricalRequest {
            views: group
                .views
                .iter()
                .map(|view| self.view_request(&self.plan.views()[*view]))
                .collect(),
            entities: entities.for_store(&group.slot.key),
            filter_by_created_timestamp: self.options.filter_by_created_timestamp,
        }
    }

    fn view_request(&self, view: &PlannedView) -> HistoricalView<Source> {
        let source = &view.source;
        let feature = |feature: &super::plan::PlannedFeature| OutputColumn {
            source: source.column_of(&feature.feature).to_owned(),
            name: feature.output.clone(),
            data_type: Some(feature.data_type.clone()),
        };
        HistoricalView {
            name: view.name.clone(),
            join_keys: view
                .keys
                .iter()
                .map(|key| self.columns.join_key(key, source.column_of(&key.name)))
                .collect(),
            features: view.features.iter().map(feature).collect(),
            ttl: view.ttl,
            source: SourceTable::untyped(source),
        }
    }

    /// The schema of the features of one store.
    fn features(&self, group: &StoreGroup) -> SchemaRef {
        let views = group.views.iter().map(|view| &self.plan.views()[*view]);
        let fields = views.flat_map(|view| &view.features);
        Arc::new(Schema::new(
            fields
                .map(|f| Field::new(&f.output, f.data_type.clone(), true))
                .collect::<Vec<_>>(),
        ))
    }

    /// Where each output column is found among the frame and the answers.
    fn places(&self, frame_columns: usize) -> Vec<Place> {
        let mut first: Vec<Place> = vec![Place { part: 0, column: 0 }; self.plan.views().len()];
        for (part, group) in self.groups.iter().enumerate() {
            let mut column = 0;
            for view in &group.views {
                first[*view] = Place { part: part + 1, column };
                column += self.plan.views()[*view].features.len();
            }
        }
        let frame = (0..frame_columns).map(|column| Place { part: 0, column });
        let features = self.plan.outputs().iter().map(|output| {
            let Place { part, column } = first[output.view];
            Place {
                part,
                column: column + output.feature,
            }
        });
        frame.chain(features).collect()
    }

    fn source_names(&self, group: &StoreGroup) -> String {
        let names: Vec<&str> = group
            .views
            .iter()
            .map(|view| self.plan.views()[*view].source.name.as_str())
            .collect();
        names.join(", ")
    }

    fn within(&self, operation: &'static str, group: &StoreGroup, error: Error) -> Error {
        error.in_operation(operation, &group.slot.key, &self.source_names(group))
    }
}

/// Tells the summary when the stream ends.
fn timed(rows: BatchStream, key: String, summary: SummaryHandle) -> BatchStream {
    let schema = rows.schema().clone();
    let end = futures::stream::poll_fn(move |_| {
        summary.store_ended(&key);
        std::task::Poll::Ready(None)
    });
    BatchStream::new(schema, rows.chain(end))
}

/// When a retrieval must be over.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Option<(Instant, Duration)>);

impl Deadline {
    pub(super) fn after(timeout: Option<Duration>) -> Self {
        // A time beyond the clock's range is no limit.
        Self(timeout.and_then(|timeout| Some((Instant::now().checked_add(timeout)?, timeout))))
    }

    /// Does `work`; what took longer fails, also when it just ended.
    pub(super) async fn limit<T>(self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let Some((at, timeout)) = self.0 else { return work.await };
        let done = tokio::time::timeout_at(at, work)
            .await
            .unwrap_or_else(|_| Err(too_slow(timeout)))?;
        if Instant::now() > at {
            Err(too_slow(timeout))
        } else {
            Ok(done)
        }
    }

    /// Ends the stream when it has nothing to give at the end of the time; what is in memory already
    /// comes, however late a slow reader asks.
    pub(super) fn limit_stream(self, rows: BatchStream) -> BatchStream {
        let Some((at, timeout)) = self.0 else { return rows };
        let schema = rows.schema().clone();
        let limited = futures::stream::unfold(rows, move |mut rows| async move {
            let next = tokio::time::timeout_at(at, rows.next()).await;
            next.unwrap_or_else(|_| Some(Err(too_slow(timeout))))
                .map(|batch| (batch, rows))
        });
        BatchStream::new(schema, fuse_on_error(limited))
    }
}

fn too_slow(timeout: Duration) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!("the retrieval took longer than the {timeout:?} allowed"),
    )
    .with_help("allow more time, or ask for fewer rows")
    .in_operation(OPERATION, "", "")
}
