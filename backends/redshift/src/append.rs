//! Appending, and making tables, in one transaction: all rows are there afterwards, or none.

use hybrid_core::Result;
use hybrid_core::sql::{Append, Dialect, Mode, SqlSession};

use crate::RedshiftDialect;
use crate::session::RedshiftSession;
use crate::types::Staged;

impl RedshiftSession {
    pub(crate) async fn write(&self, append: Append) -> Result<u64> {
        let parts: Vec<String> = append.table.iter().map(|part| RedshiftDialect.quote(part)).collect();
        let table = parts.join(".");
        let staged = Staged::of(append.rows.schema())?;
        match append.mode {
            Mode::Append => {
                let known = self.describe(&format!("SELECT * FROM {table}")).await?;
                let (staged, exprs) = staged.into_table(&table, &known)?;
                let names = staged.names();
                let then = |from: &str| vec![format!("INSERT INTO {table} ({names}) SELECT {exprs} FROM {from}")];
                self.load(&staged, append.rows, then, false).await
            }
            mode => {
                let selected = staged.selected(false)?;
                let then = |from: &str| {
                    let drop = (mode == Mode::Replace).then(|| format!("DROP TABLE IF EXISTS {table}"));
                    let create = format!("CREATE TABLE {table} AS SELECT {selected} FROM {from}");
                    drop.into_iter().chain([create]).collect()
                };
                self.load(&staged, append.rows, then, false).await
            }
        }
    }
}
