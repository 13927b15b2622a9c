//! What the server says. What holds tokens and signed addresses has no `Debug`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::error::Failure;

/// Every answer: data, or what went wrong.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope<T> {
    pub(crate) data: Option<T>,
    #[serde(default)]
    code: Option<Value>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    success: Option<bool>,
}

impl<T> Default for Envelope<T> {
    fn default() -> Self {
        Self {
            data: None,
            code: None,
            message: None,
            success: None,
        }
    }
}

/// What an answer comes to.
pub(crate) enum Answered<T> {
    Done(Option<T>),
    Failed(Failure),
}

/// What an answer's data says about a failure.
pub(crate) trait Blame {
    fn sql_state(&self) -> Option<&str> {
        None
    }
    fn query_id(&self) -> Option<&str> {
        None
    }
}

impl Blame for Value {}

impl<T> Envelope<T> {
    /// The number of what the server says, six digits; empty where it says none.
    pub(crate) fn code(&self) -> String {
        match &self.code {
            Some(Value::String(code)) => code.clone(),
            Some(Value::Number(code)) => format!("{:0>6}", code.to_string()),
            _ => String::new(),
        }
    }
}

impl<T: Blame> Envelope<T> {
    pub(crate) fn answered(self) -> Answered<T> {
        if self.success == Some(true) {
            return Answered::Done(self.data);
        }
        let data = self.data.as_ref();
        Answered::Failed(Failure {
            code: self.code(),
            sql_state: data.and_then(Blame::sql_state).unwrap_or_default().to_owned(),
            query_id: data.and_then(Blame::query_id).unwrap_or_default().to_owned(),
            message: self.message.unwrap_or_default(),
        })
    }
}

/// What a login gives.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LoginData {
    pub(crate) token: Option<String>,
    pub(crate) master_token: Option<String>,
    pub(crate) master_validity_in_seconds: Option<u64>,
    pub(crate) server_version: Option<String>,
    pub(crate) next_action: Option<String>,
}

impl Blame for LoginData {}

/// What renewing a session gives.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TokenData {
    pub(crate) session_token: Option<String>,
    pub(crate) master_token: Option<String>,
}

impl Blame for TokenData {}

/// What comes of a statement.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct QueryData<'a> {
    #[serde(borrow)]
    pub(crate) rowset_base64: Option<Text<'a>>,
    pub(crate) rowset: Option<Vec<Vec<Value>>>,
    pub(crate) rowtype: Option<Vec<Column>>,
    pub(crate) query_result_format: Option<String>,
    pub(crate) total: Option<u64>,
    pub(crate) chunks: Option<Vec<Chunk>>,
    pub(crate) qrmk: Option<String>,
    pub(crate) chunk_headers: Option<BTreeMap<String, String>>,
    pub(crate) get_result_url: Option<String>,
    pub(crate) query_id: Option<String>,
    pub(crate) sql_state: Option<String>,
    pub(crate) stage_info: Option<StageInfo>,
}

impl Blame for QueryData<'_> {
    fn sql_state(&self) -> Option<&str> {
        self.sql_state.as_deref()
    }
    fn query_id(&self) -> Option<&str> {
        self.query_id.as_deref()
    }
}

/// A result's column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Column {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) precision: Option<i64>,
    pub(crate) scale: Option<i64>,
    /// How texts are compared; absent: letter by letter.
    pub(crate) collation: Option<String>,
}

/// A part of a result on object storage.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Chunk {
    pub(crate) url: String,
    pub(crate) row_count: u64,
    pub(crate) uncompressed_size: u64,
}

/// Where PUT puts files, and by what right.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct StageInfo {
    pub(crate) location_type: String,
    pub(crate) location: String,
    pub(crate) region: Option<String>,
    pub(crate) storage_account: Option<String>,
    pub(crate) end_point: Option<String>,
    pub(crate) presigned_url: Option<String>,
    pub(crate) is_client_side_encrypted: Option<bool>,
    pub(crate) creds: BTreeMap<String, Value>,
}

impl StageInfo {
    /// One of the credentials.
    pub(crate) fn credential(&self, name: &str) -> Option<&str> {
        self.creds.get(name).and_then(Value::as_str)
    }
}

/// A long text that is not copied where that can be.
#[derive(Debug)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowing;
        impl<'de> Visitor<'de> for Borrowing {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrowing).map_err(D::Error::custom)
    }
}
