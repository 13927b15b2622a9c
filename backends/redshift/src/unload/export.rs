use hybrid_core::sql::{Dialect, SqlSession, SqlStore, parsed_select};
use hybrid_core::{BatchStream, Error, ErrorKind, Result};

use super::Unload;
use crate::staging::Staging;
use crate::{RedshiftDialect, RedshiftSession, RedshiftStore};

impl RedshiftStore {
    /// Runs a SELECT, for example that of `to_sql()`, and has Redshift leave its rows as Parquet in a new folder of
    /// `s3_staging_location`, without a way through this process. Returns the folder's URL; a `manifest` in it lists the files.
    ///
    /// # Errors
    /// Config without `s3_staging_location`; InvalidInput when it is no SELECT; whatever Redshift says.
    pub async fn export(&self, select: &str) -> Result<String> {
        // An order is kept, which has to be read for that.
        let (select, _) = parsed_select(select, &*RedshiftDialect.grammar())?;
        let session = self.session().await?;
        let exported = session.unload_select(select, &Staging::unique()).await;
        let closed = session.close().await;
        exported.and_then(|url| closed.map(|()| url))
    }
}

impl RedshiftSession {
    /// Has Redshift write rows into a folder that stays, by way of a temporary table. How many.
    pub(crate) async fn unload_rows(&self, rows: BatchStream, folder: &str) -> Result<u64> {
        // What is missing is told before the rows travel.
        self.exports()?;
        let (table, count) = self.uploaded(rows, false).await?;
        self.unload_select(&format!("SELECT * FROM {table}"), folder).await?;
        Ok(count)
    }

    /// The same of the rows of a SELECT. The folder's URL.
    async fn unload_select(&self, select: &str, folder: &str) -> Result<String> {
        let url = self.exports()?.kept(folder);
        let schema = self.describe(select).await?;
        let unload = Unload::export(select, &schema).statement(&url, &self.shared.config.authorization());
        self.run(vec![unload], false).await?;
        Ok(url)
    }

    fn exports(&self) -> Result<&Staging> {
        self.shared.staging.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                "rows are exported to `s3_staging_location`, which is not set",
            )
            .with_help("set it to s3://bucket/folder")
        })
    }
}
