use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Error, ErrorKind, Result};

thread_local! {
    /// How many calls of [`guarded`] this thread is inside of.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Whether this thread is inside [`guarded`], where a panic is caught and becomes an error: an
/// application's panic hook need not print it.
pub fn is_guarded() -> bool {
    DEPTH.with(|depth| depth.get() > 0)
}

/// Runs `read`, in which a library decodes bytes of `name`: where it panics on broken ones, that
/// becomes an error of kind Corrupt that names them.
///
/// # Errors
/// What `read` gives; Corrupt for a panic.
pub fn guarded<T>(name: &str, read: impl FnOnce() -> Result<T>) -> Result<T> {
    DEPTH.with(|depth| depth.set(depth.get() + 1));
    let done = catch_unwind(AssertUnwindSafe(read));
    DEPTH.with(|depth| depth.set(depth.get() - 1));
    done.unwrap_or_else(|panic| {
        let message = format!("`{name}` cannot be read: {}", panic_text(&*panic));
        Err(Error::new(ErrorKind::Corrupt, message))
    })
}

/// What a caught panic says.
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("its reader failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_that_names_the_bytes() {
        let error = guarded::<()>("a.parquet", || panic!("index out of {}", "bounds")).map_err(|e| e.to_string());
        assert_eq!(error, Err("`a.parquet` cannot be read: index out of bounds".to_owned()));
        assert_eq!(guarded("a.parquet", || Ok(is_guarded())).ok(), Some(true));
        assert!(!is_guarded());
    }
}
