//! What a client gets: batches as Flight messages, within the call's time.

use std::pin::Pin;
use std::sync::Arc;

use arrow_flight::FlightData;
use arrow_flight::encode::{DictionaryHandling, FlightDataEncoderBuilder};
use arrow_flight::error::FlightError;
use futures::{Stream, StreamExt, TryStreamExt};
use hybrid_core::{BatchStream, Result};
use tonic::Status;

use crate::call::Call;
use crate::status::status;

/// Messages of one kind, as the server sends them.
pub(crate) type Messages<T> = Pin<Box<dyn Stream<Item = std::result::Result<T, Status>> + Send>>;

/// Bytes of one message at most, as far as single rows allow.
const MESSAGE: usize = 4 << 20;

/// The messages of `rows`: the schema first, also where there are no rows. The call lasts as long as they do.
pub(crate) fn messages(rows: BatchStream, call: Call) -> Messages<FlightData> {
    let schema = Arc::clone(rows.schema());
    let batches = limited(rows, call).map_err(|status| FlightError::Tonic(Box::new(status)));
    let messages = FlightDataEncoderBuilder::new()
        .with_schema(schema)
        .with_max_flight_data_size(MESSAGE)
        // A column comes back as it came: encoded.
        .with_dictionary_handling(DictionaryHandling::Resend)
        .build(batches);
    messages.map_err(Status::from).boxed()
}

/// The batches, and an error in place of those that come too late; the call ends with the stream.
fn limited(
    rows: BatchStream,
    call: Call,
) -> impl Stream<Item = std::result::Result<arrow::array::RecordBatch, Status>> + Send {
    futures::stream::unfold(Some((rows, call)), |state| async move {
        let (mut rows, mut call) = state?;
        let next: Result<Option<_>> = call.limit(async { rows.try_next().await }).await;
        match next {
            Ok(Some(batch)) => {
                call.sent(&batch);
                Some((Ok(batch), Some((rows, call))))
            }
            Ok(None) => {
                call.succeeded();
                None
            }
            Err(error) => {
                let status = status(&error);
                call.failed(&error);
                Some((Err(status), None))
            }
        }
    })
}
