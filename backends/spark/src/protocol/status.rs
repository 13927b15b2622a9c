use std::collections::HashMap;

use bytes::Bytes;
use prost::Message;

use super::UserContext;

/// What a gRPC error carries beside its code: google.rpc.Status.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Any {
    #[prost(string, tag = "1")]
    pub(crate) type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) value: Bytes,
}

/// google.rpc.ErrorInfo: Spark's error class, SQLSTATE and the error's id are in its metadata.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ErrorInfo {
    #[prost(string, tag = "1")]
    pub(crate) reason: String,
    #[prost(map = "string, string", tag = "3")]
    pub(crate) metadata: HashMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DetailsRequest {
    #[prost(string, tag = "1")]
    pub(crate) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) user_context: Option<UserContext>,
    #[prost(string, tag = "3")]
    pub(crate) error_id: String,
    #[prost(string, optional, tag = "4")]
    pub(crate) client_type: Option<String>,
}

/// An error with its causes.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DetailsResponse {
    #[prost(int32, optional, tag = "1")]
    pub(crate) root: Option<i32>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) errors: Vec<ServerError>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ServerError {
    /// Class names of the JVM, from the error's own to Throwable.
    #[prost(string, repeated, tag = "1")]
    pub(crate) hierarchy: Vec<String>,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(int32, optional, tag = "4")]
    pub(crate) cause: Option<i32>,
    #[prost(message, optional, tag = "5")]
    pub(crate) spark: Option<SparkThrowable>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SparkThrowable {
    #[prost(string, optional, tag = "1")]
    pub(crate) error_class: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(crate) sql_state: Option<String>,
}
