use std::fmt;
use std::sync::Arc;

/// Told how many rows of features were read, and how many there are where that is known.
type Callback = dyn Fn(u64, Option<u64>) + Send + Sync;

/// Where a store reports how far it is. Cheap to clone; calls may come from any thread.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<Callback>>);

impl Progress {
    /// Calls `callback` with the rows read so far and the rows there are, where that is known.
    pub fn new(callback: impl Fn(u64, Option<u64>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(callback)))
    }

    /// Reports rows read so far, of `total` where known.
    pub fn report(&self, rows: u64, total: Option<u64>) {
        if let Some(callback) = &self.0 {
            callback(rows, total);
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Progress({})", if self.0.is_some() { "reported" } else { "ignored" })
    }
}

/// What accompanies one operation. A call is cancelled by dropping its future or stream.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// Where to report how far it is.
    pub progress: Progress,
}
