//! The best row of each slot, and an arena with the values of these rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::{interleave, take};
use arrow::datatypes::DataType;

use super::store::too_many;
use crate::{Error, ErrorKind, Result};

/// Rows per chunk after compaction: bounds what compaction needs beside the values.
const PIECE: usize = if cfg!(test) { 3 } else { 1 << 16 };
/// Below this many rows, or chunks, compaction is not worth it.
const FEW_ROWS: usize = if cfg!(test) { 4 } else { 1 << 16 };
const FEW_CHUNKS: usize = if cfg!(test) { 3 } else { 1 << 10 };

/// What decides between two rows of one key: the larger wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) time: i64,
    /// NULL is `i64::MIN`.
    pub(super) created: i64,
    pub(super) sequence: u64,
}

/// Where a row's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) chunk: u32,
    pub(super) row: u32,
}

impl Location {
    pub(super) const NONE: Self = Self {
        chunk: u32::MAX,
        row: u32::MAX,
    };

    #[inline]
    pub(super) fn exists(self) -> bool {
        self.chunk != u32::MAX
    }
}

/// The best row of a slot so far.
#[derive(Clone, Copy)]
pub(super) struct Best {
    pub(super) rank: Rank,
    pub(super) at: Location,
}

impl Best {
    pub(super) const NONE: Self = Self {
        rank: Rank {
            time: i64::MIN,
            created: i64::MIN,
            sequence: 0,
        },
        at: Location::NONE,
    };

    /// Whether this row wins against `other`, which may be none.
    #[inline]
    pub(super) fn beats(&self, other: &Self) -> bool {
        self.rank > other.rank || !other.at.exists()
    }
}

/// The best row of each slot. Memory grows with the slots: values of rows that were overtaken are
/// dropped as soon as they are as many as the others.
pub(super) struct Winners {
    pub(super) types: Vec<DataType>,
    pub(super) best: Vec<Best>,
    /// By column, then chunk.
    pub(super) columns: Vec<Vec<ArrayRef>>,
    chunks: u32,
    stored: usize,
    live: usize,
    /// Pairs of slot and row of the batch that is being taken.
    touched: Vec<(u32, u32)>,
    failed: bool,
}

impl Winners {
    pub(super) fn new(types: Vec<DataType>, slots: usize) -> Self {
        Self {
            columns: vec![Vec::new(); types.len()],
            best: vec![Best::NONE; slots],
            types,
            chunks: 0,
            stored: 0,
            live: 0,
            touched: Vec::new(),
            failed: false,
        }
    }

    /// Offers a row of the current batch to a slot.
    #[inline]
    pub(super) fn offer(&mut self, slot: u32, row: u32, rank: Rank) {
        let best = &mut self.best[slot as usize];
        let at = Location {
            chunk: self.chunks,
            row,
        };
        let new = Best { rank, at };
        if new.beats(best) {
            self.live += usize::from(!best.at.exists());
            *best = new;
            self.touched.push((slot, row));
        }
    }

    /// Ends the batch: copies the values of the rows that are still the best of their slot.
    pub(super) fn commit(&mut self, features: &[ArrayRef]) -> Result<()> {
        self.check()?;
        if self.touched.is_empty() {
            return Ok(());
        }
        // Until the end, locations point to a chunk that is not there yet.
        self.failed = true;
        let mut rows = Vec::new();
        for (slot, row) in self.touched.drain(..) {
            let at = &mut self.best[slot as usize].at;
            if at.chunk == self.chunks && at.row == row {
                at.row = rows.len() as u32;
                rows.push(row);
            }
        }
        self.stored += rows.len();
        let rows = UInt32Array::from(rows);
        for (column, feature) in self.columns.iter_mut().zip(features) {
            column.push(detached(take(feature, &rows, None)?));
        }
        self.chunks += 1;
        self.failed = false;
        self.compact_if_worth()
    }

    /// Takes over the rows of `other`; `slot_of` gives the slot here of a slot there.
    pub(super) fn absorb(&mut self, other: Self, slot_of: impl Fn(usize) -> usize) -> Result<()> {
        self.check()?;
        other.check()?;
        let offset = self.chunks;
        let chunks = offset.checked_add(other.chunks).filter(|chunks| *chunks < u32::MAX);
        self.chunks = chunks.ok_or_else(|| too_many("chunks"))?;
        self.stored += other.stored;
        for (column, chunks) in self.columns.iter_mut().zip(other.columns) {
            column.extend(chunks);
        }
        for (slot, mut new) in other.best.into_iter().enumerate().filter(|(_, best)| best.at.exists()) {
            new.at.chunk += offset;
            let best = &mut self.best[slot_of(slot)];
            if new.beats(best) {
                self.live += usize::from(!best.at.exists());
                *best = new;
            }
        }
        self.compact_if_worth()
    }

    /// An earlier failure has left locations without values.
    pub(super) fn check(&self) -> Result<()> {
        match self.failed {
            false => Ok(()),
            true => Err(Error::new(
                ErrorKind::Unexpected,
                "the join is used after one of its batches failed",
            )),
        }
    }

    fn compact_if_worth(&mut self) -> Result<()> {
        let rows = self.stored > 2 * self.live + FEW_ROWS;
        let chunks = self.chunks as usize > FEW_CHUNKS + self.live / 64;
        if rows || chunks { self.compact() } else { Ok(()) }
    }

    /// Copies what is still in use together, column by column, and drops the rest.
    fn compact(&mut self) -> Result<()> {
        self.failed = true;
        for column in &mut self.columns {
            let chunks: Vec<&dyn Array> = column.iter().map(|chunk| chunk.as_ref()).collect();
            let mut pieces = Vec::with_capacity(self.live / PIECE + 1);
            let mut rest = self.best.iter();
            loop {
                let rows = live(&mut rest);
                if rows.is_empty() {
                    break;
                }
                pieces.push(detached(interleave(&chunks, &rows)?));
            }
            *column = pieces;
        }
        for (place, best) in self.best.iter_mut().filter(|best| best.at.exists()).enumerate() {
            best.at.chunk = (place / PIECE) as u32;
            best.at.row = (place % PIECE) as u32;
        }
        self.chunks = self.live.div_ceil(PIECE) as u32;
        self.stored = self.live;
        self.failed = false;
        Ok(())
    }
}

/// The locations of the next rows in use, as many as make a chunk.
fn live<'a>(best: &mut impl Iterator<Item = &'a Best>) -> Vec<(usize, usize)> {
    best.filter(|best| best.at.exists())
        .take(PIECE)
        .map(|best| (best.at.chunk as usize, best.at.row as usize))
        .collect()
}

/// The array without what it shares with the batch it was taken from: views keep whole buffers alive.
fn detached(array: ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Utf8View => Arc::new(array.as_string_view().gc()),
        DataType::BinaryView => Arc::new(array.as_binary_view().gc()),
        _ => array,
    }
}
