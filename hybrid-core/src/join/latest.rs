//! The latest row of each key.

use arrow::array::{Array, RecordBatch, RecordBatchOptions};
use arrow::buffer::NullBuffer;
use arrow::compute::interleave;
use arrow::datatypes::{DataType, SchemaRef};

use super::batch::{Created, FeatureBatch};
use super::keys::{KeyEncoder, KeyRows};
use super::store::KeyMap;
use super::winners::{Best, Rank, Winners};
use crate::{Error, ErrorKind, Result};

/// Keeps the latest row per key: largest time, then created (NULL loses), then sequence.
/// Memory grows with the distinct keys. Rows with a NULL key or a NULL time are ignored.
pub struct LatestPerKey {
    key_types: Vec<DataType>,
    encoder: KeyEncoder,
    keys: KeyMap,
    schema: SchemaRef,
    winners: Winners,
    hashes: Vec<u64>,
}

impl LatestPerKey {
    /// An operator for keys of these types (none: the single latest row); `values` is the schema of
    /// the rows that are kept.
    ///
    /// # Errors
    /// `InvalidInput` for a type that cannot be a key.
    pub fn new(keys: &[DataType], values: SchemaRef) -> Result<Self> {
        let encoder = KeyEncoder::new(keys)?;
        let types = values.fields().iter().map(|field| field.data_type().clone()).collect();
        Ok(Self {
            key_types: keys.to_vec(),
            keys: KeyMap::new(&encoder),
            winners: Winners::new(types, 0),
            schema: values,
            hashes: Vec::new(),
            encoder,
        })
    }

    /// Takes rows: `batch.features` are the columns of `values`.
    ///
    /// # Errors
    /// `InvalidInput` when number, types or lengths of the columns do not fit.
    pub fn push(&mut self, batch: &FeatureBatch) -> Result<()> {
        batch.check(&self.winners.types)?;
        let keys = self.encoder.encode(&batch.keys)?;
        let valid = NullBuffer::union(keys.nulls.as_ref(), batch.times.nulls());
        keys.hash(0..batch.rows(), &mut self.hashes);
        let created = batch.created();
        for row in 0..batch.rows() {
            if valid.as_ref().is_none_or(|valid| valid.is_valid(row)) {
                self.offer(batch, &keys, created, row)?;
            }
        }
        self.winners.commit(&batch.features)
    }

    #[inline]
    fn offer(&mut self, batch: &FeatureBatch, keys: &KeyRows, created: Created<'_>, row: usize) -> Result<()> {
        let key = self.keys.insert(self.hashes[row], keys, row)?;
        if key as usize == self.winners.best.len() {
            self.winners.best.push(Best::NONE);
        }
        let rank = Rank {
            time: batch.times.value(row),
            created: created.at(row),
            sequence: batch.sequence + row as u64,
        };
        self.winners.offer(key, row as u32, rank);
        Ok(())
    }

    /// Takes over what another worker found.
    ///
    /// # Errors
    /// `InvalidInput` when the other has other keys or values.
    pub fn merge(&mut self, other: LatestPerKey) -> Result<()> {
        if self.key_types != other.key_types || self.schema != other.schema {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "two operators with different keys or values cannot be merged",
            ));
        }
        let numbers = self.keys.absorb(&other.keys)?;
        self.winners.best.resize(self.keys.len(), Best::NONE);
        self.winners.absorb(other.winners, |key| numbers[key] as usize)
    }

    /// The winners, in the order of their sequence, in batches of at most `batch_size` rows.
    ///
    /// # Errors
    /// `InvalidInput` for a batch size of 0 or a NULL in a column that `values` declares without.
    pub fn finish(self, batch_size: usize) -> Result<Vec<RecordBatch>> {
        self.winners.check()?;
        if batch_size == 0 {
            return Err(Error::new(ErrorKind::InvalidInput, "batches of 0 rows hold nothing"));
        }
        let mut rows = self.winners.best;
        rows.retain(|best| best.at.exists());
        rows.sort_unstable_by_key(|best| best.rank.sequence);
        let columns: Vec<Vec<&dyn Array>> = self
            .winners
            .columns
            .iter()
            .map(|chunks| chunks.iter().map(|chunk| chunk.as_ref()).collect())
            .collect();
        rows.chunks(batch_size)
            .map(|rows| gather(&self.schema, &columns, rows))
            .collect()
    }
}

fn gather(schema: &SchemaRef, columns: &[Vec<&dyn Array>], rows: &[Best]) -> Result<RecordBatch> {
    let places: Vec<(usize, usize)> = rows
        .iter()
        .map(|best| (best.at.chunk as usize, best.at.row as usize))
        .collect();
    let columns = columns
        .iter()
        .map(|chunks| interleave(chunks, &places))
        .collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
        .map_err(|error| Error::new(ErrorKind::InvalidInput, error.to_string()))
}
