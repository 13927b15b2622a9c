//! Batches as the bytes of an Arrow stream.

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::compute::concat_batches;
use arrow::datatypes::Schema;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::StreamWriter;
use hybrid_core::{Error, ErrorKind, Result};

pub(super) fn encode(batch: &RecordBatch) -> Result<Vec<u8>> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
    writer.write(batch)?;
    writer.finish()?;
    Ok(writer.into_inner()?)
}

/// A stream without batches.
pub(super) fn encode_schema(schema: &Schema) -> Result<Vec<u8>> {
    let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
    writer.finish()?;
    Ok(writer.into_inner()?)
}

/// All batches of a stream as one. The bytes may be anything.
///
/// # Errors
/// Unexpected, for what is no stream.
pub(super) fn decode(bytes: Vec<u8>) -> Result<RecordBatch> {
    let wrong = || Error::new(ErrorKind::Unexpected, "the Python worker's answer is no Arrow stream");
    let (mut decoder, mut rest, mut batches) = (StreamDecoder::new(), Buffer::from(bytes), Vec::new());
    while let Some(batch) = decoder.decode(&mut rest).map_err(|error| wrong().with_cause(error))? {
        batches.push(batch);
    }
    decoder.finish().map_err(|error| wrong().with_cause(error))?;
    let schema = decoder.schema().ok_or_else(wrong)?;
    Ok(concat_batches(&schema, &batches)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, DictionaryArray, StringArray};
    use arrow::datatypes::Int8Type;

    use super::*;

    #[test]
    fn a_part_of_a_batch_comes_back_alone() {
        let text: ArrayRef = Arc::new(StringArray::from_iter_values((0..1000).map(|n| format!("text {n}"))));
        let codes: ArrayRef = Arc::new(DictionaryArray::<Int8Type>::from_iter(
            (0..1000).map(|n| ["a", "b"][n % 2]),
        ));
        let batch = RecordBatch::try_from_iter([("t", text), ("d", codes)]).unwrap();
        let part = batch.slice(500, 2);
        let bytes = encode(&part).unwrap();
        assert!(bytes.len() < 2000, "{}", bytes.len());
        assert_eq!(decode(bytes).unwrap(), part);
        assert_eq!(
            decode(encode_schema(&batch.schema()).unwrap()).unwrap(),
            batch.slice(0, 0)
        );
    }

    #[test]
    fn other_bytes_are_an_error() {
        for bytes in [&b""[..], &[0xff; 64], b"\xff\xff\xff\xff\x10\0\0\0", b"no stream"] {
            assert!(decode(bytes.to_vec()).is_err());
        }
    }
}
