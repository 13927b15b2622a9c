//! Arrow's encapsulated messages, one at a time, as the Storage API sends them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::read_record_batch;
use arrow::ipc::{Message, root_as_message};
use bytes::Bytes;
use hybrid_core::Result;

use crate::error::protocol;

/// What a message begins with, since there are messages of several alignments.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// The schema in a message.
pub(super) fn schema(bytes: &Bytes) -> Result<SchemaRef> {
    let (header, _) = parts(bytes)?;
    let message = message(&header)?;
    let schema = message
        .header_as_schema()
        .ok_or_else(|| protocol("a schema that is none"))?;
    Ok(Arc::new(fb_to_schema(schema)))
}

/// The rows in a message.
pub(super) fn rows(bytes: &Bytes, schema: &SchemaRef) -> Result<RecordBatch> {
    let (header, body) = parts(bytes)?;
    let message = message(&header)?;
    let batch = message
        .header_as_record_batch()
        .ok_or_else(|| protocol("rows that are none"))?;
    if usize::try_from(message.bodyLength()).map_err(protocol)? > body.len() {
        return Err(protocol("an Arrow message that is cut"));
    }
    let body = Buffer::from(body);
    read_record_batch(
        &body,
        batch,
        Arc::clone(schema),
        &HashMap::new(),
        None,
        &message.version(),
    )
    .map_err(protocol)
}

fn message(header: &[u8]) -> Result<Message<'_>> {
    root_as_message(header).map_err(protocol)
}

/// The message and what it describes.
fn parts(bytes: &Bytes) -> Result<(Bytes, Bytes)> {
    let cut = || protocol("an Arrow message that is cut");
    let begin = if bytes.starts_with(&CONTINUATION) { 4 } else { 0 };
    let length = bytes
        .get(begin..begin + 4)
        .and_then(|length| length.try_into().ok())
        .ok_or_else(cut)?;
    let length = usize::try_from(u32::from_le_bytes(length)).map_err(protocol)?;
    let end = (begin + 4)
        .checked_add(length)
        .filter(|end| *end <= bytes.len())
        .ok_or_else(cut)?;
    Ok((bytes.slice(begin + 4..end), bytes.slice(end..)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::ipc::writer::StreamWriter;

    use super::*;

    /// The messages of a stream: its schema and its batches.
    fn messages(batches: &[RecordBatch]) -> Vec<Bytes> {
        let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).unwrap();
        let mut ends = vec![writer.get_ref().len()];
        for batch in batches {
            writer.write(batch).unwrap();
            ends.push(writer.get_ref().len());
        }
        let all = Bytes::from(writer.into_inner().unwrap());
        let begins = [0].into_iter().chain(ends.clone());
        begins.zip(ends).map(|(begin, end)| all.slice(begin..end)).collect()
    }

    fn batch(numbers: Vec<i64>) -> RecordBatch {
        let texts = StringArray::from_iter(numbers.iter().map(|n| (n % 2 == 0).then(|| format!("it's {n}"))));
        let numbers = Arc::new(Int64Array::from(numbers)) as ArrayRef;
        RecordBatch::try_from_iter_with_nullable([("n", numbers, true), ("t", Arc::new(texts), true)]).unwrap()
    }

    #[test]
    fn messages_are_read_one_by_one_also_empty_and_unaligned() {
        let batches = [batch(vec![1, 2, 3]), batch(vec![]), batch(vec![-4])];
        let messages = messages(&batches);
        let found = schema(&messages[0]).unwrap();
        assert_eq!(found, batches[0].schema());
        for (message, expected) in messages[1..].iter().zip(&batches) {
            assert_eq!(&rows(message, &found).unwrap(), expected);
            let moved = Bytes::from([&[0], message.as_ref()].concat()).slice(1..);
            assert_eq!(&rows(&moved, &found).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        let messages = messages(&[batch(vec![1])]);
        let found = schema(&messages[0]).unwrap();
        for broken in [
            Bytes::new(),
            Bytes::from_static(b"\xff\xff\xff\xff"),
            Bytes::from_static(b"\xff\xff\xff\xff\xff\xff\xff\x7f"),
            messages[0].clone(),
            messages[1].slice(..messages[1].len() / 2),
            Bytes::from_static(&[7; 40]),
        ] {
            assert!(rows(&broken, &found).is_err());
        }
        assert!(schema(&messages[1]).is_err());
    }
}
