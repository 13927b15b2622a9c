use hybrid_core::sql::{Append, Mode, SqlSession, exact};
use hybrid_core::{BatchStream, Error, ErrorKind, Result};
use serde_json::json;

use crate::client::{FieldSchema, TableReference};
use crate::names::{self, list};
use crate::session::BigQuerySession;
use crate::types::{Incoming, is_made_as_it_is, loads_as_it_is, made, narrow, stored};

impl BigQuerySession {
    /// Rows into a table: by one load job where its types are those of the rows, else by a temporary table and one
    /// statement. Either is seen whole or not at all.
    pub(crate) async fn write(&self, append: Append) -> Result<u64> {
        let table = reference(&append.table)?;
        match append.mode {
            Mode::Append => self.add(&table, append.rows).await,
            Mode::Create => {
                self.refuse_existing(&table).await?;
                self.create(&table, append.rows, "WRITE_EMPTY").await
            }
            Mode::Replace => self.create(&table, append.rows, "WRITE_TRUNCATE").await,
        }
    }

    async fn add(&self, table: &TableReference, rows: BatchStream) -> Result<u64> {
        let known = self.jobs().table(table).await?;
        if known.kind != "TABLE" {
            let message = format!("`{}` is a {} and takes no rows", names::table(table), known.kind);
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let columns = known.schema.fields;
        // BigQuery would round them.
        let rows = exact(rows, &table.table_id, &narrow(&columns));
        let given = rows.schema().clone();
        if given.fields().iter().all(|field| loads_as_it_is(field, &columns)) {
            let incoming = Incoming::new(&given, &required(&columns))?;
            let loaded = columns
                .into_iter()
                .filter(|column| given.field_with_name(&column.name).is_ok());
            let options = json!({"writeDisposition": "WRITE_APPEND", "createDisposition": "CREATE_NEVER"});
            return self.load(table, loaded.collect(), incoming, rows, options).await;
        }
        let values = stored(&given, &columns)?;
        let columns = list(given.fields().iter().map(|field| field.name().as_str()));
        let (from, _) = self.temporary(rows).await?;
        let statement = format!(
            "INSERT INTO {} ({columns}) SELECT {values} FROM {from}",
            names::table(table)
        );
        let job = self.run(&statement).await?;
        Ok(job
            .statistics
            .query
            .and_then(|query| query.num_dml_affected_rows)
            .unwrap_or_default())
    }

    async fn create(&self, table: &TableReference, rows: BatchStream, disposition: &str) -> Result<u64> {
        let given = rows.schema().clone();
        self.need_dataset(&table.project_id, &table.dataset_id).await?;
        if given.fields().iter().all(|field| is_made_as_it_is(field.data_type())) {
            let incoming = Incoming::new(&given, &[])?;
            let options = json!({"writeDisposition": disposition, "createDisposition": "CREATE_IF_NEEDED"});
            return self.load(table, incoming.columns()?, incoming, rows, options).await;
        }
        let values = made(&given);
        let (from, _) = self.temporary(rows).await?;
        let create = match disposition {
            "WRITE_TRUNCATE" => "CREATE OR REPLACE TABLE",
            _ => "CREATE TABLE",
        };
        self.execute(&format!(
            "{create} {} AS SELECT {values} FROM {from}",
            names::table(table)
        ))
        .await?;
        let written = self.jobs().table(table).await?;
        Ok(written.num_rows.unwrap_or_default())
    }

    async fn refuse_existing(&self, table: &TableReference) -> Result<()> {
        match self.jobs().table(table).await {
            Ok(_) => {
                let message = format!("the table {} exists", names::table(table));
                Err(Error::new(ErrorKind::InvalidInput, message).with_help("overwrite it, or choose another name"))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn reference(parts: &[String]) -> Result<TableReference> {
    match parts {
        [project, dataset, table] if !table.contains(['*', '$']) => Ok(TableReference {
            project_id: project.clone(),
            dataset_id: dataset.clone(),
            table_id: table.clone(),
        }),
        parts => {
            let message = format!("`{}` is no table that takes rows", parts.join("."));
            Err(Error::new(ErrorKind::Unsupported, message).with_help("name one as project.dataset.table"))
        }
    }
}

fn required(fields: &[FieldSchema]) -> Vec<&str> {
    let required = fields.iter().filter(|field| field.is_required());
    required.map(|field| field.name.as_str()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_tables_take_rows() {
        let parts = |parts: [&str; 3]| parts.map(str::to_owned);
        assert!(reference(&parts(["p", "d", "t"])).is_ok());
        for wrong in [parts(["p", "d", "events_*"]), parts(["p", "d", "t$20240101"])] {
            assert_eq!(reference(&wrong).unwrap_err().kind(), ErrorKind::Unsupported);
        }
    }
}
