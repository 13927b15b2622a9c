//! The memory store behind a wrapper that makes one mistake.

use std::sync::Arc;

use futures::StreamExt;
use hybrid_conformance::Fixture;
use hybrid_core::arrow::array::RecordBatch;
use hybrid_core::arrow::compute::concat_batches;
use hybrid_core::arrow::datatypes::{Schema, SchemaRef};
use hybrid_core::store::DynOfflineStore;
use hybrid_core::{
    BatchStream, Call, Capabilities, EntityRows, Explain, FeatureRows, HistoricalRequest, HybridOfflineStore,
    PersistRequest, PullAllRequest, PullLatestRequest, Result, SelectFrame, Source, StagedFrame, WriteRequest,
    async_trait,
};
use memory_store::MemoryStore;

use crate::common::MemoryFixture;

/// One mistake: what it does to what goes in and to what comes out.
pub struct Mistake {
    pub name: &'static str,
    /// The behaviour that is about it.
    pub found_by: &'static str,
    /// Whether random joins must find it too.
    pub random: bool,
    /// To a table that is made.
    pub table: fn(RecordBatch) -> RecordBatch,
    /// To the entity rows.
    pub entities: fn(RecordBatch) -> RecordBatch,
    pub historical: fn(&mut HistoricalRequest<Source>),
    /// To the features that come back.
    pub answer: fn(RecordBatch) -> RecordBatch,
    pub latest: fn(&mut PullLatestRequest<Source>),
    pub all: fn(&mut PullAllRequest<Source>),
    /// To the rows of either pull.
    pub pulled: fn(RecordBatch) -> RecordBatch,
    /// To the batches that are written.
    pub written: fn(Vec<Result<RecordBatch>>) -> Vec<Result<RecordBatch>>,
    pub count: fn(u64) -> u64,
    /// To the batches that are persisted.
    pub persisted: fn(Vec<Result<RecordBatch>>) -> Vec<Result<RecordBatch>>,
    /// Whether what is there is replaced.
    pub overwrite: fn(bool) -> bool,
    pub schema: fn(Result<SchemaRef>) -> Result<SchemaRef>,
}

/// No mistake at all.
pub const RIGHT: Mistake = Mistake {
    name: "",
    found_by: "",
    random: false,
    table: |rows| rows,
    entities: |rows| rows,
    historical: |_| (),
    answer: |rows| rows,
    latest: |_| (),
    all: |_| (),
    pulled: |rows| rows,
    written: |batches| batches,
    count: |count| count,
    persisted: |batches| batches,
    overwrite: |overwrite| overwrite,
    schema: |schema| schema,
};

pub struct WrongFixture {
    right: MemoryFixture,
    mistake: &'static Mistake,
}

impl WrongFixture {
    pub fn new(mistake: &'static Mistake) -> Self {
        let mut right = MemoryFixture::new();
        let inner = right.memory.clone();
        let wrong: Arc<dyn DynOfflineStore> = Arc::new(Wrong { inner, mistake });
        right.store = HybridOfflineStore::from_stores([("memory".to_owned(), wrong)]);
        Self { right, mistake }
    }
}

#[async_trait]
impl Fixture for WrongFixture {
    fn store(&self) -> &HybridOfflineStore {
        self.right.store()
    }

    fn key(&self) -> &str {
        self.right.key()
    }

    fn capabilities(&self) -> Capabilities {
        self.right.capabilities()
    }

    async fn create(&self, table: &str, schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Source> {
        let batch = (self.mistake.table)(concat_batches(&schema, &batches)?);
        self.right.create(table, schema, vec![batch]).await
    }

    fn destination(&self, table: &str) -> Result<Source> {
        self.right.destination(table)
    }

    async fn drop(&self, table: &str) -> Result<()> {
        self.right.drop(table).await
    }
}

struct Wrong {
    inner: MemoryStore,
    mistake: &'static Mistake,
}

/// The whole stream, changed, as a stream of one batch.
async fn changed(stream: BatchStream, change: fn(RecordBatch) -> RecordBatch) -> Result<BatchStream> {
    let schema = stream.schema().clone();
    let batch = change(concat_batches(&schema, &stream.collect().await?)?);
    Ok(BatchStream::from_batches(batch.schema(), vec![batch]))
}

#[async_trait]
impl DynOfflineStore for Wrong {
    fn capabilities(&self) -> Capabilities {
        DynOfflineStore::capabilities(&self.inner)
    }

