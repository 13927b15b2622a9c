use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use hybrid_core::{
    BatchStream, Call, Capabilities, Context, Error, ErrorKind, Explain, FeatureRows, HistoricalRequest, OfflineStore,
    PersistRequest, PullAllRequest, PullLatestRequest, Result, WriteRequest, async_trait, offline_store,
};

use crate::read::{Table, in_background};
use crate::{FileConfig, FileSource, all, explain, historical, latest, persist, write};

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
        let base = self.base.clone();
        in_background(move |_| check_folder(&base)).await?;
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

    fn check_destination(&self, destination: &FileSource, _: bool) -> Result<()> {
        persist::check(&self.base, destination)
    }

    async fn persist(&self, request: PersistRequest<FileSource>, call: &Call) -> Result<u64> {
        persist::persist(&self.base, request, call).await
    }

    async fn explain(&self, operation: Explain<FileSource>) -> Result<String> {
        explain::explain(self.base.clone(), operation).await
    }
}

/// Refuses a folder that is not there; an empty path is the working directory.
fn check_folder(base: &Path) -> Result<()> {
    let base = if base.as_os_str().is_empty() {
        Path::new(".")
    } else {
        base
    };
    let problem = match base.metadata() {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => Error::new(ErrorKind::Config, format!("`{}` is no folder", base.display())),
        Err(error) => {
            let error = Error::from(error);
            let message = format!("the folder `{}` cannot be used: {}", base.display(), error.message());
            Error::new(error.kind(), message)
        }
    };
    Err(problem.with_help("relative paths start there: make it, or correct the store's `path`"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_relative_paths_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check_folder(folder.path()).is_ok() && check_folder(Path::new("")).is_ok());
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        assert_eq!(check_folder(&file).unwrap_err().kind(), ErrorKind::Config);
        let gone = check_folder(&folder.path().join("gone")).unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
        assert!(gone.to_string().contains("gone` cannot be used"), "{gone}");
    }
}
