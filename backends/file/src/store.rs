use std::path::PathBuf;

use arrow::datatypes::SchemaRef;
use hybrid_core::{
    BatchStream, Call, Capabilities, Context, Explain, FeatureRows, HistoricalRequest, OfflineStore, PullAllRequest,
    PullLatestRequest, Result, WriteRequest, async_trait, offline_store,
};

use crate::read::{Table, in_background};
use crate::{FileConfig, FileSource, all, explain, historical, latest, write};

/// Parquet and CSV files, on this machine or in object storage.
pub struct FileStore {
    /// Where relative paths start.
    base: PathBuf,
}

#[offline_store("file", aliases("dask", "duckdb"))]
#[async_trait]
impl OfflineStore for FileStore {
    type Source = FileSource;
    type Config = FileConfig;

    async fn connect(config: FileConfig, context: &Context) -> Result<Self> {
        let base = config
            .path
            .map_or_else(|| context.repo.clone(), |path| context.repo.join(path));
        Ok(Self { base })
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_stable_ties(true)
    }

    async fn ping(&self) -> Result<String> {
        Ok(format!("files; relative paths start at `{}`", self.base.display()))
    }

    async fn source_schema(&self, source: &FileSource) -> Result<SchemaRef> {
        let (base, source) = (self.base.clone(), source.clone());
        in_background(move |cancel| Table::at(&base, &source, "", cancel)?.schema()).await
    }

    async fn get_historical_features(
        &self,
        request: HistoricalRequest<FileSource>,
        call: &Call,
    ) -> Result<FeatureRows> {
        historical::get(self.base.clone(), request, call).await
    }

    async fn pull_latest_from_table_or_query(
        &self,
        request: PullLatestRequest<FileSource>,
        call: &Call,
    ) -> Result<BatchStream> {
        latest::pull(self.base.clone(), request, call).await
    }

    async fn pull_all_from_table_or_query(
        &self,
        request: PullAllRequest<FileSource>,
        call: &Call,
    ) -> Result<BatchStream> {
        all::pull(self.base.clone(), request, call).await
    }

    async fn offline_write_batch(&self, request: WriteRequest<FileSource>, call: &Call) -> Result<u64> {
        write::append(self.base.clone(), request, call).await
    }

    async fn explain(&self, operation: Explain<FileSource>) -> Result<String> {
        explain::explain(self.base.clone(), operation).await
    }
}
