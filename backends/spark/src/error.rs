use std::error::Error as _;

use hybrid_core::{Error, ErrorKind};
use prost::Message;
use tonic::{Code, Status};

use crate::protocol::{DetailsResponse, ErrorInfo, RpcStatus, ServerError};

/// What is known of a failure: from the status alone, completed by the server's details where it has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The error class, `TABLE_OR_VIEW_NOT_FOUND` and the like.
    pub(crate) class: String,
    pub(crate) sql_state: String,
    /// Under which the server tells more.
    pub(crate) id: Option<String>,
    pub(crate) message: String,
    /// Class names of the JVM, of the error and its causes.
    hierarchy: Vec<String>,
    /// What the causes say.
    causes: Vec<String>,
}

impl Failure {
    pub(crate) fn of(status: &Status) -> Self {
        let mut failure = Self {
            message: seen(status),
            ..Self::default()
        };
        let details = RpcStatus::decode(status.details()).unwrap_or_default().details;
        let info = details
            .iter()
            .find(|any| any.type_url.ends_with("google.rpc.ErrorInfo"));
        if let Some(info) = info.and_then(|any| ErrorInfo::decode(any.value.clone()).ok()) {
            let get = |key: &str| info.metadata.get(key).cloned();
            failure.class = get("errorClass").unwrap_or_default();
            failure.sql_state = get("sqlState").unwrap_or_default();
            failure.id = get("errorId");
            failure.hierarchy = vec![info.reason, get("classes").unwrap_or_default()];
        }
        if failure.class.is_empty() {
            failure.class = class_in(&failure.message).to_owned();
        }
        failure
    }

    /// Adds what the server tells: the whole message, and what the causes are.
    pub(crate) fn complete(&mut self, details: &DetailsResponse) {
        let mut next = details.root;
        let mut first = true;
        // As many steps as there are errors, so that a circle of causes ends.
        for _ in 0..details.errors.len() {
            let index = next.and_then(|index| usize::try_from(index).ok());
            let Some(error) = index.and_then(|index| details.errors.get(index)) else {
                return;
            };
            self.add(error, first);
            first = false;
            next = error.cause;
        }
    }

    fn add(&mut self, error: &ServerError, first: bool) {
        if first && !error.message.is_empty() {
            self.message.clone_from(&error.message);
        }
        self.hierarchy.extend(error.hierarchy.iter().cloned());
        if !first {
            self.causes.push(shortened(&error.message).to_owned());
        }
        let Some(spark) = &error.spark else { return };
        let class = spark.error_class.clone().unwrap_or_default();
        // A failed job is told by what failed in it.
        if self.is_vague() && !class.is_empty() && !VAGUE.contains(&class.as_str()) {
            self.class = class;
            self.sql_state = spark.sql_state.clone().unwrap_or_default();
            self.message.clone_from(&error.message);
        }
    }

    /// The error of this failure, of the server at `place`.
    pub(crate) fn into_error(self, code: Code, cut: bool, place: &str) -> Error {
        let (kind, retryable) = match cut {
            true => (ErrorKind::Unavailable, true),
            false => self.kind(code),
        };
        let message = match cut {
            true => format!(
                "the Spark Connect server at {place} cannot be reached: {}",
                self.message
            ),
            false => format!("Spark: {}", self.told()),
        };
        let help = help(kind, &self, cut, retryable);
        let error = Error::new(kind, message);
        let error = if retryable { error.retryable() } else { error };
        match help {
            Some(line) => error.with_help(line),
            None => error,
        }
    }

    fn is_vague(&self) -> bool {
        self.class.is_empty() || VAGUE.contains(&self.class.as_str())
    }

    /// What failed, with its last cause where it says only that something did.
    fn told(&self) -> String {
        let message = shortened(&self.message);
        match self.causes.last() {
            Some(cause) if self.is_vague() && !message.contains(cause.as_str()) => format!("{message}: {cause}"),
            _ => message.to_owned(),
        }
    }

    /// Whether the error or a cause of it says one of these.
    fn says(&self, any: &[&str]) -> bool {
        let mut texts = self.causes.iter().chain([&self.message]);
        texts.any(|text| any.iter().any(|said| text.contains(said)))
    }

