use bytes::Bytes;
use prost::{Message, Oneof};

use super::UserContext;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AddArtifactsRequest {
    #[prost(string, tag = "1")]
    pub(crate) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) user_context: Option<UserContext>,
    #[prost(string, optional, tag = "6")]
    pub(crate) client_type: Option<String>,
    #[prost(string, optional, tag = "7")]
    pub(crate) observed: Option<String>,
    #[prost(oneof = "ArtifactPayload", tags = "3, 4, 5")]
    pub(crate) payload: Option<ArtifactPayload>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum ArtifactPayload {
    #[prost(message, tag = "3")]
    Whole(WholeArtifacts),
    #[prost(message, tag = "4")]
    Begin(BeginArtifact),
    #[prost(message, tag = "5")]
    Chunk(ArtifactChunk),
}

/// Artifacts of one chunk each.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct WholeArtifacts {
    #[prost(message, repeated, tag = "1")]
    pub(crate) artifacts: Vec<WholeArtifact>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WholeArtifact {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) data: Option<ArtifactChunk>,
}

/// The first part of an artifact that comes in several.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BeginArtifact {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(int64, tag = "2")]
    pub(crate) total_bytes: i64,
    #[prost(int64, tag = "3")]
    pub(crate) num_chunks: i64,
    #[prost(message, optional, tag = "4")]
    pub(crate) first: Option<ArtifactChunk>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ArtifactChunk {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) data: Bytes,
    #[prost(int64, tag = "2")]
    pub(crate) crc: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AddArtifactsResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) artifacts: Vec<ArtifactSummary>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ArtifactSummary {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(bool, tag = "2")]
    pub(crate) is_crc_successful: bool,
}
