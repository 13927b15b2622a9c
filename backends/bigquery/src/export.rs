use hybrid_core::sql::{Dialect, SqlSession, SqlStore, check_select};
use hybrid_core::{Error, ErrorKind, Result};

use crate::dialect::BigQueryDialect;
use crate::{BigQueryStore, names};

impl BigQueryStore {
    /// Runs a SELECT, for example that of `to_sql()`, and has BigQuery leave its rows as Parquet in a new folder of
    /// `gcs_staging_location`, without a way through this process. Returns the files' names, with a star in them.
    ///
    /// # Errors
    /// Config without `gcs_staging_location`; InvalidInput when it is no SELECT; whatever BigQuery says.
    pub async fn export(&self, select: &str) -> Result<String> {
        let place = self.config().gcs_staging_location.as_deref().ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                "rows are exported to `gcs_staging_location`, which is not set",
            )
            .with_help("set it to gs://bucket/folder")
        })?;
        let select = check_select(select, &*BigQueryDialect.grammar())?;
        let folder = format!("{}/{}", place.trim_end_matches('/'), uuid::Uuid::new_v4());
        let files = format!("{folder}/*.parquet");
        let session = self.session().await?;
        let done = session
            .execute(&format!(
                "EXPORT DATA OPTIONS (uri = {}, format = 'PARQUET', compression = 'SNAPPY') AS\n{select}",
                names::text(&files)
            ))
            .await;
        let closed = session.close().await;
        done.and(closed).map(|()| files)
    }
}
