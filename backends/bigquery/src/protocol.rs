//! The messages of the Storage API that this store sends and reads, with the field numbers of the published protocol.
//! What is not needed is left out: readers skip unknown fields.

use bytes::Bytes;
use prost::Message;

/// Results in Arrow.
pub(crate) const ARROW: i32 = 2;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CreateReadSession {
    #[prost(string, tag = "1")]
    pub(crate) parent: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) session: Option<Session>,
    #[prost(int32, tag = "3")]
    pub(crate) max_streams: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Session {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(int32, tag = "3")]
    pub(crate) data_format: i32,
    #[prost(message, optional, tag = "5")]
    pub(crate) arrow_schema: Option<ArrowSchema>,
    #[prost(string, tag = "6")]
    pub(crate) table: String,
    #[prost(message, repeated, tag = "10")]
    pub(crate) streams: Vec<Stream>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ArrowSchema {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) serialized: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Stream {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadRows {
    #[prost(string, tag = "1")]
    pub(crate) stream: String,
    #[prost(int64, tag = "2")]
    pub(crate) offset: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Rows {
    #[prost(message, optional, tag = "4")]
    pub(crate) batch: Option<ArrowBatch>,
    #[prost(int64, tag = "6")]
    pub(crate) row_count: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ArrowBatch {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) serialized: Bytes,
}
