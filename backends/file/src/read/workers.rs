use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use hybrid_core::{Error, ErrorKind, Result};
use tokio::sync::oneshot;

/// More threads than this gain nothing: the disk or the memory bus is busy.
const MAX_THREADS: usize = 8;

/// Whether the caller of an operation has gone away.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Tells all who work on the operation to stop.
    pub(crate) fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// An error when the caller has gone away.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "the call was cancelled"));
        }
        Ok(())
    }

    /// Cancels when the returned value is dropped.
    pub(crate) fn on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(self.clone())
    }
}

/// Cancels what it was made from when it is dropped.
#[derive(Debug)]
pub(crate) struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// How many threads work on `units` pieces of work.
pub(crate) fn thread_count(units: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    cores.min(MAX_THREADS).min(units).max(1)
}

/// Lets `threads` workers take units from a queue; each has a state of its own, returned in the end.
///
/// # Errors
/// The first error of `work`, which stops the others; Corrupt when it panicked.
pub(crate) fn each_unit<U: Sync, W: Send>(
    units: &[U],
    threads: usize,
    cancel: &Cancel,
    make: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, usize, &U) -> Result<()> + Sync,
) -> Result<Vec<W>> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let failure = Mutex::new(None);
    let run = || {
        let mut state = make();
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(unit) = units.get(index) else { break };
            let done = cancel.check().and_then(|()| work(&mut state, index, unit));
            if let Err(error) = done {
                failed.store(true, Ordering::Relaxed);
                let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert(error);
            }
        }
        state
    };
    let states = on_threads(threads, run)?;
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(states),
    }
}

fn on_threads<W: Send>(threads: usize, run: impl Fn() -> W + Sync) -> Result<Vec<W>> {
    if threads <= 1 {
        return Ok(vec![run()]);
    }
    let joined: Vec<thread::Result<W>> = thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(&run)).collect();
        handles.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    joined
        .into_iter()
        .map(|state| state.map_err(|panic| unexpected(&*panic)))
        .collect()
}

/// Runs `read`; a panic of the reader on broken bytes becomes an error that names the file.
pub(crate) fn guarded<T>(file: &str, read: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        let message = format!("`{file}` cannot be read: {}", text_of(&*panic));
        Err(Error::new(ErrorKind::Corrupt, message))
    })
}

/// Runs `work` on a thread of its own, so that the caller's threads stay free. Dropping the
/// future sets the [`Cancel`] that `work` is given.
pub(crate) async fn in_background<T: Send + 'static>(
    work: impl FnOnce(&Cancel) -> Result<T> + Send + 'static,
) -> Result<T> {
    let cancel = Cancel::default();
    let guard = cancel.on_drop();
    let (sender, receiver) = oneshot::channel();
    let run = move || {
        let done = catch_unwind(AssertUnwindSafe(|| work(&cancel)));
        let _ = sender.send(done.unwrap_or_else(|panic| Err(unexpected(&*panic))));
    };
    spawn("hybrid-file", run)?;
    let done = receiver.await;
    drop(guard);
    done.unwrap_or_else(|_| {
        Err(Error::new(
            ErrorKind::Unexpected,
            "a reading thread ended without a result",
        ))
    })
}

/// Starts a thread.
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map(drop)
        .map_err(|error| Error::new(ErrorKind::ResourceExhausted, "no thread can be started").with_cause(error))
}

fn unexpected(panic: &(dyn Any + Send)) -> Error {
    Error::new(
        ErrorKind::Unexpected,
        format!("the file store failed: {}", text_of(panic)),
    )
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no reason given")
}
