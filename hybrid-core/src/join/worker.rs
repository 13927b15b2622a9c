//! One thread's part of the join.

use std::sync::Arc;

use arrow::array::Array;
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;

use super::batch::FeatureBatch;
use super::index::EntityIndex;
use super::joined::JoinedFeatures;
use super::probe::{BLOCK, Probe, View};
use super::winners::{Rank, Winners};
use crate::{Error, ErrorKind, Result};

/// What a view asks of its join.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JoinOptions {
    /// How old a value may be, in microseconds, inclusive; `None` or 0: any age.
    pub ttl: Option<i64>,
    /// A feature row also needs `created <= E`; a NULL created is out then. Without effect on
    /// batches that have no created column.
    pub filter_by_created: bool,
}

/// One thread's part of the join: takes feature batches, keeps the best candidate per slot.
///
/// After an error the worker is of no use: every later call fails too.
pub struct JoinWorker {
    index: Arc<EntityIndex>,
    options: JoinOptions,
    winners: Winners,
    probe: Probe,
}

impl JoinWorker {
    /// A worker that joins features of these types on `index`. Takes 32 bytes per slot from the start.
    pub fn new(index: Arc<EntityIndex>, features: &[DataType], options: JoinOptions) -> Self {
        let ttl = options.ttl.filter(|ttl| *ttl > 0);
        Self {
            winners: Winners::new(features.to_vec(), index.slots()),
            options: JoinOptions { ttl, ..options },
            probe: Probe::default(),
            index,
        }
    }

    /// Takes a batch.
    ///
    /// # Errors
    /// `InvalidInput` when number, types or lengths of the columns do not fit.
    pub fn push(&mut self, batch: &FeatureBatch) -> Result<()> {
        batch.check(&self.winners.types)?;
        let keys = self.index.encoder.encode(&batch.keys)?;
        let filtered = batch.created.as_ref().filter(|_| self.options.filter_by_created);
        let valid = NullBuffer::union(keys.nulls.as_ref(), batch.times.nulls());
        let view = View {
            keys: &keys,
            times: batch.times.values(),
            valid: NullBuffer::union(valid.as_ref(), filtered.and_then(|created| created.nulls())),
            created: batch.created(),
            filter_by_created: filtered.is_some(),
            ttl: self.options.ttl,
        };
        for start in (0..batch.rows()).step_by(BLOCK) {
            let end = batch.rows().min(start + BLOCK);
            self.probe.run(&self.index, &view, start..end);
            self.offer(&view, batch.sequence);
        }
        self.winners.commit(&batch.features)
    }

    fn offer(&mut self, view: &View<'_>, sequence: u64) {
        for (row, slot) in &self.probe.hits {
            let rank = Rank {
                time: view.times[*row as usize],
                created: view.created.at(*row as usize),
                sequence: sequence + u64::from(*row),
            };
            self.winners.offer(*slot, *row, rank);
        }
    }

    /// Takes over what another worker of the same join found.
    ///
    /// # Errors
    /// `InvalidInput` when the other worker has another index, other features or options.
    pub fn merge(&mut self, other: JoinWorker) -> Result<()> {
        let same = Arc::ptr_eq(&self.index, &other.index)
            && self.options == other.options
            && self.winners.types == other.winners.types;
        if !same {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "two workers of different joins cannot be merged",
            )
            .with_help("give both the same index, features and options"));
        }
        self.winners.absorb(other.winners, |slot| slot)
    }

    /// Decides the winner of each entity row.
    ///
    /// # Errors
    /// `Unexpected` when a push or merge has failed before.
    pub fn finish(self) -> Result<JoinedFeatures> {
        self.winners.check()?;
        Ok(JoinedFeatures::new(self.index, self.winners, self.options.ttl))
    }
}
