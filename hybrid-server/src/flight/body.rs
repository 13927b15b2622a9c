//! What a client sends: a descriptor, then a table in as many batches as it likes.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use arrow_flight::FlightData;
use arrow_flight::decode::{DecodedFlightData, DecodedPayload, FlightDataDecoder};
use arrow_flight::error::FlightError;
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use hybrid_core::{BatchStream, Error, ErrorKind, Result, guarded};
use tonic::Status;

/// The column of the table that Feast's clients send in place of none.
const PLACEHOLDER: &str = "key";
/// How pandas names an index that has no name, with a number behind it.
const INDEX: &str = "__index_level_";
/// What pandas tells of its own about a table's columns.
const PANDAS: &str = "pandas";

/// The part of it that is of use here.
#[derive(serde::Deserialize)]
struct Pandas {
    /// Names of columns, or descriptions of what is no column.
    #[serde(default)]
    index_columns: Vec<serde_json::Value>,
}

/// A request's body.
pub(crate) struct Body {
    /// The descriptor's command.
    pub(crate) command: Bytes,
    /// The table; `None` for the one that stands for no table.
    pub(crate) rows: Option<BatchStream>,
}

impl Body {
    /// Reads the descriptor and the table's schema; batches are read as they are asked for.
    ///
    /// # Errors
    /// InvalidInput, for a body without descriptor or schema; Cancelled, when the client went away.
    pub(crate) async fn open(
        messages: impl Stream<Item = std::result::Result<FlightData, Status>> + Send + 'static,
    ) -> Result<Self> {
        let mut messages = Box::pin(messages);
        let first = messages.try_next().await.map_err(received)?;
        let first = first.ok_or_else(|| invalid("the call has no body"))?;
        let descriptor = first.flight_descriptor.as_ref();
        let command = descriptor.map(|descriptor| descriptor.cmd.clone());
        let command = command.ok_or_else(|| invalid("the first message has no descriptor"))?;
        // A message may carry a descriptor alone.
        let messages = futures::stream::iter([Ok(first)])
            .chain(messages)
            .try_filter(|message| std::future::ready(!message.data_header.is_empty()))
            .map_err(|status| FlightError::Tonic(Box::new(status)));
        let rows = table(Decoded(FlightDataDecoder::new(messages))).await?;
        Ok(Self { command, rows })
    }

    /// The table that a call cannot do without.
    ///
    /// # Errors
    /// InvalidInput, where there is none.
    pub(crate) fn required(rows: Option<BatchStream>) -> Result<BatchStream> {
        rows.ok_or_else(|| invalid("the call has no table of rows"))
    }
}

/// The decoder, whose panics on broken bytes are errors.
struct Decoded(FlightDataDecoder);

impl Stream for Decoded {
    type Item = Result<DecodedFlightData>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = guarded("the request's body", || Ok(self.0.poll_next_unpin(context)));
        match polled {
            Ok(polled) => polled.map(|next| next.map(|decoded| decoded.map_err(broken))),
            Err(error) => Poll::Ready(Some(Err(invalid(error.message())))),
        }
    }
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

async fn table(mut messages: Decoded) -> Result<Option<BatchStream>> {
    let Some(first) = messages.try_next().await? else {
        return Ok(None);
    };
    let DecodedPayload::Schema(schema) = first.payload else {
        return Err(invalid("the body does not begin with a schema"));
    };
    if let [only] = schema.fields().as_ref()
        && only.name() == PLACEHOLDER
    {
        while messages.try_next().await?.is_some() {}
        return Ok(None);
    }
    let kept = kept(&schema);
    let shown = Arc::new(without_pandas(schema.project(&kept)?));
    let target = Arc::clone(&shown);
    let batches = messages.try_filter_map(move |message| {
        std::future::ready(match message.payload {
            DecodedPayload::RecordBatch(batch) => projected(&batch, &kept, &target).map(Some),
            DecodedPayload::None => Ok(None),
            DecodedPayload::Schema(_) => Err(invalid("the body has a second schema")),
        })
    });
    Ok(Some(BatchStream::new(shown, batches)))
}

/// The columns but those that are a data frame's index.
fn kept(schema: &Schema) -> Vec<usize> {
    let told = schema
        .metadata
        .get(PANDAS)
        .and_then(|text| serde_json::from_str::<Pandas>(text).ok());
    let index = told.map(|told| told.index_columns).unwrap_or_default();
    let is_index = |name: &str| name.starts_with(INDEX) || index.iter().any(|column| column.as_str() == Some(name));
    let fields = schema.fields().iter().enumerate();
    let kept = fields.filter(|(_, field)| !is_index(field.name()));
    kept.map(|(index, _)| index).collect()
}

