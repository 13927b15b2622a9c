//! Puts the frame and the stores' answers side by side, row by row.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use futures::{Stream, StreamExt};

use super::summary::SummaryHandle;
use crate::{BatchStream, Error, ErrorKind, Result};

/// A column of the output: the `column`th of the `part`th stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) part: usize,
    pub(super) column: usize,
}

/// The frame (part 0) and the stores' features, appended by columns. All streams have the same
/// rows in the same order; their batches may end anywhere.
pub(super) fn side_by_side(
    schema: SchemaRef,
    parts: Vec<BatchStream>,
    places: Vec<Place>,
    first_feature: usize,
    summary: SummaryHandle,
) -> BatchStream {
    let assembly = Assembly {
        schema: schema.clone(),
        parts: parts.into_iter().map(Cursor::new).collect(),
        places,
    };
    BatchStream::new(
        schema,
        super::contract::fuse_on_error(assembly.into_stream(first_feature, summary)),
    )
}

struct Assembly {
    schema: SchemaRef,
    parts: Vec<Cursor>,
    places: Vec<Place>,
}

impl Assembly {
    fn into_stream(
        self,
        first_feature: usize,
        summary: SummaryHandle,
    ) -> impl Stream<Item = Result<RecordBatch>> + Send {
        futures::stream::unfold(self, move |mut assembly| {
            let summary = summary.clone();
            async move {
                let batch = assembly.next().await.transpose()?;
                if let Ok(batch) = &batch {
                    summary.count(batch, first_feature);
                }
                Some((batch, assembly))
            }
        })
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let mut rows = usize::MAX;
        let mut ended = 0;
        for part in &mut self.parts {
            match part.available().await? {
                0 => ended += 1,
                available => rows = rows.min(available),
            }
        }
        if ended == self.parts.len() {
            return Ok(None);
        }
        if ended > 0 {
            return Err(Error::new(
                ErrorKind::Unexpected,
                "the stores' answers and the entity frame differ in length",
            ));
        }
        let slices: Vec<RecordBatch> = self.parts.iter_mut().map(|part| part.take(rows)).collect();
        let columns: Vec<ArrayRef> = self
            .places
            .iter()
            .map(|place| Arc::clone(slices[place.part].column(place.column)))
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(Some(RecordBatch::try_new_with_options(
            self.schema.clone(),
            columns,
            &options,
        )?))
    }
}

/// A stream that can be taken from in any number of rows.
struct Cursor {
    stream: BatchStream,
    rest: Option<RecordBatch>,
}

impl Cursor {
    fn new(stream: BatchStream) -> Self {
        Self { stream, rest: None }
    }

    /// How many rows can be taken now; 0 at the end.
    async fn available(&mut self) -> Result<usize> {
        loop {
            match &self.rest {
                Some(batch) if batch.num_rows() > 0 => return Ok(batch.num_rows()),
                _ => match self.stream.next().await {
                    Some(batch) => self.rest = Some(batch?),
                    None => return Ok(0),
                },
            }
        }
    }

    /// The next `rows` rows, which are available.
    fn take(&mut self, rows: usize) -> RecordBatch {
        match self.rest.take() {
            Some(batch) if batch.num_rows() > rows => {
                self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
                batch.slice(0, rows)
            }
            Some(batch) => batch,
            None => RecordBatch::new_empty(self.stream.schema().clone()),
        }
    }
}
