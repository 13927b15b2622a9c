//! How a command ends.

use std::io;

use hybrid_offline_store::Error;

/// What a command gives.
pub type Outcome<T = ()> = Result<T, Stop>;

/// Why a command did not come to its end.
#[derive(Debug)]
pub enum Stop {
    /// It failed, and the error has yet to be shown.
    Failed(Error),
    /// It failed and has shown why.
    Reported,
    /// Nobody reads standard output any more, as in `hybrid … | head`.
    ReaderGone,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Stop {
    /// What a failed write to standard output means.
    pub fn from_stdout(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderGone;
        }
        let kind = Error::from(io::Error::from(error.kind())).kind();
        Self::Failed(Error::new(kind, format!("cannot write to standard output: {error}")))
    }

    /// The failure of `what` with a file or folder.
    pub fn from_io(what: impl std::fmt::Display, error: io::Error) -> Self {
        let error = Error::from(error);
        Self::Failed(Error::new(error.kind(), format!("{what}: {}", error.message())))
    }
}
