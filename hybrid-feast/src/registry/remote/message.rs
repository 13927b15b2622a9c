//! What is sent and what comes back: of Feast's messages the part that they have alike.

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

/// One entity, source or feature service. Each change is committed by itself: what is not, a server forgets as soon as
/// somebody reads.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ApplyRequest {
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) definition: Bytes,
    #[prost(string, tag = "2")]
    pub(super) project: String,
    #[prost(bool, tag = "3")]
    pub(super) commit: bool,
}

/// One feature view, or one stream feature view.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ApplyViewRequest {
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub(super) feature_view: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub(super) stream_feature_view: Option<Bytes>,
    #[prost(string, tag = "4")]
    pub(super) project: String,
    #[prost(bool, tag = "5")]
    pub(super) commit: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DeleteRequest {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) project: String,
    #[prost(bool, tag = "3")]
    pub(super) commit: bool,
}
