//! The entity rows, sorted by key and time.

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::DataType;

use super::batch::{check_length, check_types};
use super::bounds::bounds;
use super::keys::{KeyEncoder, KeyRows};
use super::store::{KeyMap, KeyStore, too_many};
use super::table::{Filter, Table};
use crate::Result;

/// No slot, no key: the row has a NULL.
const NONE: u32 = u32::MAX;
/// Rows that are encoded at a time while indexing: bounds the memory for encoded keys.
const PIECE: usize = if cfg!(test) { 7 } else { 1 << 16 };

/// The entity rows of one retrieval, sorted by key and time: what feature rows are looked up in.
/// Shared by all workers of one view.
///
/// Entity rows with equal key and time share a slot. Takes 20 to 40 bytes per entity row, and the
/// distinct keys once more where they are not a single number.
pub struct EntityIndex {
    pub(super) encoder: KeyEncoder,
    key_types: Vec<DataType>,
    key_bounds: Vec<Option<ArrayRef>>,
    /// From key hash to first slot and number of slots.
    pub(super) table: Table,
    pub(super) filter: Filter,
    pub(super) store: KeyStore,
    /// The key of each slot, where a hash alone does not tell keys apart.
    key_of_slot: Vec<u32>,
    /// Ascending within a key.
    pub(super) slot_times: Vec<i64>,
    slot_of_row: Vec<u32>,
    time_range: Option<(i64, i64)>,
}

impl EntityIndex {
    /// Indexes entity rows. `times` (microseconds) and `keys` have one element per entity row, in
    /// the frame's order; a row with a NULL key or a NULL time matches nothing. No keys: all rows
    /// belong together, and the join is on time alone.
    ///
    /// # Errors
    /// `InvalidInput` for columns of different lengths or a key type that cannot be joined on,
    /// `ResourceExhausted` for more than 4 billion rows.
    pub fn new(keys: &[ArrayRef], times: &Int64Array) -> Result<Self> {
        for key in keys {
            check_length("key", key.len(), times.len())?;
        }
        if times.len() >= NONE as usize {
            return Err(too_many("entity rows"));
        }
        let key_types: Vec<DataType> = keys.iter().map(|key| key.data_type().clone()).collect();
        let encoder = KeyEncoder::new(&key_types)?;
        let (map, key_of_row) = number_keys(&encoder, keys, times)?;
        let sorted = Sorted::new(&key_of_row, times, map.len());
        let (mut table, store) = (map.table, map.store);
        let key_of_slot = if store.is_exact() {
            Vec::new()
        } else {
            sorted.key_of_slot()
        };
        for entry in table.iter_mut() {
            let key = entry.first as usize;
            entry.first = sorted.first_slot[key];
            entry.second = sorted.first_slot[key + 1] - entry.first;
        }
        Ok(Self {
            filter: Filter::new(&table),
            key_bounds: keys.iter().map(bounds).collect(),
            time_range: range_of(&sorted.slot_times),
            slot_times: sorted.slot_times,
            slot_of_row: sorted.slot_of_row,
            encoder,
            key_types,
            table,
            store,
            key_of_slot,
        })
    }

    /// How many entity rows there are.
    pub fn rows(&self) -> usize {
        self.slot_of_row.len()
    }

    /// How many different keys the entity rows have, those with a NULL not counted.
    pub fn distinct_keys(&self) -> usize {
        self.table.len()
    }

    /// How many different pairs of key and time the entity rows have.
    pub fn slots(&self) -> usize {
        self.slot_times.len()
    }

    /// The earliest and the latest time of the entity rows that can match, microseconds; `None`
    /// when none can.
    pub fn time_range(&self) -> Option<(i64, i64)> {
        self.time_range
    }

    /// The types of the key columns.
    pub fn key_types(&self) -> &[DataType] {
        &self.key_types
    }

    /// The smallest and the largest value of a key column, as an array of these two; `None` when
    /// the column has no value or does not exist.
    pub fn key_bounds(&self, column: usize) -> Option<&ArrayRef> {
        self.key_bounds.get(column)?.as_ref()
    }

    /// Which of these rows may have a key of the entity rows: true for every one that has, and for
    /// about one in 16 of the others. NULL keys are false.
    ///
    /// # Errors
    /// `InvalidInput` when number, types or lengths of the columns do not fit.
    pub fn may_contain(&self, keys: &[ArrayRef]) -> Result<BooleanArray> {
        check_types("key", keys, &self.key_types)?;
        let Some(rows) = keys.first().map(|key| key.len()) else {
            return Ok(BooleanArray::from(Vec::<bool>::new()));
        };
        for key in keys {
            check_length("key", key.len(), rows)?;
        }
        let encoded = self.encoder.encode(keys)?;
        let mut hashes = Vec::new();
        encoded.hash(0..rows, &mut hashes);
        let passed = BooleanBuffer::collect_bool(rows, |row| self.filter.contains(hashes[row]));
        let valid = encoded.nulls.as_ref().map(NullBuffer::inner);
        Ok(BooleanArray::new(valid.map_or(passed.clone(), |v| &passed & v), None))
    }

