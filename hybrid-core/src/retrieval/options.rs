use std::time::Duration;

use super::spool::MEMORY;
use crate::Progress;

/// How a retrieval runs.
#[derive(Debug, Clone)]
pub struct RetrievalOptions {
    /// Name the outputs `view__feature`.
    pub full_feature_names: bool,
    /// A feature row also needs `created <= E`; without effect on a view whose source has no
    /// created column.
    pub filter_by_created_timestamp: bool,
    /// Fails with Timeout when it takes longer.
    pub timeout: Option<Duration>,
    /// Told how far it is.
    pub progress: Progress,
    /// Bytes that the frame, twice, and the stores' answers take in memory each; what is more goes into temporary files.
    /// 64 MiB by default.
    pub memory: usize,
}

impl Default for RetrievalOptions {
    fn default() -> Self {
        Self {
            full_feature_names: false,
            filter_by_created_timestamp: false,
            timeout: None,
            progress: Progress::default(),
            memory: MEMORY,
        }
    }
}

impl RetrievalOptions {
    /// Names the outputs `view__feature`.
    #[must_use]
    pub fn with_full_feature_names(mut self, full: bool) -> Self {
        self.full_feature_names = full;
        self
    }

    /// Asks for `created <= E` too.
    #[must_use]
    pub fn with_filter_by_created_timestamp(mut self, filter: bool) -> Self {
        self.filter_by_created_timestamp = filter;
        self
    }

    /// Fails with Timeout when it takes longer.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Holds at most that many bytes of the frame, and of the stores' answers, in memory.
    #[must_use]
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Tells `progress` how far it is.
    #[must_use]
    pub fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }
}