    async fn ping(&self) -> Result<String> {
        DynOfflineStore::ping(&self.inner).await
    }

    async fn source_schema(&self, source: &Source) -> Result<SchemaRef> {
        (self.mistake.schema)(DynOfflineStore::source_schema(&self.inner, source).await)
    }

    async fn get_historical_features(
        &self,
        mut request: HistoricalRequest<Source>,
        call: &Call,
    ) -> Result<FeatureRows> {
        let entities = changed(request.entities.stream()?, self.mistake.entities).await?;
        let (schema, batches) = (entities.schema().clone(), entities.collect().await?);
        let (rows, times) = (request.entities.num_rows(), request.entities.time_range());
        let open = move || Ok(BatchStream::from_batches(batches[0].schema(), batches.clone()));
        request.entities = EntityRows::new(schema, rows, times, open);
        (self.mistake.historical)(&mut request);
        let answer = DynOfflineStore::get_historical_features(&self.inner, request, call).await?;
        Ok(FeatureRows {
            rows: changed(answer.rows, self.mistake.answer).await?,
            in_order: answer.in_order,
        })
    }

    async fn pull_latest_from_table_or_query(
        &self,
        mut request: PullLatestRequest<Source>,
        call: &Call,
    ) -> Result<BatchStream> {
        (self.mistake.latest)(&mut request);
        let rows = DynOfflineStore::pull_latest_from_table_or_query(&self.inner, request, call).await?;
        changed(rows, self.mistake.pulled).await
    }

    async fn pull_all_from_table_or_query(
        &self,
        mut request: PullAllRequest<Source>,
        call: &Call,
    ) -> Result<BatchStream> {
        (self.mistake.all)(&mut request);
        let rows = DynOfflineStore::pull_all_from_table_or_query(&self.inner, request, call).await?;
        changed(rows, self.mistake.pulled).await
    }

    async fn offline_write_batch(&self, mut request: WriteRequest<Source>, call: &Call) -> Result<u64> {
        let batches = (self.mistake.written)(request.rows.collect_all().await);
        let schema = batches
            .iter()
            .flatten()
            .next()
            .map_or(request.schema, |batch| batch.schema());
        request.schema = Arc::new(Schema::clone(&schema));
        request.rows = BatchStream::new(schema, futures::stream::iter(batches));
        let written = DynOfflineStore::offline_write_batch(&self.inner, request, call).await?;
        Ok((self.mistake.count)(written))
    }

    async fn explain(&self, operation: Explain<Source>) -> Result<String> {
        DynOfflineStore::explain(&self.inner, operation).await
    }

    async fn to_sql(&self, operation: Explain<Source>) -> Result<String> {
        DynOfflineStore::to_sql(&self.inner, operation).await
    }

    async fn persist(&self, mut request: PersistRequest<Source>, call: &Call) -> Result<u64> {
        let schema = request.rows.schema().clone();
        let batches = (self.mistake.persisted)(request.rows.collect_all().await);
        request.rows = BatchStream::new(schema, futures::stream::iter(batches));
        request.overwrite = (self.mistake.overwrite)(request.overwrite);
        DynOfflineStore::persist(&self.inner, request, call).await
    }

    async fn select_schema(&self, query: &str) -> Result<SchemaRef> {
        DynOfflineStore::select_schema(&self.inner, query).await
    }

    async fn stage_select(&self, frame: SelectFrame) -> Result<StagedFrame> {
        DynOfflineStore::stage_select(&self.inner, frame).await
    }

    async fn shutdown(&self) -> Result<()> {
        DynOfflineStore::shutdown(&self.inner).await
    }
}

/// Reads a stream past its errors.
trait CollectAll {
    async fn collect_all(self) -> Vec<Result<RecordBatch>>;
}

impl CollectAll for BatchStream {
    async fn collect_all(self) -> Vec<Result<RecordBatch>> {
        StreamExt::collect(self).await
    }
}