    /// What a caller can do, and whether trying again can help.
    fn kind(&self, code: Code) -> (ErrorKind, bool) {
        const EXHAUSTED: (ErrorKind, bool) = (ErrorKind::ResourceExhausted, false);
        if self.hierarchy.iter().any(|class| class.contains("OutOfMemoryError")) {
            return EXHAUSTED;
        }
        let named = by_class(&self.class).or_else(|| by_sql_state(&self.sql_state));
        // What is wrong with a value quotes it: those words are not the server's.
        if let Some(found @ (ErrorKind::InvalidInput, _)) = named {
            return found;
        }
        if self.says(&MEMORY) || self.says(&DISK) {
            return EXHAUSTED;
        }
        if self.says(&STOPPED) {
            return (ErrorKind::Unavailable, true);
        }
        named.unwrap_or_else(|| (by_code(code), code == Code::Unavailable))
    }
}

/// What is said of memory that is used up, without a class of its own.
const MEMORY: [&str; 4] = [
    "java.lang.OutOfMemoryError",
    "Java heap space",
    "GC overhead limit exceeded",
    "spark.driver.maxResultSize",
];

/// What a server says whose Spark application has ended, as it does when a task takes all of its memory.
const STOPPED: [&str; 1] = ["Cannot call methods on a stopped SparkContext"];

/// What the server's system says of a disk that is full, or of a limit of its own.
const DISK: [&str; 3] = ["No space left on device", "Disk quota exceeded", "File too large"];

/// Classes that say only that something failed.
const VAGUE: [&str; 5] = [
    "FAILED_EXECUTE_UDF",
    "TASK_WRITE_FAILED",
    "JOB_ABORTED",
    "_LEGACY_ERROR_TEMP_2271",
    "FAILED_READ_FILE",
];

/// An error class, or the part before its dot, to what it means.
fn by_class(class: &str) -> Option<(ErrorKind, bool)> {
    use ErrorKind as K;
    let main = class.split('.').next().unwrap_or(class);
    Some(match (main, class) {
        ("", _) => return None,
        (
            "TABLE_OR_VIEW_NOT_FOUND" | "TABLE_NOT_FOUND" | "VIEW_NOT_FOUND" | "SCHEMA_NOT_FOUND" | "CATALOG_NOT_FOUND",
            _,
        ) => (K::NotFound, false),
        ("UNRESOLVED_COLUMN" | "COLUMN_NOT_FOUND" | "FIELD_NOT_FOUND" | "UNRESOLVED_FIELD" | "PATH_NOT_FOUND", _) => {
            (K::NotFound, false)
        }
        (_, "FAILED_READ_FILE.FILE_NOT_EXIST") => (K::NotFound, true),
        ("FAILED_READ_FILE" | "CANNOT_READ_FILE_FOOTER", _) => (K::Corrupt, false),
        ("CANNOT_MODIFY_CONFIG" | "CANNOT_MODIFY_STATIC_CONFIG" | "INVALID_CONF_VALUE", _) => (K::Config, false),
        ("OPERATION_CANCELED" | "SPARK_JOB_CANCELLED", _) => (K::Cancelled, false),
        ("UNABLE_TO_ACQUIRE_MEMORY" | "LOCAL_RELATION_SIZE_LIMIT_EXCEEDED", _) => (K::ResourceExhausted, false),
        // A text that is longer than its column, whatever its SQLSTATE says of limits.
        ("EXCEED_LIMIT_LENGTH", _) => (K::InvalidInput, false),
        // The server was restarted, or gave the session up.
        ("INVALID_HANDLE" | "SESSION_CHANGED" | "SESSION_NOT_FOUND", _) => (K::Unavailable, true),
        ("FEATURE_NOT_ENABLED", _) => (K::Unsupported, false),
        (_, _) if main.starts_with("UNSUPPORTED") => (K::Unsupported, false),
        ("INSUFFICIENT_PERMISSIONS" | "PERMISSION_DENIED", _) => (K::PermissionDenied, false),
        _ => return None,
    })
}

