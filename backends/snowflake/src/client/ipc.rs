//! Arrow's stream format, read with every field nullable: servers declare parts of timestamps as never missing,
//! and leave them out where the whole is missing.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::{read_dictionary, read_record_batch};
use arrow::ipc::{MessageHeader, MetadataVersion, convert, root_as_message};
use bytes::Bytes;

/// What stands before a message's length.
const CONTINUATION: [u8; 4] = [0xFF; 4];

/// Batches, one after the other.
pub(super) struct Reader {
    bytes: Bytes,
    schema: Option<SchemaRef>,
    dictionaries: HashMap<i64, ArrayRef>,
}

impl Reader {
    pub(super) fn new(bytes: Bytes) -> Self {
        Self {
            bytes,
            schema: None,
            dictionaries: HashMap::new(),
        }
    }

    /// The next batch; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        while let Some(length) = self.length()? {
            let head = self.take(length)?;
            let message = root_as_message(&head).map_err(|error| broken(&error.to_string()))?;
            let length = usize::try_from(message.bodyLength()).map_err(|_| broken("a length below zero"))?;
            let body = Buffer::from(self.take(length)?);
            let version = message.version();
            match message.header_type() {
                MessageHeader::Schema => {
                    let schema = message.header_as_schema().ok_or_else(|| broken("no schema"))?;
                    self.schema = Some(nullable(&convert::fb_to_schema(schema)));
                }
                MessageHeader::DictionaryBatch => {
                    let batch = message
                        .header_as_dictionary_batch()
                        .ok_or_else(|| broken("no dictionary"))?;
                    let schema = self.schema()?;
                    read_dictionary(&body, batch, &schema, &mut self.dictionaries, &version)?;
                }
                MessageHeader::RecordBatch => {
                    let batch = message.header_as_record_batch().ok_or_else(|| broken("no rows"))?;
                    return self.batch(&body, batch, &version).map(Some);
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn batch(
        &self,
        body: &Buffer,
        batch: arrow::ipc::RecordBatch<'_>,
        version: &MetadataVersion,
    ) -> Result<RecordBatch, ArrowError> {
        read_record_batch(body, batch, self.schema()?, &self.dictionaries, None, version)
    }

    fn schema(&self) -> Result<SchemaRef, ArrowError> {
        self.schema.clone().ok_or_else(|| broken("rows before their schema"))
    }

    /// The length of the next message; nothing at the end, which an empty message marks, or nothing at all.
    fn length(&mut self) -> Result<Option<usize>, ArrowError> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        if self.bytes.starts_with(&CONTINUATION) {
            self.take(4)?;
        }
        let length = self.take(4)?;
        let length = length.as_ref().try_into().map(u32::from_le_bytes).unwrap_or_default();
        Ok((length > 0).then_some(length as usize))
    }

    fn take(&mut self, length: usize) -> Result<Bytes, ArrowError> {
        if length > self.bytes.len() {
            return Err(broken("it ends in the middle"));
        }
        Ok(self.bytes.split_to(length))
    }
}

fn broken(what: &str) -> ArrowError {
    ArrowError::IpcError(what.to_owned())
}

fn nullable(schema: &Schema) -> SchemaRef {
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Fields>()))
}

fn field(field: &Arc<Field>) -> Arc<Field> {
    let data_type = match field.data_type() {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(self::field).collect()),
        other => other.clone(),
    };
    Arc::new(field.as_ref().clone().with_data_type(data_type).with_nullable(true))
}
