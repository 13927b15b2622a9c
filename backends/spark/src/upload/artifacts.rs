use bytes::Bytes;
use hybrid_core::{Error, ErrorKind, Result};
use uuid::Uuid;

use crate::protocol::{
    AddArtifactsRequest, AddArtifactsResponse, ArtifactChunk, ArtifactPayload, BeginArtifact, WholeArtifact,
    WholeArtifacts,
};
use crate::session::SparkSession;

/// One message carries so many bytes.
const CHUNK: usize = 1 << 20;

/// Leaves an Arrow stream with the session's server; returns the name that a relation finds it by.
pub(crate) async fn add(session: &SparkSession, blob: Vec<u8>) -> Result<String> {
    let conversation = &session.conversation;
    // Spark's own clients name it by its hash, to send equal ones once; the server takes any name.
    let name = Uuid::new_v4().simple().to_string();
    let request = |payload| AddArtifactsRequest {
        session_id: conversation.session_id().to_owned(),
        user_context: conversation.connection().user(),
        client_type: conversation.connection().agent(),
        observed: conversation.observed(),
        payload: Some(payload),
    };
    let requests = payloads(&name, blob.into()).into_iter().map(request).collect();
    let answer: Result<AddArtifactsResponse, _> = conversation.connection().send("AddArtifacts", requests).await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(status) => return Err(conversation.error(status).await),
    };
    match answer.artifacts.iter().all(|artifact| artifact.is_crc_successful) {
        true => Ok(name),
        false => Err(Error::new(ErrorKind::Unavailable, "rows were damaged on their way to Spark").retryable()),
    }
}

fn payloads(name: &str, blob: Bytes) -> Vec<ArtifactPayload> {
    let length = |bytes: usize| i64::try_from(bytes).unwrap_or(i64::MAX);
    let chunk = |start: usize| {
        let data = blob.slice(start..(start + CHUNK).min(blob.len()));
        let crc = i64::from(crc32(&data));
        ArtifactChunk { data, crc }
    };
    let name = format!("cache/{name}");
    // What begins in one chunk never ends, for the server.
    if blob.len() <= CHUNK {
        let data = Some(chunk(0));
        return vec![ArtifactPayload::Whole(WholeArtifacts {
            artifacts: vec![WholeArtifact { name, data }],
        })];
    }
    let begin = BeginArtifact {
        name,
        total_bytes: length(blob.len()),
        num_chunks: length(blob.len().div_ceil(CHUNK)),
        first: Some(chunk(0)),
    };
    let rest = (CHUNK..blob.len())
        .step_by(CHUNK)
        .map(chunk)
        .map(ArtifactPayload::Chunk);
    std::iter::once(ArtifactPayload::Begin(begin)).chain(rest).collect()
}

/// The checksum of zip and gzip.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        TABLE[usize::from(crc.to_le_bytes()[0] ^ byte)] ^ (crc >> 8)
    })
}

static TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut crc, mut bit) = (byte as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_zip() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn a_blob_is_cut_into_chunks() {
        for (bytes, chunks) in [(1, 1), (CHUNK, 1), (CHUNK + 1, 2), (3 * CHUNK, 3)] {
            assert_eq!(payloads("x", vec![7; bytes].into()).len(), chunks);
        }
    }
}