/// The result has other columns than the data frame that pandas tells of.
fn without_pandas(mut schema: Schema) -> Schema {
    schema.metadata.remove(PANDAS);
    schema
}

fn projected(batch: &RecordBatch, columns: &[usize], schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = columns.iter().map(|column| Arc::clone(batch.column(*column))).collect();
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows)?)
}

/// How reading the call itself failed.
fn received(status: Status) -> Error {
    let kind = match status.code() {
        tonic::Code::OutOfRange | tonic::Code::ResourceExhausted => ErrorKind::ResourceExhausted,
        tonic::Code::Internal | tonic::Code::InvalidArgument => ErrorKind::InvalidInput,
        _ => ErrorKind::Cancelled,
    };
    let error = Error::new(kind, format!("the request's body: {}", status.message()));
    match kind {
        ErrorKind::ResourceExhausted => error.with_help(
            "send the table in several batches, or let whoever runs the server allow larger messages with `--message-size`",
        ),
        _ => error,
    }
}

fn broken(error: FlightError) -> Error {
    match error {
        FlightError::Tonic(status) => received(*status),
        other => Error::new(ErrorKind::InvalidInput, "the request's body is no Arrow table").with_cause(other),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{Int64Array, StringArray};
    use arrow_flight::FlightDescriptor;
    use arrow_flight::encode::FlightDataEncoderBuilder;

    use super::*;

    async fn sent(batch: RecordBatch, command: &'static [u8]) -> Vec<std::result::Result<FlightData, Status>> {
        FlightDataEncoderBuilder::new()
            .with_flight_descriptor(Some(FlightDescriptor::new_cmd(command)))
            .build(futures::stream::iter([Ok(batch)]))
            .map_err(|error| Status::internal(error.to_string()))
            .collect()
            .await
    }

    fn frame() -> RecordBatch {
        let numbers = || Arc::new(Int64Array::from(vec![1, 2])) as arrow::array::ArrayRef;
        let batch = RecordBatch::try_from_iter([("a", numbers()), ("__index_level_0__", numbers()), ("b", numbers())]);
        let batch = batch.unwrap();
        let mut schema = batch.schema().as_ref().clone();
        let told = r#"{"index_columns": ["b", {"kind": "range", "name": null}]}"#;
        schema.metadata.insert(PANDAS.to_owned(), told.to_owned());
        batch.with_schema(Arc::new(schema)).unwrap()
    }

    #[tokio::test]
    async fn a_table_comes_without_what_pandas_added() {
        let body = Body::open(futures::stream::iter(sent(frame(), b"c").await))
            .await
            .unwrap();
        assert_eq!(&body.command[..], b"c");
        let rows = body.rows.unwrap();
        let names: Vec<&str> = rows
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        assert_eq!(names, ["a"]);
        assert!(rows.schema().metadata().is_empty());
        assert_eq!(rows.collect().await.unwrap()[0].num_rows(), 2);
    }

    #[tokio::test]
    async fn the_placeholder_is_no_table_and_a_descriptor_may_come_alone() {
        let column = Arc::new(StringArray::from(vec!["m"])) as arrow::array::ArrayRef;
        let mut messages = sent(RecordBatch::try_from_iter([("key", column)]).unwrap(), b"c").await;
        let body = Body::open(futures::stream::iter(messages.clone())).await.unwrap();
        assert!(body.rows.is_none());
        let alone = FlightData::new().with_descriptor(FlightDescriptor::new_cmd(b"d".to_vec()));
        messages.insert(0, Ok(alone));
        let body = Body::open(futures::stream::iter(messages)).await.unwrap();
        assert_eq!(&body.command[..], b"d");
    }

    #[tokio::test]
    async fn a_body_that_is_none_is_an_error_and_no_panic() {
        let mut garbage = FlightData::new().with_descriptor(FlightDescriptor::new_cmd(b"c".to_vec()));
        garbage.data_header = Bytes::from_static(&[7; 40]);
        let mut cut = sent(frame(), b"c").await;
        cut[1].as_mut().unwrap().data_body = Bytes::new();
        let without_descriptor = vec![Ok(FlightData::new())];
        for messages in [vec![], without_descriptor, vec![Ok(garbage)]] {
            let error = Body::open(futures::stream::iter(messages)).await.err().unwrap();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
        let rows = Body::open(futures::stream::iter(cut)).await.unwrap().rows.unwrap();
        assert_eq!(rows.collect().await.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