/// The class or the whole of an SQLSTATE.
fn by_sql_state(state: &str) -> Option<(ErrorKind, bool)> {
    use ErrorKind as K;
    Some(match (state, state.get(..2).unwrap_or("")) {
        ("42P01" | "42703" | "42704" | "42K03", _) => (K::NotFound, false),
        ("42501", _) => (K::PermissionDenied, false),
        ("HY008", _) => (K::Cancelled, false),
        (_, "28") => (K::Unauthenticated, false),
        (_, "08") => (K::Unavailable, true),
        (_, "0A") => (K::Unsupported, false),
        (_, "53" | "54" | "82") => (K::ResourceExhausted, false),
        // What the server reads from or writes to fails.
        (_, "58") => (K::Unavailable, false),
        // Data that does not fit, and statements that do not hold together.
        (_, "21" | "22" | "23" | "42" | "07" | "2B" | "40") => (K::InvalidInput, false),
        (_, "KD") => (K::Corrupt, false),
        _ => return None,
    })
}

fn by_code(code: Code) -> ErrorKind {
    match code {
        Code::Unauthenticated => ErrorKind::Unauthenticated,
        Code::PermissionDenied => ErrorKind::PermissionDenied,
        Code::Unavailable => ErrorKind::Unavailable,
        Code::ResourceExhausted => ErrorKind::ResourceExhausted,
        Code::DeadlineExceeded => ErrorKind::Timeout,
        Code::Cancelled => ErrorKind::Cancelled,
        Code::Unimplemented => ErrorKind::Unsupported,
        Code::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::Unexpected,
    }
}

fn help(kind: ErrorKind, failure: &Failure, cut: bool, retryable: bool) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::Unavailable if cut => {
            "check `connect_url` (and its `use_ssl`), and that the server runs (start-connect-server.sh)"
        }
        ErrorKind::Unavailable if retryable => "the server was restarted or has ended the session: try again",
        ErrorKind::Unauthenticated => "check the token in `connect_url`: `sc://host:port/;token=…`",
        ErrorKind::Cancelled => "an administrator, or somebody in the same session, ended it on the server",
        ErrorKind::ResourceExhausted if failure.says(&DISK) => "make room where the Spark server writes",
        ErrorKind::ResourceExhausted => "give the Spark server more memory, or ask for less at once",
        ErrorKind::Config if failure.class.starts_with("CANNOT_MODIFY") => {
            "such a setting belongs to the start of the server: leave it out of spark_conf"
        }
        _ => return None,
    })
}

/// The class in brackets that Spark's messages begin with.
fn class_in(message: &str) -> &str {
    let inside = message
        .find('[')
        .and_then(|start| message[start + 1..].split(']').next());
    let plain = |class: &&str| {
        !class.is_empty()
            && class
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"._".contains(&b))
    };
    inside.filter(plain).unwrap_or("")
}

/// Without the plan, the hint of a Java stack, and what else follows the message proper.
fn shortened(message: &str) -> &str {
    let ends = [
        ";\n'",
        ";\n+-",
        "\n\nJVM stacktrace",
        "\n\nDriver stacktrace",
        "\n\tat ",
        "\nThis stopped SparkContext",
    ];
    let end = ends
        .iter()
        .filter_map(|end| message.find(end))
        .min()
        .unwrap_or(message.len());
    message[..end].trim_end()
}

/// What the server says, or what was seen of a connection on this side.
fn seen(status: &Status) -> String {
    let mut seen = vec![status.message().to_owned()];
    let mut cause = status.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // The layers of a connection repeat each other, or say only which one they are.
        if text != "transport error" && !seen.contains(&text) {
            seen.push(text);
        }
        cause = error.source();
    }
    seen.join(": ")
}

/// Whose certificates are trusted.
pub(crate) const AUTHORITIES: &str = "the system's certificate authorities are trusted, or those of the PEM file that the variable SSL_CERT_FILE \
                                      names in their place";

/// This side and the server do not agree on TLS.
pub(crate) fn untrusted(status: &Status, place: &str) -> Error {
    let message = format!("no TLS with the Spark Connect server at {place}: {}", seen(status));
    Error::new(ErrorKind::Config, message)
        .with_help(AUTHORITIES)
        .with_help("a server without TLS is asked with `use_ssl=false` in `connect_url`")
}

/// A caller's mistake.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

/// What this store, or Spark, does not do.
pub(crate) fn unsupported(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unsupported, message)
}

/// An answer that the protocol does not allow.
pub(crate) fn unexpected(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unexpected, message)
}

#[cfg(test)]
mod tests;
