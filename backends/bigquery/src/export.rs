use hybrid_core::sql::{Dialect, SqlSession, SqlStore, check_select};
use hybrid_core::{BatchStream, Error, ErrorKind, Result};

use crate::dialect::BigQueryDialect;
use crate::session::BigQuerySession;
use crate::{BigQueryStore, names};

impl BigQueryStore {
    /// Runs a SELECT, for example that of `to_sql()`, and has BigQuery leave its rows as Parquet in a new folder of
    /// `gcs_staging_location`, without a way through this process. Returns the files' names, with a star in them.
    ///
    /// # Errors
    /// Config without `gcs_staging_location`; InvalidInput when it is no SELECT; whatever BigQuery says.
    pub async fn export(&self, select: &str) -> Result<String> {
        let select = check_select(select, &*BigQueryDialect.grammar())?;
        let session = self.session().await?;
        let exported = session.export_select(select, &uuid::Uuid::new_v4().to_string()).await;
        let closed = session.close().await;
        exported.and_then(|files| closed.map(|()| files))
    }
}

impl BigQuerySession {
    /// Has BigQuery write rows into a folder, by way of a temporary table. How many.
    pub(crate) async fn export_rows(&self, rows: BatchStream, folder: &str) -> Result<u64> {
        // What is missing is told before the rows travel.
        self.exports()?;
        let (from, count) = self.temporary(rows).await?;
        self.export_select(&format!("SELECT * FROM {from}"), folder).await?;
        Ok(count)
    }

    /// The same of the rows of a SELECT. The files' names, with a star in them.
    async fn export_select(&self, select: &str, folder: &str) -> Result<String> {
        let files = format!("{}/{folder}/*.parquet", self.exports()?.trim_end_matches('/'));
        let statement = format!(
            "EXPORT DATA OPTIONS (uri = {}, format = 'PARQUET', compression = 'SNAPPY') AS\n{select}",
            names::text(&files)
        );
        // Files that a failed one left would be in the way of the next, which would say so instead of why.
        self.jobs().only_once(self.live(), &statement).await?;
        Ok(files)
    }

    fn exports(&self) -> Result<&str> {
        self.config().gcs_staging_location.as_deref().ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                "rows are exported to `gcs_staging_location`, which is not set",
            )
            .with_help("set it to gs://bucket/folder")
        })
    }
}
