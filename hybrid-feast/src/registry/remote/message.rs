//! What is sent and what comes back: of Feast's messages the part that every list has alike.

use bytes::Bytes;

/// Which project's definitions are asked for, as they are now and not as the server remembers them.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ListRequest {
    #[prost(string, tag = "1")]
    pub(super) project: String,
}

/// All projects are asked for.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ProjectsRequest {}

/// A list of definitions, each as the bytes that it came as.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ListResponse {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(super) items: Vec<Bytes>,
}
