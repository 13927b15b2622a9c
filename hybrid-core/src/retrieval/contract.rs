//! The row contract, checked on what every store answers: each row number exactly once, in order.
//! Where a store's stream is not ordered, the order is restored in bounded memory.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Schema, SchemaRef, UInt64Type};
use futures::StreamExt;

use super::spool::{Spool, SpoolWriter};
use crate::store::{FeatureRows, ROW_NUMBER};
use crate::{BatchStream, Error, ErrorKind, Result};

/// Bytes that all buckets together hold in memory while they fill.
const MEMORY: usize = 64 << 20;

/// Bytes of features that are put in order at once: some copies of them are in memory meanwhile.
const BUCKET: usize = 8 << 20;

/// Buckets that have gone to disk are a file each.
const MOST_BUCKETS: u64 = 256;

/// The features of `answer` without row numbers, in the frame's order, for exactly `rows` rows;
/// `features` is the schema asked for.
pub(super) async fn in_frame_order(answer: FeatureRows, features: SchemaRef, rows: u64) -> Result<BatchStream> {
    check_schema(answer.rows.schema(), &features)?;
    if answer.in_order {
        Ok(checked(answer.rows, features, rows))
    } else {
        restored(answer.rows, features, rows).await
    }
}

fn broken(what: impl Into<String>) -> Error {
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

fn numbers(batch: &RecordBatch) -> Result<&UInt64Array> {
    let numbers = batch
        .column(0)
        .as_primitive_opt::<UInt64Type>()
        .filter(|numbers| numbers.null_count() == 0);
    numbers.ok_or_else(|| broken("row numbers are not UInt64, or NULL"))
}

fn without_number(batch: &RecordBatch, features: &SchemaRef) -> Result<RecordBatch> {
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

/// Ends a stream after its first error.
pub(super) fn fuse_on_error(
    batches: impl futures::Stream<Item = Result<RecordBatch>> + Send + 'static,
) -> impl futures::Stream<Item = Result<RecordBatch>> + Send + 'static {
    batches.scan(false, |failed, batch| {
        let ended = std::mem::replace(failed, batch.is_err());
        futures::future::ready((!ended).then_some(batch))
    })
}

/// Spools rows into buckets by number, then gives bucket after bucket, each put in order.
async fn restored(mut answer: BatchStream, features: SchemaRef, rows: u64) -> Result<BatchStream> {
    let schema = answer.schema().clone();
    let mut buckets = Buckets::default();
    while let Some(batch) = answer.next().await {
        let batch = batch?;
        if buckets.writers.is_empty() {
            buckets = Buckets::new(&batch, rows);
        }
        buckets.push(&batch, rows)?;
    }
    let size = buckets.size;
    if buckets.writers.is_empty() {
        return Err(broken(format!("it ended after 0 of {rows} rows")));
    }
    let spools = buckets
        .writers
        .into_iter()
        .map(SpoolWriter::finish)
        .collect::<Result<Vec<Spool>>>()?;
    let state = (spools.into_iter().enumerate(), schema, features.clone());
    let ordered = futures::stream::unfold(state, move |(mut spools, schema, features)| async move {
        let (bucket, spool) = spools.next()?;
        let first = bucket as u64 * size;
        let batch = ordered_bucket(&spool, &schema, &features, first..rows.min(first + size)).await;
        Some((batch, (spools, schema, features)))
    });
    Ok(BatchStream::new(features, fuse_on_error(ordered)))
}

/// Rows by their numbers' range, as many ranges as their width asks for.
#[derive(Default)]
struct Buckets {
    /// Rows of one bucket.
    size: u64,
    writers: Vec<SpoolWriter>,
}

impl Buckets {
    /// Judges the rows' width by the first batch.
    fn new(first: &RecordBatch, rows: u64) -> Self {
        let width = first.get_array_memory_size() / first.num_rows().max(1) + 1;
        let size = ((BUCKET / width) as u64)
            .clamp(1 << 10, 1 << 20)
            .max(rows.div_ceil(MOST_BUCKETS));
        let count = rows.div_ceil(size).max(1);
        let budget = MEMORY / count as usize;
        let writer = |_| SpoolWriter::new(first.schema(), budget);
        Self {
            size,
            writers: (0..count).map(writer).collect(),
        }
    }

    /// Gives each bucket its part of the batch.
    fn push(&mut self, batch: &RecordBatch, rows: u64) -> Result<()> {
        let mut parts: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for (at, number) in numbers(batch)?.values().iter().enumerate() {
            if *number >= rows {
                return Err(broken(format!("it gave row {number} of {rows}")));
            }
            parts.entry(number / self.size).or_default().push(at as u64);
        }
        for (bucket, at) in parts {
            self.writers[bucket as usize].push(take_record_batch(batch, &UInt64Array::from(at))?)?;
        }
        Ok(())
    }
}

async fn ordered_bucket(
    spool: &Spool,
    schema: &SchemaRef,
    features: &SchemaRef,
    range: std::ops::Range<u64>,
) -> Result<RecordBatch> {
    let rows = concat_batches(schema, &spool.stream()?.collect().await?)?;
    let mut places: Vec<Option<u64>> = vec![None; (range.end - range.start) as usize];
    for (at, number) in numbers(&rows)?.values().iter().enumerate() {
        if places[(number - range.start) as usize].replace(at as u64).is_some() {
            return Err(broken(format!("row {number} came twice")));
        }
    }
    if let Some(missing) = places.iter().position(Option::is_none) {
        return Err(broken(format!("row {} did not come", range.start + missing as u64)));
    }
    without_number(&take_record_batch(&rows, &UInt64Array::from(places))?, features)
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
        let batches = in_frame_order(answer, features, rows).await?.collect().await?;
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
    async fn orders_across_buckets() {
        let count = (1 << 20) * 2 + 5;
        let backwards: Vec<u64> = (0..count).rev().collect();
        let parts: Vec<&[u64]> = backwards.chunks(70_001).collect();
        let ordered = values(answer(&parts, false), count).await.unwrap();
        assert!(ordered.iter().copied().eq((0..count as i64).map(|n| n * 10)));
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
}