    /// First slot and number of slots of a row's key.
    #[inline]
    pub(super) fn find(&self, hash: u64, keys: &KeyRows, row: usize) -> Option<(u32, u32)> {
        let found = match &self.store {
            KeyStore::Exact => self.table.find(hash, |_| true),
            store => self.table.find(hash, |entry| {
                store.equals(self.key_of_slot[entry.first as usize], keys, row)
            }),
        };
        found.map(|entry| (entry.first, entry.second))
    }

    /// The slot of an entity row.
    #[inline]
    pub(super) fn slot_of(&self, row: usize) -> Option<usize> {
        let slot = self.slot_of_row[row];
        (slot != NONE).then_some(slot as usize)
    }
}

/// Numbers the distinct keys; gives the number of each row's key.
fn number_keys(encoder: &KeyEncoder, keys: &[ArrayRef], times: &Int64Array) -> Result<(KeyMap, Vec<u32>)> {
    let mut map = KeyMap::new(encoder);
    let mut key_of_row = Vec::with_capacity(times.len());
    let mut hashes = Vec::new();
    for start in (0..times.len()).step_by(PIECE) {
        let length = PIECE.min(times.len() - start);
        let piece: Vec<ArrayRef> = keys.iter().map(|key| key.slice(start, length)).collect();
        let rows = encoder.encode(&piece)?;
        let valid = NullBuffer::union(rows.nulls.as_ref(), times.slice(start, length).nulls());
        rows.hash(0..length, &mut hashes);
        for (row, hash) in hashes.iter().enumerate() {
            let usable = valid.as_ref().is_none_or(|valid| valid.is_valid(row));
            key_of_row.push(if usable { map.insert(*hash, &rows, row)? } else { NONE });
        }
    }
    Ok((map, key_of_row))
}

fn range_of(times: &[i64]) -> Option<(i64, i64)> {
    Some((*times.iter().min()?, *times.iter().max()?))
}

/// The slots, key by key.
struct Sorted {
    /// By key, and one more: the number of slots.
    first_slot: Vec<u32>,
    slot_times: Vec<i64>,
    slot_of_row: Vec<u32>,
}

impl Sorted {
    fn new(key_of_row: &[u32], times: &Int64Array, keys: usize) -> Self {
        let (ends, mut rows) = group(key_of_row, times, keys);
        let mut sorted = Self {
            first_slot: Vec::with_capacity(keys + 1),
            slot_times: Vec::with_capacity(rows.len()),
            slot_of_row: vec![NONE; key_of_row.len()],
        };
        let mut start = 0;
        for end in ends {
            rows[start..end].sort_unstable();
            sorted.add_key(&rows[start..end]);
            start = end;
        }
        sorted.first_slot.push(sorted.slot_times.len() as u32);
        sorted.slot_times.shrink_to_fit();
        sorted
    }

    fn add_key(&mut self, rows: &[(i64, u32)]) {
        self.first_slot.push(self.slot_times.len() as u32);
        let mut last = None;
        for (time, row) in rows {
            if last != Some(*time) {
                self.slot_times.push(*time);
                last = Some(*time);
            }
            self.slot_of_row[*row as usize] = (self.slot_times.len() - 1) as u32;
        }
    }

    fn key_of_slot(&self) -> Vec<u32> {
        let mut keys = Vec::with_capacity(self.slot_times.len());
        for (key, next) in self.first_slot.iter().skip(1).enumerate() {
            keys.resize(*next as usize, key as u32);
        }
        keys
    }
}

/// Times and row numbers, those of one key together, and where each key's end.
fn group(key_of_row: &[u32], times: &Int64Array, keys: usize) -> (Vec<usize>, Vec<(i64, u32)>) {
    let mut ends = vec![0; keys];
    for key in key_of_row.iter().filter(|key| **key != NONE) {
        ends[*key as usize] += 1;
    }
    let mut total = 0;
    for end in &mut ends {
        let count = *end;
        *end = total;
        total += count;
    }
    // From here on `ends` holds where the next row of each key goes.
    let mut rows = vec![(0, 0); total];
    for (row, key) in key_of_row.iter().enumerate().filter(|(_, key)| **key != NONE) {
        let place = &mut ends[*key as usize];
        rows[*place] = (times.value(row), row as u32);
        *place += 1;
    }
    (ends, rows)
}
