//! The one error type: what a caller can act on, where it happened, and what would be right.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;

/// The result of everything in this workspace that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// feature_store.yaml is wrong, or names a store that is not compiled in.
    Config,
    /// An entity, view, source or service is defined wrongly.
    Definition,
    /// A view, feature, table, file or column does not exist.
    NotFound,
    /// The caller's frame, reference or batch does not fit.
    InvalidInput,
    /// The store, engine or layout cannot do this.
    Unsupported,
    /// The store does not know who asks.
    Unauthenticated,
    /// The store knows who asks and refuses.
    PermissionDenied,
    /// The store cannot be reached, or went away.
    Unavailable,
    /// The time allowed is over.
    Timeout,
    /// The caller gave up.
    Cancelled,
    /// Memory, disk, or a configured limit is used up.
    ResourceExhausted,
    /// Stored data cannot be read as what it claims to be.
    Corrupt,
    /// Something that should not happen: a bug here or in a store.
    Unexpected,
}

/// A place in a text file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    /// The file, as the user named it.
    pub file: PathBuf,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// What went wrong, of which [kind](ErrorKind), in which operation, store and source, and why.
///
/// `Display` gives the position, the message, the context and the help, one to a line where there
/// are several; it never contains a secret.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    retryable: bool,
    position: Option<Position>,
    operation: Option<&'static str>,
    store: Option<String>,
    source: Option<String>,
    help: Vec<String>,
    problems: Vec<Error>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` that says `message`: what is wrong, where, and what would be right.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            retryable: false,
            position: None,
            operation: None,
            store: None,
            source: None,
            help: Vec::new(),
            problems: Vec::new(),
            cause: None,
        }))
    }

    /// One error for several problems found at once; `None` when there are none, the problem
    /// itself when there is one. The kind is that of the first.
    pub fn from_problems(mut problems: Vec<Error>) -> Option<Self> {
        if problems.len() < 2 {
            return problems.pop();
        }
        let mut all = Self::new(problems[0].kind(), format!("{} problems", problems.len()));
        all.0.problems = problems;
        Some(all)
    }

    /// The single problems of an error that holds several, else the error itself.
    pub fn into_problems(mut self) -> Vec<Error> {
        match self.0.problems.is_empty() {
            true => vec![self],
            false => std::mem::take(&mut self.0.problems),
        }
    }

    /// Says whose problem it is: `what` and a colon come before the message, the rest stays.
    #[must_use]
    pub fn within(mut self, what: &str) -> Self {
        self.0.message = format!("{what}: {}", self.0.message);
        self
    }

    /// Adds a line that says what would be right.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help.push(help.into());
        self
    }

    /// Adds the underlying error.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Says where in a text file; a position already there stays.
    #[must_use]
    pub fn at(mut self, position: Position) -> Self {
        self.0.position.get_or_insert(position);
        self
    }

    /// Says that trying again can help and does no harm.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.0.retryable = true;
        self
    }

    /// Says that trying again can do harm.
    #[must_use]
    pub fn not_retryable(mut self) -> Self {
        self.0.retryable = false;
        self
    }

    /// Adds operation, store and source; what is already there stays. The router calls this, once.
    #[must_use]
    pub fn in_operation(mut self, operation: &'static str, store: &str, source: &str) -> Self {
        self.0.operation.get_or_insert(operation);
        if !store.is_empty() {
            self.0.store.get_or_insert_with(|| store.to_owned());
        }
        if !source.is_empty() {
            self.0.source.get_or_insert_with(|| source.to_owned());
        }
        self
    }

    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message alone, without position, context, help and cause.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether trying again can help and does no harm.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Where in a text file, if it is in one.
    pub fn position(&self) -> Option<&Position> {
        self.0.position.as_ref()
    }

    /// The operation that failed, for example `get_historical_features`.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The key of the store that failed.
    pub fn store(&self) -> Option<&str> {
        self.0.store.as_deref()
    }

    /// The data source or view that was asked.
    pub fn data_source(&self) -> Option<&str> {
        self.0.source.as_deref()
    }

    /// The lines that say what would be right.
    pub fn help(&self) -> &[String] {
        &self.0.help
    }

    /// The single problems, when several were found at once; otherwise empty.
    pub fn problems(&self) -> &[Error] {
        &self.0.problems
    }

    fn write_context(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.0.operation.map(|o| format!("operation {o}")),
            self.0.store.as_ref().map(|s| format!("store {s}")),
            self.0.source.as_ref().map(|s| format!("source {s}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            return Ok(());
        }
        write!(f, "\n  in: {}", parts.join(", "))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = &self.0.position {
            write!(f, "{position}: ")?;
        }
        f.write_str(&self.0.message)?;
        for problem in &self.0.problems {
            write!(f, "\n{problem}")?;
        }
        self.write_context(f)?;
        let mut cause = self.0.cause.as_deref().map(|c| c as &dyn StdError);
        while let Some(error) = cause {
            write!(f, "\n  because: {error}")?;
            // Our own errors tell their causes themselves.
            cause = if error.is::<Self>() { None } else { error.source() };
        }
        for line in &self.0.help {
            write!(f, "\n  help: {line}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.as_deref().map(|c| c as &(dyn StdError + 'static))
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::NotFound => ErrorKind::NotFound,
            Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
            Io::TimedOut => ErrorKind::Timeout,
            Io::StorageFull | Io::QuotaExceeded | Io::OutOfMemory | Io::FileTooLarge => ErrorKind::ResourceExhausted,
            Io::UnexpectedEof | Io::InvalidData => ErrorKind::Corrupt,
            Io::Interrupted | Io::ConnectionReset | Io::ConnectionRefused | Io::BrokenPipe => ErrorKind::Unavailable,
            _ => ErrorKind::Unexpected,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Self {
        use arrow::error::ArrowError as A;
        let kind = match &error {
            A::IoError(_, io) => Self::from(std::io::Error::from(io.kind())).kind(),
            A::MemoryError(_) => ErrorKind::ResourceExhausted,
            A::ParseError(_) | A::CsvError(_) | A::IpcError(_) | A::ParquetError(_) => ErrorKind::Corrupt,
            A::CastError(_) | A::ArithmeticOverflow(_) | A::DivideByZero => ErrorKind::InvalidInput,
            A::NotYetImplemented(_) => ErrorKind::Unsupported,
            _ => ErrorKind::Unexpected,
        };
        Self::new(kind, error.to_string())
    }
}

/// Longer ones are no misspelt names, and comparing takes time.
const LONGEST_NAME: usize = 200;

/// An error with all that caused it, in one line.
pub fn with_causes(error: &dyn StdError) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// Whether an error is an `E`, or was caused by one.
pub fn is_caused_by<E: StdError + 'static>(error: &(dyn StdError + 'static)) -> bool {
    // An error of input and output does not give what it holds as its source.
    let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<E>() || held.is_some_and(|held| is_caused_by::<E>(held)) || error.source().is_some_and(is_caused_by::<E>)
}

/// The name of `known` that `unknown` was probably meant to be, for "did you mean" lines.
pub fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = unknown.chars().count();
    let limit = (length / 3).max(1) + 1;
    known
        .into_iter()
        .filter(|name| length <= LONGEST_NAME && name.len() <= LONGEST_NAME)
        .map(|name| (edit_distance(&unknown.to_lowercase(), &name.to_lowercase()), name))
        // Names with nothing in common are not near, however short they are.
        .filter(|(distance, name)| *distance <= limit && *distance < length.max(name.chars().count()))
        .min()
        .map(|(_, name)| name)
}

fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_the_typo_and_nothing_far() {
        let known = ["bigquery", "redshift", "file"];
        assert_eq!(nearest("bigqury", known), Some("bigquery"));
        assert_eq!(nearest("File", known), Some("file"));
        assert_eq!(nearest("clickhouse", known), None);
        assert_eq!(nearest("v", ["w", "uv"]), Some("uv"));
        assert_eq!(nearest(&"f".repeat(1 << 20), known), None);
    }

    #[test]
    fn display_shows_position_message_context_and_help() {
        let error = Error::new(ErrorKind::Config, "unknown field `pth`")
            .at(Position {
                file: "feature_store.yaml".into(),
                line: 3,
                column: 5,
            })
            .in_operation("check", "file", "drivers")
            .with_help("did you mean `path`?");
        assert_eq!(
            error.to_string(),
            "feature_store.yaml:3:5: unknown field `pth`\n  in: operation check, store file, source drivers\n  help: did you mean `path`?"
        );
    }
}
