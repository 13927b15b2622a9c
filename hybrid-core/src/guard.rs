use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Error, ErrorKind, Result};

/// Runs `read`, in which a library decodes bytes of `name`: where it panics on broken ones, that
/// becomes an error of kind Corrupt that names them.
///
/// # Errors
/// What `read` gives; Corrupt for a panic.
pub fn guarded<T>(name: &str, read: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
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
        assert_eq!(guarded("a.parquet", || Ok(1)).ok(), Some(1));
    }
}
