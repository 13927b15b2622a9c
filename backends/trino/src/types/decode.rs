use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Fields, Schema, SchemaRef};
use hybrid_core::sql::SQL_TYPE;
use hybrid_core::{Error, ErrorKind, Result};
use serde::Deserialize;

use super::columns::{Column, column};
use super::{Reader, Signature, Type};

/// A column as Trino's results describe it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Described {
    /// Its name.
    name: String,
    /// Its type as SQL writes it.
    #[serde(rename = "type")]
    sql_type: String,
    /// The same, taken apart.
    #[serde(rename = "typeSignature")]
    signature: Signature,
}

/// Makes batches of a result's rows, column by column.
#[derive(Debug, Clone)]
pub(crate) struct Decoder {
    types: Arc<[Type]>,
    schema: SchemaRef,
}

impl Decoder {
    /// For rows of these columns.
    pub(crate) fn new(columns: &[Described]) -> Self {
        let types: Arc<[Type]> = columns.iter().map(|column| Type::of(&column.signature)).collect();
        let field = |(column, data_type): (&Described, &Type)| {
            let sql_type = [(SQL_TYPE.to_owned(), column.sql_type.clone())];
            Field::new(&column.name, data_type.arrow(), true).with_metadata(sql_type.into())
        };
        let fields: Fields = columns.iter().zip(types.iter()).map(field).collect();
        Self {
            types,
            schema: Arc::new(Schema::new(fields)),
        }
    }

    /// The schema of every batch.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The batch of a JSON array of rows, each an array of values.
    pub(crate) fn decode(&self, rows: &[u8]) -> Result<RecordBatch> {
        let mut reader = Reader::new(rows)?;
        let mut columns: Vec<Box<dyn Column>> = self.types.iter().map(column).collect();
        let mut count = 0;
        reader.items(b'[', b']', |reader| {
            count += 1;
            self.row(reader, &mut columns)
        })?;
        let arrays = columns
            .iter_mut()
            .map(|column| column.finish())
            .collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            arrays,
            &options,
        )?)
    }

    fn row(&self, reader: &mut Reader<'_>, columns: &mut [Box<dyn Column>]) -> Result<()> {
        let mut index = 0;
        reader.items(b'[', b']', |reader| {
            let column = columns
                .get_mut(index)
                .ok_or_else(|| reader.wrong("a row with too many values"))?;
            column.read(reader).map_err(|error| self.in_column(index, error))?;
            index += 1;
            Ok(())
        })?;
        match index == columns.len() {
            true => Ok(()),
            false => Err(reader.wrong("a row with too few values")),
        }
    }

    fn in_column(&self, index: usize, error: Error) -> Error {
        let field = self.schema.field(index);
        let message = format!(
            "column `{}` of type {}: {}",
            field.name(),
            hybrid_core::sql::sql_type_of(field),
            error.message()
        );
        Error::new(ErrorKind::Unexpected, message)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
