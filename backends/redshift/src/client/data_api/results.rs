use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use aws_sdk_redshiftdata::types::{ColumnMetadata, Field};
use hybrid_core::{Error, ErrorKind, Result};

use super::DataApi;
use crate::types::{Rows, field};

/// What a statement has answered, where it has.
pub(crate) struct Answer {
    api: Arc<DataApi>,
    id: String,
}

impl Answer {
    pub(super) fn new(api: Arc<DataApi>, id: String) -> Self {
        Self { api, id }
    }

    /// Columns and rows: for results of a few rows.
    pub(crate) async fn rows(&self) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let (mut token, mut reading, mut batches) = (None, None, Vec::new());
        loop {
            let request = self
                .api
                .client
                .get_statement_result()
                .id(&self.id)
                .set_next_token(token);
            let page = self.api.asked(|| request.clone().send()).await?;
            let (schema, rows): &mut (SchemaRef, Rows) = match &mut reading {
                Some(reading) => reading,
                None => {
                    let schema = columns(page.column_metadata());
                    reading.insert((Arc::clone(&schema), Rows::new(schema)?))
                }
            };
            for record in page.records() {
                let texts: Vec<Option<String>> = record.iter().map(text).collect::<Result<_>>()?;
                rows.push(texts.iter().map(Option::as_deref))?;
                if rows.is_full() {
                    batches.extend(rows.finish()?);
                }
            }
            token = page.next_token;
            if token.as_ref().is_none_or(String::is_empty) {
                batches.extend(rows.finish()?);
                return Ok((Arc::clone(schema), batches));
            }
        }
    }
}

fn columns(metadata: &[ColumnMetadata]) -> SchemaRef {
    let column = |column: &ColumnMetadata| {
        let name = column.label().or(column.name()).unwrap_or_default();
        let numeric = u8::try_from(column.precision())
            .ok()
            .zip(i8::try_from(column.scale()).ok());
        field(name, column.type_name().unwrap_or_default(), numeric)
    };
    Arc::new(Schema::new(metadata.iter().map(column).collect::<Vec<_>>()))
}

fn text(value: &Field) -> Result<Option<String>> {
    Ok(Some(match value {
        Field::IsNull(_) => return Ok(None),
        Field::BooleanValue(value) => if *value { "t" } else { "f" }.to_owned(),
        Field::LongValue(value) => value.to_string(),
        Field::DoubleValue(value) => value.to_string(),
        Field::StringValue(value) => value.clone(),
        Field::BlobValue(value) => value.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
        _ => {
            return Err(Error::new(
                ErrorKind::Corrupt,
                "the Data API sent a value of an unknown kind",
            ));
        }
    }))
}
