//! How rows get into Redshift: Parquet in S3 and COPY, or INSERTs over the connection.

mod inserts;
mod parquet;

use futures::TryStreamExt;
use hybrid_core::{BatchStream, Error, ErrorKind, Result};

use crate::session::{RedshiftSession, Way};
use crate::types::Staged;
use inserts::Inserts;
use parquet::Parts;

impl RedshiftSession {
    /// Rows in a temporary table, and how many; `instants`: every time is one of the dialect's.
    pub(crate) async fn uploaded(&self, rows: BatchStream, instants: bool) -> Result<(String, u64)> {
        let staged = Staged::of(rows.schema())?;
        let table = self.temporary_table();
        let selected = staged.selected(instants)?;
        let then = |from: &str| {
            vec![format!(
                "CREATE TEMPORARY TABLE {table} AS SELECT {selected} FROM {from}"
            )]
        };
        let count = self.load(&staged, rows, then, true).await?;
        Ok((table, count))
    }

    /// Loads rows into a staging table and runs what `then` makes of it, all in one transaction. How many rows.
    pub(crate) async fn load(
        &self,
        staged: &Staged,
        rows: BatchStream,
        then: impl FnOnce(&str) -> Vec<String> + Send,
        keep: bool,
    ) -> Result<u64> {
        let from = format!("\"hybrid_{}\"", uuid::Uuid::new_v4().simple());
        let create = format!("CREATE TEMPORARY TABLE {from} ({})", staged.definitions()?);
        let mut after = then(&from);
        after.push(format!("DROP TABLE {from}"));
        let Some(staging) = self.staging() else {
            return self.inserted(staged, rows, &from, create, after).await;
        };
        let place = self.place(staging);
        let count = Parts::new(staging, &place, staged)?.write(rows).await?;
        let mut statements = vec![create];
        if count > 0 {
            let authorization = self.shared.config.authorization();
            statements.push(format!(
                "COPY {from} FROM '{}' {authorization} FORMAT AS PARQUET",
                place.url
            ));
        }
        statements.append(&mut after);
        self.run(statements, keep).await?;
        // The rows are where they belong: what is left of their files goes with the session, or with a sweep.
        let _ = staging.remove(&place).await;
        Ok(count)
    }

    async fn inserted(
        &self,
        staged: &Staged,
        mut rows: BatchStream,
        from: &str,
        create: String,
        after: Vec<String>,
    ) -> Result<u64> {
        let Way::Connection(connection) = &self.way else {
            return Err(Error::new(
                ErrorKind::Config,
                "the Data API carries rows only through `s3_staging_location`",
            ));
        };
        let transaction = connection.begin().await?;
        let work = async {
            transaction.execute(&create).await?;
            let (mut inserts, mut count) = (Inserts::into(from), 0);
            while let Some(batch) = rows.try_next().await? {
                let batch = staged.convert(&batch)?;
                count += batch.num_rows() as u64;
                for row in 0..batch.num_rows() {
                    if let Some(full) = inserts.push(&batch, row)? {
                        transaction.execute(&full).await?;
                    }
                }
            }
            if let Some(rest) = inserts.finish() {
                transaction.execute(&rest).await?;
            }
            for statement in &after {
                transaction.execute(statement).await?;
            }
            Ok(count)
        };
        match work.await {
            Ok(count) => transaction.commit().await.map(|()| count),
            Err(error) => {
                transaction.rollback().await;
                Err(error)
            }
        }
    }
}
