//! The JSON command of a Flight descriptor: which call of Feast's protocol, with what.

use hybrid_core::chrono::{DateTime, NaiveDateTime, Utc};
use hybrid_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    /// Rows come back.
    Retrieve(Retrieval),
    /// The columns and types of a source come back.
    Columns(SourceText),
    /// The body's rows go to the source of a view.
    Write(Write),
    /// The body's rows go where a feature service logs to.
    Log(Log),
    /// Looks whether a source is there.
    Validate(SourceText),
    /// What is retrieved goes into a new table or file.
    Persist(Persist),
}

/// The three calls that give rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Retrieval {
    Historical(Historical),
    Latest(Pull),
    All(Pull),
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Historical {
    pub(crate) project: String,
    pub(crate) feature_view_names: Vec<String>,
    pub(crate) feature_refs: Vec<String>,
    #[serde(default)]
    pub(crate) full_feature_names: bool,
    /// Beside each name of a view, the alias it is used under.
    #[serde(default)]
    pub(crate) name_aliases: Vec<Option<String>>,
    #[serde(default, deserialize_with = "time")]
    pub(crate) start_date: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "time")]
    pub(crate) end_date: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(crate) entity_df_sql: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Pull {
    pub(crate) data_source_name: String,
    pub(crate) join_key_columns: Vec<String>,
    pub(crate) feature_name_columns: Vec<String>,
    pub(crate) timestamp_field: String,
    #[serde(default)]
    pub(crate) created_timestamp_column: Option<String>,
    #[serde(default, deserialize_with = "time")]
    pub(crate) start_date: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "time")]
    pub(crate) end_date: Option<DateTime<Utc>>,
}

/// A source as the JSON of Feast's message.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct SourceText {
    pub(crate) data_source_proto: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Write {
    pub(crate) feature_view_names: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Log {
    pub(crate) feature_service_name: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Persist {
    pub(crate) to: Destination,
    pub(crate) what: Retrieval,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Destination {
    pub(crate) data_source_name: String,
    #[serde(default)]
    pub(crate) allow_overwrite: bool,
    /// In seconds.
    #[serde(default)]
    pub(crate) timeout: Option<f64>,
}

const HISTORICAL: &str = "get_historical_features";
const LATEST: &str = "pull_latest_from_table_or_query";
const ALL: &str = "pull_all_from_table_or_query";
const COLUMNS: &str = "get_table_column_names_and_types_from_data_source";
const WRITE: &str = "offline_write_batch";
const LOG: &str = "write_logged_features";
const VALIDATE: &str = "validate_data_source";
const PERSIST: &str = "persist";

impl Command {
    /// Reads the bytes of a descriptor's command.
    ///
    /// # Errors
    /// InvalidInput, for what is no command of Feast's protocol; Unsupported, for a call that it does not have.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let command: Value = serde_json::from_slice(bytes)
            .map_err(|error| invalid("the descriptor's command is no JSON").with_cause(error))?;
        let api = text(&command, "api")?;
        Ok(match api {
            HISTORICAL | LATEST | ALL => Self::Retrieve(Retrieval::parse(api, &command)?),
            COLUMNS => Self::Columns(fields(api, &command)?),
            WRITE => Self::Write(fields(api, &command)?),
            LOG => Self::Log(fields(api, &command)?),
            VALIDATE => Self::Validate(fields(api, &command)?),
            PERSIST => Self::Persist(Persist {
                to: fields(api, &command)?,
                what: Retrieval::parse(text(&command, "retrieve_func")?, &command)?,
            }),
            other => {
                let known = [HISTORICAL, LATEST, ALL, COLUMNS, WRITE, LOG, VALIDATE, PERSIST];
                let error = Error::new(ErrorKind::Unsupported, format!("there is no call `{other}`"));
                return Err(error.with_help(format!("the calls are {}", known.join(", "))));
            }
        })
    }

    /// The name of the call, as the protocol has it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Retrieve(Retrieval::Historical(_)) => HISTORICAL,
            Self::Retrieve(Retrieval::Latest(_)) => LATEST,
            Self::Retrieve(Retrieval::All(_)) => ALL,
            Self::Columns(_) => COLUMNS,
            Self::Write(_) => WRITE,
            Self::Log(_) => LOG,
            Self::Validate(_) => VALIDATE,
            Self::Persist(_) => PERSIST,
        }
    }

    /// Whether rows come back, so that older clients fetch them with two more calls.
    pub(crate) fn answers(&self) -> bool {
        matches!(self, Self::Retrieve(_) | Self::Columns(_))
    }
}

