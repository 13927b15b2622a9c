use arrow::datatypes::SchemaRef;
use async_trait::async_trait;

use super::offline_store::{no_select, no_sql, no_tables};
use super::{
    BatchStream, Call, Capabilities, Explain, FeatureRows, HistoricalRequest, OfflineStore, PersistRequest,
    PullAllRequest, PullLatestRequest, SelectFrame, StagedFrame, WriteRequest,
};
use crate::{Result, Source};

/// The object-safe twin of [`OfflineStore`], which every store has by a blanket impl: requests
/// carry untyped [`Source`]s, whose options are made typed on the way in.
#[async_trait]
pub trait DynOfflineStore: Send + Sync {
    /// [`OfflineStore::capabilities`].
    fn capabilities(&self) -> Capabilities;
    /// [`OfflineStore::ping`].
    async fn ping(&self) -> Result<String>;
    /// [`OfflineStore::source_schema`].
    async fn source_schema(&self, source: &Source) -> Result<SchemaRef>;
    /// [`OfflineStore::get_historical_features`].
    async fn get_historical_features(&self, request: HistoricalRequest<Source>, call: &Call) -> Result<FeatureRows>;
    /// [`OfflineStore::pull_latest_from_table_or_query`].
    async fn pull_latest_from_table_or_query(
        &self,
        request: PullLatestRequest<Source>,
        call: &Call,
    ) -> Result<BatchStream>;
    /// [`OfflineStore::pull_all_from_table_or_query`].
    async fn pull_all_from_table_or_query(&self, request: PullAllRequest<Source>, call: &Call) -> Result<BatchStream>;
    /// [`OfflineStore::offline_write_batch`].
    async fn offline_write_batch(&self, request: WriteRequest<Source>, call: &Call) -> Result<u64>;
    /// [`OfflineStore::explain`].
    async fn explain(&self, operation: Explain<Source>) -> Result<String>;
    /// [`OfflineStore::to_sql`].
    async fn to_sql(&self, operation: Explain<Source>) -> Result<String> {
        drop(operation);
        Err(no_sql())
    }
    /// [`OfflineStore::check_destination`].
    fn check_destination(&self, destination: &Source, overwrite: bool) -> Result<()> {
        let _ = (destination, overwrite);
        Ok(())
    }
    /// [`OfflineStore::persist`].
    async fn persist(&self, request: PersistRequest<Source>, call: &Call) -> Result<u64> {
        let _ = (request, call);
        Err(no_tables())
    }
    /// [`OfflineStore::select_schema`].
    async fn select_schema(&self, query: &str) -> Result<SchemaRef> {
        let _ = query;
        Err(no_select())
    }
    /// [`OfflineStore::stage_select`].
    async fn stage_select(&self, frame: SelectFrame) -> Result<StagedFrame> {
        let _ = frame;
        Err(no_select())
    }
    /// [`OfflineStore::shutdown`].
    async fn shutdown(&self) -> Result<()>;
}

#[async_trait]
impl<T: OfflineStore> DynOfflineStore for T {
    fn capabilities(&self) -> Capabilities {
        OfflineStore::capabilities(self)
    }

    async fn ping(&self) -> Result<String> {
        OfflineStore::ping(self).await
    }

    async fn source_schema(&self, source: &Source) -> Result<SchemaRef> {
        OfflineStore::source_schema(self, &source.to_typed()?).await
    }

    async fn get_historical_features(&self, request: HistoricalRequest<Source>, call: &Call) -> Result<FeatureRows> {
        OfflineStore::get_historical_features(self, request.typed()?, call).await
    }

    async fn pull_latest_from_table_or_query(
        &self,
        request: PullLatestRequest<Source>,
        call: &Call,
    ) -> Result<BatchStream> {
        OfflineStore::pull_latest_from_table_or_query(self, request.typed()?, call).await
    }

    async fn pull_all_from_table_or_query(&self, request: PullAllRequest<Source>, call: &Call) -> Result<BatchStream> {
        OfflineStore::pull_all_from_table_or_query(self, request.typed()?, call).await
    }

    async fn offline_write_batch(&self, request: WriteRequest<Source>, call: &Call) -> Result<u64> {
        OfflineStore::offline_write_batch(self, request.typed()?, call).await
    }

    async fn explain(&self, operation: Explain<Source>) -> Result<String> {
        OfflineStore::explain(self, operation.typed()?).await
    }

    async fn to_sql(&self, operation: Explain<Source>) -> Result<String> {
        OfflineStore::to_sql(self, operation.typed()?).await
    }

    fn check_destination(&self, destination: &Source, overwrite: bool) -> Result<()> {
        OfflineStore::check_destination(self, &destination.to_typed()?, overwrite)
    }

    async fn persist(&self, request: PersistRequest<Source>, call: &Call) -> Result<u64> {
        OfflineStore::persist(self, request.typed()?, call).await
    }

    async fn select_schema(&self, query: &str) -> Result<SchemaRef> {
        OfflineStore::select_schema(self, query).await
    }

    async fn stage_select(&self, frame: SelectFrame) -> Result<StagedFrame> {
        OfflineStore::stage_select(self, frame).await
    }

    async fn shutdown(&self) -> Result<()> {
        OfflineStore::shutdown(self).await
    }
}
