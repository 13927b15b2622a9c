//! Few entity rows, inside of the statement.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use hybrid_core::sql::{Dialect, literal};
use hybrid_core::{Error, ErrorKind, Result};

use crate::dialect::SnowflakeDialect;
use crate::names;

/// So many values stand in a statement at most where a temporary table is the other way: staging costs some
/// statements, a long list the compiler's time.
const VALUES: usize = 4_000;

/// So many at most where it is the only way.
const VALUES_AT_MOST: usize = 16_384;

/// Snowflake takes statements of a million characters; the rest of it is ours.
const CHARACTERS: usize = 500_000;

/// The rows of a VALUES that is being written.
pub(crate) struct Embedding {
    schema: SchemaRef,
    rows: Vec<String>,
    characters: usize,
    /// There is no other way.
    only: bool,
}

impl Embedding {
    pub(crate) fn new(schema: &SchemaRef, only: bool) -> Self {
        Self {
            schema: SchemaRef::clone(schema),
            rows: Vec::new(),
            characters: 0,
            only,
        }
    }

    /// Takes rows, or says that they are too many.
    ///
    /// # Errors
    /// ResourceExhausted, where there is no other way.
    pub(crate) fn add(&mut self, batch: &RecordBatch) -> Result<bool> {
        let most = if self.only { VALUES_AT_MOST } else { VALUES };
        let width = self.schema.fields().len().max(1);
        if (self.rows.len() + batch.num_rows()).saturating_mul(width) > most {
            return self.too_many();
        }
        for row in 0..batch.num_rows() {
            let values = batch.columns().iter().map(|column| value(column, row));
            let text = format!("({})", values.collect::<Result<Vec<_>>>()?.join(", "));
            self.characters += text.len();
            self.rows.push(text);
        }
        match self.characters > CHARACTERS {
            true => self.too_many(),
            false => Ok(true),
        }
    }

    fn too_many(&self) -> Result<bool> {
        if !self.only {
            return Ok(false);
        }
        let message = "the entity rows are too many for one statement, and `entity_select_mode: embed_query` allows no \
                       temporary table";
        Err(Error::new(ErrorKind::ResourceExhausted, message).with_help("use `auto`"))
    }

    /// What stands in FROM; nothing without rows.
    pub(crate) fn relation(&self) -> Result<Option<String>> {
        if self.rows.is_empty() {
            return Ok(None);
        }
        let columns = columns(&self.schema)?;
        Ok(Some(format!(
            "(SELECT {columns} FROM (VALUES {}))",
            self.rows.join(", ")
        )))
    }
}

fn columns(schema: &Schema) -> Result<String> {
    let column = |(place, field): (usize, &std::sync::Arc<arrow::datatypes::Field>)| {
        let kind = SnowflakeDialect.sql_type(field.data_type())?;
        Ok(format!(
            "column{}::{kind} AS {}",
            place + 1,
            names::quoted(field.name())
        ))
    };
    let columns = schema.fields().iter().enumerate().map(column);
    Ok(columns.collect::<Result<Vec<_>>>()?.join(", "))
}

/// A value that the column's cast makes one of its type.
fn value(column: &ArrayRef, row: usize) -> Result<String> {
    if column.is_null(row) {
        return Ok("NULL".to_owned());
    }
    match column.data_type() {
        DataType::Utf8 => Ok(names::text(column.as_string::<i32>().value(row))),
        DataType::Int64 | DataType::UInt64 | DataType::Decimal128(..) | DataType::Date32 => {
            let text = arrow::util::display::array_value_to_string(column, row)?;
            Ok(names::text(&text))
        }
        _ => literal(&SnowflakeDialect, column.as_ref(), row),
    }
}