impl Retrieval {
    fn parse(function: &str, command: &Value) -> Result<Self> {
        Ok(match function {
            HISTORICAL => Self::Historical(fields(function, command)?),
            LATEST => Self::Latest(fields(function, command)?),
            ALL => Self::All(fields(function, command)?),
            other => {
                let error = Error::new(
                    ErrorKind::Unsupported,
                    format!("the result of `{other}` cannot be kept"),
                );
                return Err(error.with_help(format!("{HISTORICAL}, {LATEST} and {ALL} can")));
            }
        })
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

fn text<'a>(command: &'a Value, name: &str) -> Result<&'a str> {
    command
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| invalid(format!("the descriptor's command has no text `{name}`")))
}

fn fields<T: DeserializeOwned>(api: &str, command: &Value) -> Result<T> {
    T::deserialize(command).map_err(|error| invalid(format!("the command of `{api}`: {error}")))
}

/// A time as Python's `isoformat` writes it; without a zone it is UTC.
fn time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let zoned = DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc());
    let naive = || text.parse::<NaiveDateTime>().map(|time| time.and_utc());
    let time = zoned.or_else(|_| naive());
    time.map(Some)
        .map_err(|_| serde::de::Error::custom(format!("`{text}` is no time in ISO 8601")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(command: &Value) -> Result<Command> {
        Command::parse(command.to_string().as_bytes())
    }

    #[test]
    fn times_are_what_python_writes() {
        let pull = |start: &str| {
            parse(&json!({
                "api": "pull_all_from_table_or_query", "command_id": "1", "data_source_name": "s",
                "join_key_columns": [], "feature_name_columns": [], "timestamp_field": "ts",
                "created_timestamp_column": null, "start_date": start, "end_date": null,
            }))
        };
        for (text, micros) in [
            ("2026-01-02T03:04:05", 1_767_323_045_000_000),
            ("2026-01-02T03:04:05.000006", 1_767_323_045_000_006),
            ("2026-01-02T03:04:05+00:00", 1_767_323_045_000_000),
            ("2026-01-02T05:04:05.5+02:00", 1_767_323_045_500_000),
        ] {
            let Command::Retrieve(Retrieval::All(pull)) = pull(text).unwrap() else {
                panic!("{text}")
            };
            assert_eq!(pull.start_date.unwrap().timestamp_micros(), micros, "{text}");
            assert_eq!(pull.end_date, None);
        }
        let told = pull("yesterday").unwrap_err().to_string();
        assert!(
            told.contains("`yesterday` is no time") && told.contains("pull_all"),
            "{told}"
        );
    }

    #[test]
    fn what_is_kept_is_a_retrieval() {
        let command = parse(&json!({
            "api": "persist", "data_source_name": "d.parquet", "allow_overwrite": true, "timeout": 2.5,
            "retrieve_func": "get_historical_features", "project": "p", "feature_view_names": ["a"],
            "feature_refs": ["a:x"], "full_feature_names": true, "name_aliases": [null],
        }));
        let Command::Persist(Persist {
            to,
            what: Retrieval::Historical(what),
        }) = command.unwrap()
        else {
            panic!()
        };
        assert_eq!((to.allow_overwrite, to.timeout), (true, Some(2.5)));
        assert_eq!((what.name_aliases, what.full_feature_names), (vec![None], true));
        let told = parse(&json!({"api": "persist", "data_source_name": "d", "retrieve_func": "drop"}));
        assert!(told.unwrap_err().to_string().contains("`drop` cannot be kept"));
    }

    #[test]
    fn what_is_no_command_is_an_error_that_says_so() {
        for (bytes, kind, words) in [
            (&b"\xff"[..], ErrorKind::InvalidInput, "no JSON"),
            (b"[]", ErrorKind::InvalidInput, "`api`"),
            (b"{\"api\": 1}", ErrorKind::InvalidInput, "`api`"),
            (b"{\"api\": \"drop\"}", ErrorKind::Unsupported, "no call `drop`"),
            (
                b"{\"api\": \"offline_write_batch\"}",
                ErrorKind::InvalidInput,
                "feature_view_names",
            ),
        ] {
            let error = Command::parse(bytes).unwrap_err();
            assert_eq!(error.kind(), kind);
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
