//! From feature rows to the first slot that may see each.

use std::ops::Range;

use arrow::buffer::NullBuffer;

use super::batch::Created;
use super::index::EntityIndex;
use super::keys::KeyRows;

/// Rows that go through all steps before the next ones: what is between the steps stays in the L1 cache.
pub(super) const BLOCK: usize = if cfg!(test) { 5 } else { 2048 };

/// A batch of feature rows on its way through the steps.
pub(super) struct View<'a> {
    pub(super) keys: &'a KeyRows,
    pub(super) times: &'a [i64],
    /// Rows that have all keys, a time and, where it matters, a created time.
    pub(super) valid: Option<NullBuffer>,
    pub(super) created: Created<'a>,
    pub(super) filter_by_created: bool,
    pub(super) ttl: Option<i64>,
}

/// Working memory of one worker. Each step is a loop of its own over independent rows, so that the
/// processor overlaps their cache misses.
#[derive(Default)]
pub(super) struct Probe {
    hashes: Vec<u64>,
    rows: Vec<u32>,
    spans: Vec<(u32, u32, u32)>,
    /// Pairs of row and slot.
    pub(super) hits: Vec<(u32, u32)>,
}

impl Probe {
    /// Fills `hits` with the rows of `range` that some slot may see, in order.
    pub(super) fn run(&mut self, index: &EntityIndex, view: &View<'_>, range: Range<usize>) {
        self.hits.clear();
        let Some((earliest, latest)) = index.time_range() else {
            return;
        };
        let earliest = view.ttl.map_or(i64::MIN, |ttl| earliest.saturating_sub(ttl));
        view.keys.hash(range.clone(), &mut self.hashes);
        self.select(index, view, range.clone(), earliest, latest);
        self.look_up(index, view.keys, range.start);
        self.search(index, view);
    }

    /// Keeps the rows whose key and time do not rule them out.
    fn select(&mut self, index: &EntityIndex, view: &View<'_>, range: Range<usize>, earliest: i64, latest: i64) {
        self.rows.resize(range.len(), 0);
        let mut count = 0;
        for ((row, hash), time) in range.clone().zip(&self.hashes).zip(&view.times[range]) {
            // Without a branch: it would be mispredicted for every other row.
            self.rows[count] = row as u32;
            count += usize::from(index.filter.contains(*hash) & (*time >= earliest) & (*time <= latest));
        }
        self.rows.truncate(count);
        if let Some(valid) = &view.valid {
            self.rows.retain(|row| valid.is_valid(*row as usize));
        }
    }

    /// Finds the slots of each row's key.
    fn look_up(&mut self, index: &EntityIndex, keys: &KeyRows, start: usize) {
        self.spans.clear();
        for row in &self.rows {
            let hash = self.hashes[*row as usize - start];
            if let Some((first, count)) = index.find(hash, keys, *row as usize) {
                self.spans.push((*row, first, count));
            }
        }
    }

    /// Finds the first slot that may see each row: those after it see it too.
    fn search(&mut self, index: &EntityIndex, view: &View<'_>) {
        for (row, first, count) in &self.spans {
            let time = view.times[*row as usize];
            let visible = match view.filter_by_created {
                true => time.max(view.created.at(*row as usize)),
                false => time,
            };
            let slots = &index.slot_times[*first as usize..(*first + *count) as usize];
            let position = slots.partition_point(|slot| *slot < visible);
            let Some(slot_time) = slots.get(position) else {
                continue;
            };
            // Later slots are further away still.
            if view.ttl.is_none_or(|ttl| time >= slot_time.saturating_sub(ttl)) {
                self.hits.push((*row, *first + position as u32));
            }
        }
    }
}
