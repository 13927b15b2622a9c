//! The result of a join.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::compute::interleave;

use super::index::EntityIndex;
use super::winners::{Best, Location, Winners};
use crate::{Error, ErrorKind, Result};

/// The winners, ready to be read in the frame's order.
pub struct JoinedFeatures {
    index: Arc<EntityIndex>,
    /// By slot.
    locations: Vec<Location>,
    /// By column, then chunk; the last chunk is a single NULL.
    columns: Vec<Vec<ArrayRef>>,
}

impl JoinedFeatures {
    pub(super) fn new(index: Arc<EntityIndex>, winners: Winners, ttl: Option<i64>) -> Self {
        let locations = decide(&index, &winners.best, ttl);
        let mut columns = winners.columns;
        for (column, data_type) in columns.iter_mut().zip(&winners.types) {
            column.push(new_null_array(data_type, 1));
        }
        Self {
            index,
            locations,
            columns,
        }
    }

    /// How many entity rows there are.
    pub fn rows(&self) -> usize {
        self.index.rows()
    }

    /// How many entity rows have a feature row, be its values NULL or not.
    pub fn matched(&self) -> usize {
        (0..self.rows()).filter(|row| self.location(*row).exists()).count()
    }

    /// The features of the entity rows `start..start + length`, NULL where nothing matched.
    ///
    /// # Errors
    /// `InvalidInput` beyond the last row; whatever Arrow says when the values do not fit an array
    /// (strings of more than 2 GiB): ask for fewer rows then.
    pub fn columns(&self, start: usize, length: usize) -> Result<Vec<ArrayRef>> {
        let end = start.checked_add(length).filter(|end| *end <= self.rows());
        let end = end.ok_or_else(|| {
            let message = format!("rows {start} and {length} on of a frame of {} rows", self.rows());
            Error::new(ErrorKind::InvalidInput, message)
        })?;
        let null = self.columns.first().map_or(0, |chunks| chunks.len() - 1);
        let places: Vec<(usize, usize)> = (start..end)
            .map(|row| match self.location(row) {
                Location::NONE => (null, 0),
                Location { chunk, row } => (chunk as usize, row as usize),
            })
            .collect();
        self.columns.iter().map(|chunks| gather(chunks, &places)).collect()
    }

    #[inline]
    fn location(&self, row: usize) -> Location {
        self.index
            .slot_of(row)
            .map_or(Location::NONE, |slot| self.locations[slot])
    }
}

fn gather(chunks: &[ArrayRef], places: &[(usize, usize)]) -> Result<ArrayRef> {
    let chunks: Vec<&dyn Array> = chunks.iter().map(|chunk| chunk.as_ref()).collect();
    Ok(interleave(&chunks, places)?)
}

/// The winner of each slot: the best row of this and the slots of the same key before it. The ttl
/// is judged last, as no older row can be within it when the winner is not.
fn decide(index: &EntityIndex, best: &[Best], ttl: Option<i64>) -> Vec<Location> {
    let mut locations = vec![Location::NONE; best.len()];
    for entry in index.table.iter() {
        let (first, count) = (entry.first as usize, entry.second as usize);
        let mut winner = Best::NONE;
        for slot in first..first + count {
            if best[slot].at.exists() && best[slot].beats(&winner) {
                winner = best[slot];
            }
            let oldest = ttl.map_or(i64::MIN, |ttl| index.slot_times[slot].saturating_sub(ttl));
            if winner.rank.time >= oldest {
                locations[slot] = winner.at;
            }
        }
    }
    locations
}
