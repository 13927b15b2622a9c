use bytes::Bytes;
use prost::{Message, Oneof};

use super::{DataType, Plan, RemoteRelation, UserContext};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ExecuteRequest {
    #[prost(string, tag = "1")]
    pub(crate) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) user_context: Option<UserContext>,
    #[prost(message, optional, tag = "3")]
    pub(crate) plan: Option<Plan>,
    #[prost(string, optional, tag = "4")]
    pub(crate) client_type: Option<String>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) options: Vec<RequestOption>,
    #[prost(string, optional, tag = "6")]
    pub(crate) operation_id: Option<String>,
    #[prost(string, optional, tag = "8")]
    pub(crate) observed: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RequestOption {
    #[prost(oneof = "OptionKind", tags = "1, 2")]
    pub(crate) kind: Option<OptionKind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum OptionKind {
    #[prost(message, tag = "1")]
    Reattach(Reattach),
    #[prost(message, tag = "2")]
    Chunking(Chunking),
}

/// The operation outlives the connection that started it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Reattach {
    #[prost(bool, tag = "1")]
    pub(crate) reattachable: bool,
}

/// One Arrow stream may come in several responses.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Chunking {
    #[prost(bool, tag = "1")]
    pub(crate) allowed: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ExecuteResponse {
    #[prost(message, optional, tag = "7")]
    pub(crate) schema: Option<DataType>,
    #[prost(string, tag = "13")]
    pub(crate) response_id: String,
    #[prost(string, tag = "15")]
    pub(crate) server_session: String,
    #[prost(oneof = "Response", tags = "2, 14, 19")]
    pub(crate) response: Option<Response>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Response {
    #[prost(message, tag = "2")]
    Batch(ArrowBatch),
    #[prost(message, tag = "14")]
    Complete(Complete),
    #[prost(message, tag = "19")]
    Checkpointed(Checkpointed),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ArrowBatch {
    #[prost(int64, tag = "1")]
    pub(crate) row_count: i64,
    /// A whole Arrow stream, or one part of it.
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) data: Bytes,
    #[prost(int64, optional, tag = "4")]
    pub(crate) chunk_index: Option<i64>,
    #[prost(int64, optional, tag = "5")]
    pub(crate) num_chunks: Option<i64>,
}

/// The operation has ended, and everything was sent.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Complete {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Checkpointed {
    #[prost(message, optional, tag = "1")]
    pub(crate) relation: Option<RemoteRelation>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReattachRequest {
    #[prost(string, tag = "1")]
    pub(crate) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) user_context: Option<UserContext>,
    #[prost(string, tag = "3")]
    pub(crate) operation_id: String,
    #[prost(string, optional, tag = "4")]
    pub(crate) client_type: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub(crate) last_response_id: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub(crate) observed: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReleaseRequest {
    #[prost(string, tag = "1")]
    pub(crate) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) user_context: Option<UserContext>,
    #[prost(string, tag = "3")]
    pub(crate) operation_id: String,
    #[prost(string, optional, tag = "4")]
    pub(crate) client_type: Option<String>,
    /// Everything of the operation.
    #[prost(message, optional, tag = "5")]
    pub(crate) all: Option<ReleaseAll>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReleaseAll {}
