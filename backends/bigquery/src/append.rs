use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use hybrid_core::sql::{Append, Mode, SqlSession, sql_type_of};
use hybrid_core::{BatchStream, Error, ErrorKind, Result};
use serde_json::json;

use crate::client::{FieldSchema, TableReference};
use crate::names::{self, list, quoted};
use crate::session::BigQuerySession;
use crate::types::{Incoming, described, sql_type};

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
        let target = described(&known.schema.fields);
        let given = rows.schema().clone();
        if given.fields().iter().all(|field| loads_as_it_is(field, &target)) {
            let required = required(&known.schema.fields);
            let incoming = Incoming::new(&given, &required)?;
            let options = json!({"writeDisposition": "WRITE_APPEND", "createDisposition": "CREATE_NEVER"});
            return self.load(table, incoming, rows, options).await;
        }
        let (columns, values) = (
            list(given.fields().iter().map(|field| field.name().as_str())),
            stored(&given, &target)?,
        );
        let from = self.temporary(rows).await?;
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
            return self.load(table, incoming, rows, options).await;
        }
        let values = made(&given)?;
        let from = self.temporary(rows).await?;
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

/// Whether Parquet of such values is loaded as the table's type, without loss and without being told.
fn loads_as_it_is(given: &Field, target: &Schema) -> bool {
    let Ok(column) = target.field_with_name(given.name()) else {
        return false;
    };
    let written = sql_type_of(column);
    match given.data_type() {
        DataType::Map(..) | DataType::Null => false,
        // The types inside must be the same; REQUIRED fields inside are left to INSERT.
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) | DataType::Struct(_) => false,
        other => sql_type(other).is_ok_and(|natural| natural == written),
    }
}

/// Whether a load job makes a column of the type that such values should have.
fn is_made_as_it_is(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(..) | DataType::Decimal256(..) => false,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            is_made_as_it_is(item.data_type())
        }
        DataType::Struct(fields) => fields.iter().all(|field| is_made_as_it_is(field.data_type())),
        _ => true,
    }
}

/// The staged columns as the types of the table's.
fn stored(given: &Schema, target: &Schema) -> Result<String> {
    let value = |field: &Arc<Field>| {
        let (name, column) = (quoted(field.name()), target.field_with_name(field.name())?);
        let staged = sql_type(field.data_type())?;
        Ok(match (sql_type_of(column), staged.as_str()) {
            ("JSON", "JSON" | "STRING") => format!("PARSE_JSON({name})"),
            ("GEOGRAPHY", "STRING") => format!("ST_GEOGFROMTEXT({name})"),
            ("TIMESTAMP", "DATETIME" | "DATE") => format!("TIMESTAMP({name}, 'UTC')"),
            ("DATETIME", "TIMESTAMP") => format!("DATETIME({name}, 'UTC')"),
            ("ARRAY" | "STRUCT" | "OTHER" | "RANGE", _) => name,
            (written, staged) if written == staged => name,
            (written, _) => format!("CAST({name} AS {written})"),
        })
    };
    Ok(given.fields().iter().map(value).collect::<Result<Vec<_>>>()?.join(", "))
}

/// The staged columns as the types that a new table gets.
fn made(given: &Schema) -> Result<String> {
    let value = |field: &Arc<Field>| {
        let name = quoted(field.name());
        Ok(match field.data_type() {
            DataType::Map(..) => format!("PARSE_JSON({name}) AS {name}"),
            _ => name,
        })
    };
    Ok(given.fields().iter().map(value).collect::<Result<Vec<_>>>()?.join(", "))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::datatypes::TimeUnit;
    use hybrid_core::{ValueType, timestamp_type};

    use super::*;

    fn target(kind: &str) -> Arc<Schema> {
        described(&[FieldSchema {
            name: "c".to_owned(),
            kind: kind.to_owned(),
            ..FieldSchema::default()
        }])
    }

    #[test]
    fn a_load_is_enough_where_the_types_are_the_same() {
        let naive = DataType::Timestamp(TimeUnit::Microsecond, None);
        for (given, kind, whole, value) in [
            (DataType::Int32, "INTEGER", true, "`c`"),
            (DataType::Utf8, "STRING", true, "`c`"),
            (DataType::LargeUtf8, "JSON", false, "PARSE_JSON(`c`)"),
            (ValueType::Map.to_arrow(), "JSON", false, "PARSE_JSON(`c`)"),
            (DataType::Utf8, "GEOGRAPHY", false, "ST_GEOGFROMTEXT(`c`)"),
            (naive.clone(), "TIMESTAMP", false, "TIMESTAMP(`c`, 'UTC')"),
            (naive, "DATETIME", true, "`c`"),
            (timestamp_type(), "TIMESTAMP", true, "`c`"),
            (DataType::Decimal128(38, 2), "NUMERIC", false, "CAST(`c` AS NUMERIC)"),
            (DataType::Decimal128(20, 2), "NUMERIC", true, "`c`"),
            (DataType::Utf8, "BIGNUMERIC", false, "CAST(`c` AS BIGNUMERIC)"),
        ] {
            let field = Field::new("c", given.clone(), true);
            assert_eq!(loads_as_it_is(&field, &target(kind)), whole, "{given} {kind}");
            assert_eq!(stored(&Schema::new(vec![field]), &target(kind)).unwrap(), value);
        }
    }

    #[test]
    fn only_tables_take_rows() {
        let parts = |parts: [&str; 3]| parts.map(str::to_owned);
        assert!(reference(&parts(["p", "d", "t"])).is_ok());
        for wrong in [parts(["p", "d", "events_*"]), parts(["p", "d", "t$20240101"])] {
            assert_eq!(reference(&wrong).unwrap_err().kind(), ErrorKind::Unsupported);
        }
    }
}
