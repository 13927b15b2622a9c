//! The row contract, checked on what every store answers: each row number exactly once, in order.

use arrow::array::{Array, AsArray, RecordBatch, UInt64Array};
use arrow::datatypes::{Schema, SchemaRef, UInt64Type};
use futures::StreamExt;

use super::reorder::{restored, restored_whole};
use super::spool::spooled;
use crate::store::{FeatureRows, ROW_NUMBER};
use crate::{BatchStream, Error, ErrorKind, Result};

/// The features of `answer` without row numbers, in the frame's order, for exactly `rows` rows;
/// `features` is the schema asked for. To put them in order, or to have them `whole` before the first is given, takes
/// `memory` bytes, and disk beyond that.
pub(super) async fn in_frame_order(
    answer: FeatureRows,
    features: SchemaRef,
    rows: u64,
    memory: usize,
    whole: bool,
) -> Result<BatchStream> {
    check_schema(answer.rows.schema(), &features)?;
    match (answer.in_order, whole) {
        (true, false) => Ok(checked(answer.rows, features, rows)),
        (true, true) => spooled(checked(answer.rows, features, rows), memory).await,
        (false, false) => restored(answer.rows, features, rows, memory),
        (false, true) => restored_whole(answer.rows, features, rows, memory).await,
    }
}

pub(super) fn broken(what: impl Into<String>) -> Error {
    Error::new(
        ErrorKind::Unexpected,
        format!("the store broke the row contract: {}", what.into()),
    )
    .with_help("this is a bug of the store, not of your data")
}

fn check_schema(answer: &Schema, features: &Schema) -> Result<()> {
    let number = answer.fields().first().filter(|field| field.name() == ROW_NUMBER);
    let found = answer
        .fields()
        .iter()
        .skip(1)
        .map(|field| (field.name(), field.data_type()));
    let wanted = features.fields().iter().map(|field| (field.name(), field.data_type()));
    if number.is_some() && found.eq(wanted) {
        return Ok(());
    }
    let names = |schema: &Schema| {
        let names: Vec<String> = schema
            .fields()
            .iter()
            .map(|f| format!("{}: {}", f.name(), f.data_type()))
            .collect();
        names.join(", ")
    };
    Err(broken(format!(
        "its columns are [{}], not {ROW_NUMBER} and [{}]",
        names(answer),
        names(features)
    )))
}

pub(super) fn numbers(batch: &RecordBatch) -> Result<&UInt64Array> {
    let numbers = batch
        .column(0)
        .as_primitive_opt::<UInt64Type>()
        .filter(|numbers| numbers.null_count() == 0);
    numbers.ok_or_else(|| broken("row numbers are not UInt64, or NULL"))
}

pub(super) fn without_number(batch: &RecordBatch, features: &SchemaRef) -> Result<RecordBatch> {
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        features.clone(),
        batch.columns()[1..].to_vec(),
        &options,
    )?)
}

/// Passes an ordered stream on, and fails at the first number that is not the next one.
fn checked(answer: BatchStream, features: SchemaRef, rows: u64) -> BatchStream {
    let schema = features.clone();
    let batches = futures::stream::unfold((answer, 0_u64), move |(mut answer, mut next)| {
        let features = features.clone();
        async move {
            let checked = match answer.next().await {
                None if next == rows => return None,
                None => Err(broken(format!("it ended after {next} of {rows} rows"))),
                Some(batch) => batch.and_then(|batch| {
                    next = check_next(&batch, next, rows)?;
                    without_number(&batch, &features)
                }),
            };
            Some((checked, (answer, next)))
        }
    });
    // After an error there is nothing more to say.
    BatchStream::new(schema, fuse_on_error(batches))
}

fn check_next(batch: &RecordBatch, next: u64, rows: u64) -> Result<u64> {
    let numbers = numbers(batch)?;
    for (number, expected) in numbers.values().iter().zip(next..) {
        if *number != expected {
            return Err(broken(format!("row {expected} was due, and row {number} came")));
        }
    }
    let end = next + numbers.len() as u64;
    if end > rows {
        Err(broken(format!("it gave more than the {rows} rows asked for")))
    } else {
        Ok(end)
    }
}

/// Ends a stream after its first error, and drops what gave it.
pub(super) fn fuse_on_error(
    batches: impl futures::Stream<Item = Result<RecordBatch>> + Send + 'static,
) -> impl futures::Stream<Item = Result<RecordBatch>> + Send + 'static {
    futures::stream::unfold(Some(Box::pin(batches)), |batches| async move {
        let mut batches = batches?;
        let next = batches.next().await?;
        let rest = next.is_ok().then_some(batches);
        Some((next, rest))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};
    use arrow::datatypes::{DataType, Field};

    use super::*;

    fn answer(parts: &[&[u64]], in_order: bool) -> FeatureRows {
        let batch = |numbers: &&[u64]| {
            let values = Int64Array::from_iter_values(numbers.iter().map(|n| *n as i64 * 10));
            RecordBatch::try_from_iter([
                (ROW_NUMBER, Arc::new(UInt64Array::from(numbers.to_vec())) as ArrayRef),
                ("v", Arc::new(values) as ArrayRef),
            ])
            .unwrap()
        };
        let batches: Vec<RecordBatch> = parts.iter().map(batch).collect();
        FeatureRows {
            rows: BatchStream::from_batches(batches[0].schema(), batches),
            in_order,
        }
    }

    async fn values(answer: FeatureRows, rows: u64) -> Result<Vec<i64>> {
        let features = Arc::new(Schema::new(vec![Field::new("v", DataType::Int64, true)]));
        let ordered = in_frame_order(answer, features, rows, 1 << 20, false).await?;
        let batches = ordered.collect().await?;
        Ok(batches
            .iter()
            .flat_map(|b| {
                b.column(0)
                    .as_primitive::<arrow::datatypes::Int64Type>()
                    .values()
                    .to_vec()
            })
            .collect())
    }

    #[tokio::test]
    async fn passes_what_is_in_order_and_orders_what_is_not() {
        assert_eq!(values(answer(&[&[0, 1], &[2]], true), 3).await.unwrap(), [0, 10, 20]);
        assert_eq!(values(answer(&[&[2, 0], &[1]], false), 3).await.unwrap(), [0, 10, 20]);
    }

    #[tokio::test]
    async fn finds_what_is_lost_repeated_or_invented() {
        for (parts, in_order, rows, what) in [
            (vec![0_u64, 2], true, 3, "row 1 was due"),
            (vec![0, 1], true, 3, "ended after 2 of 3"),
            (vec![0, 1, 2], true, 2, "more than the 2 rows"),
            (vec![0, 0], false, 2, "row 0 came twice"),
            (vec![1], false, 2, "row 0 did not come"),
            (vec![7], false, 2, "row 7 of 2"),
        ] {
            let error = values(answer(&[&parts], in_order), rows).await.unwrap_err();
            assert!(error.to_string().contains(what), "{error}");
            assert_eq!(error.kind(), ErrorKind::Unexpected);
        }
    }

    #[tokio::test]
    async fn batches_without_all_columns_are_refused() {
        for in_order in [true, false] {
            let whole = answer(&[&[0]], in_order);
            let parts = whole.rows.collect().await.unwrap();
            let schema = parts[0].schema();
            for columns in [&[0_usize][..], &[]] {
                let rows = BatchStream::from_batches(schema.clone(), vec![parts[0].project(columns).unwrap()]);
                let error = values(FeatureRows { rows, in_order }, 1).await.unwrap_err();
                assert!(error.to_string().contains("a stream of 2 columns gave"), "{error}");
            }
        }
    }
}
