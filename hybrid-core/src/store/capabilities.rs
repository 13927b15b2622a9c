/// What a store can do beyond what every store must. A store that cannot do a thing answers
/// Unsupported with the reason; the conformance suite reads these to know what to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// `offline_write_batch` is there.
    pub writes: bool,
    /// `filter_by_created_timestamp` is honoured.
    pub created_filter: bool,
    /// Of rows that `ts` and `created` do not decide, it is always the later row of the later file
    /// or batch; otherwise any one of them.
    pub stable_ties: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            writes: true,
            created_filter: true,
            stable_ties: false,
        }
    }
}

impl Capabilities {
    /// Declares whether `offline_write_batch` is there.
    #[must_use]
    pub const fn with_writes(mut self, writes: bool) -> Self {
        self.writes = writes;
        self
    }

    /// Declares whether `filter_by_created_timestamp` is honoured.
    #[must_use]
    pub const fn with_created_filter(mut self, created_filter: bool) -> Self {
        self.created_filter = created_filter;
        self
    }

    /// Declares whether exact ties always go to the later row of the later file or batch.
    #[must_use]
    pub const fn with_stable_ties(mut self, stable_ties: bool) -> Self {
        self.stable_ties = stable_ties;
        self
    }
}
