use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arrow::array::{Array, RecordBatch};

/// What a retrieval tells: rows, rows with a value per feature, time per store.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Rows returned so far.
    pub rows: u64,
    /// Each feature's output name and in how many rows it has a value.
    pub values: Vec<(String, u64)>,
    /// Each store's key and how long its answer took, to its last row.
    pub stores: Vec<(String, Duration)>,
    /// From the start to the last row so far.
    pub elapsed: Duration,
}

/// A summary that grows as the rows are read; read it when the stream has ended. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SummaryHandle {
    shared: Arc<Mutex<Summary>>,
    started: Instant,
}

impl SummaryHandle {
    pub(super) fn new() -> Self {
        Self {
            shared: Arc::default(),
            started: Instant::now(),
        }
    }

    /// What is known by now.
    pub fn get(&self) -> Summary {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn update(&self, change: impl FnOnce(&mut Summary)) {
        let mut summary = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut summary);
        summary.elapsed = self.started.elapsed();
    }

    /// Counts a batch whose last columns are the features.
    pub(super) fn count(&self, batch: &RecordBatch, first_feature: usize) {
        self.update(|summary| {
            summary.rows += batch.num_rows() as u64;
            if summary.values.is_empty() {
                let fields = batch.schema_ref().fields().iter().skip(first_feature);
                summary.values = fields.map(|field| (field.name().clone(), 0)).collect();
            }
            for ((_, count), column) in summary.values.iter_mut().zip(&batch.columns()[first_feature..]) {
                *count += (column.len() - column.null_count()) as u64;
            }
        });
    }

    pub(super) fn store_ended(&self, key: &str) {
        let elapsed = self.started.elapsed();
        self.update(|summary| summary.stores.push((key.to_owned(), elapsed)));
    }
}
