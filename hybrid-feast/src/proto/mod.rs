//! Feast's messages as dynamic ones: fields that we do not know survive a read and a write.

mod message;
mod parse;

pub(crate) use message::{Fields, named_list, timestamp};

use std::sync::LazyLock;

use hybrid_core::{Error, ErrorKind, Result};
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor};

static POOL: LazyLock<Result<DescriptorPool, String>> = LazyLock::new(|| {
    let file = parse::parse(include_str!("registry.proto"))?;
    let mut pool = DescriptorPool::global();
    pool.add_file_descriptor_proto(file)
        .map_err(|error| error.to_string())?;
    Ok(pool)
});

/// The description of `feast.core.NAME`.
pub(crate) fn descriptor(name: &str) -> Result<MessageDescriptor> {
    let pool = POOL
        .as_ref()
        .map_err(|error| Error::new(ErrorKind::Unexpected, format!("registry.proto: {error}")))?;
    pool.get_message_by_name(&format!("feast.core.{name}"))
        .ok_or_else(|| Error::new(ErrorKind::Unexpected, format!("registry.proto has no message {name}")))
}

/// Reads a message `feast.core.NAME`; `what` says in an error which one it was.
///
/// # Errors
/// Corrupt, when the bytes are something else.
pub(crate) fn decode(name: &str, bytes: &[u8], what: &str) -> Result<DynamicMessage> {
    DynamicMessage::decode(descriptor(name)?, bytes)
        .map_err(|error| Error::new(ErrorKind::Corrupt, format!("{what} is no {name} of Feast")).with_cause(error))
}

/// Reads a message `feast.core.NAME` from protobuf's JSON; fields that we do not know are passed over.
///
/// # Errors
/// InvalidInput, when the text is something else.
pub(crate) fn decode_json(name: &str, text: &str) -> Result<DynamicMessage> {
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    let mut json = serde_json::Deserializer::from_str(text);
    DynamicMessage::deserialize_with_options(descriptor(name)?, &mut json, &options).map_err(|error| {
        Error::new(
            ErrorKind::InvalidInput,
            format!("the text is no {name} of Feast: {error}"),
        )
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use prost_reflect::prost::Message;
    use prost_reflect::prost::encoding::encode_varint;

    #[test]
    fn every_message_of_the_description_is_there() {
        for name in [
            "Registry",
            "Entity",
            "FeatureView",
            "StreamFeatureView",
            "FeatureService",
            "DataSource",
        ] {
            assert_eq!(descriptor(name).unwrap().name(), name);
        }
    }

    #[test]
    fn unknown_fields_survive_at_every_level() {
        // Entity { spec: { name: "a", field 99: "x" }, field 77: 5 }
        let bytes = [10, 8, 10, 1, b'a', 0x9a, 6, 2, b'x', b'y', 0xe8, 4, 5];
        let mut entity = decode("Entity", &bytes, "it").unwrap();
        entity.child_mut("spec").unwrap().set_text("owner", "me").unwrap();
        let written = entity.encode_to_vec();
        let again = decode("Entity", &written, "it").unwrap();
        assert_eq!(again.child("spec").unwrap().unknown_fields().count(), 1);
        assert_eq!(again.unknown_fields().count(), 1);
        assert_eq!(again.child("spec").unwrap().text("owner"), "me");
    }

    #[test]
    fn nesting_without_end_is_an_error() {
        let mut bytes = Vec::new();
        for _ in 0..10_000 {
            let mut outer = vec![0xd2, 1];
            encode_varint(bytes.len() as u64, &mut outer);
            outer.extend_from_slice(&bytes);
            bytes = outer;
        }
        assert_eq!(
            decode("DataSource", &bytes, "it").unwrap_err().kind(),
            ErrorKind::Corrupt
        );
    }
}
