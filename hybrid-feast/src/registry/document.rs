//! registry.db as a whole: lists of records, each kept as the bytes it came as until it is touched.

use std::time::SystemTime;

use hybrid_core::{Error, ErrorKind, Result};
use prost_reflect::prost::Message;
use prost_reflect::{DynamicMessage, Value};

use crate::proto::{self, Fields, timestamp};

/// The version of the form that Feast writes.
const SCHEMA_VERSION: &str = "1";

/// More than a registry has: a definition takes a few kilobytes. What is read takes up to some
/// thirty times its bytes in memory, should it be made of nothing but empty messages.
pub(crate) const MAX_BYTES: usize = 64 << 20;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordKind {
    Entity,
    DataSource,
    FeatureView,
    StreamFeatureView,
    OnDemandFeatureView,
    LabelView,
    FeatureService,
    Permission,
    // A registry file keeps them as they came.
    #[allow(dead_code)]
    SavedDataset,
    Project,
}

impl RecordKind {
    /// The message's name, the list it is in, and what people call it.
    pub(crate) fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Entity => ("Entity", "entities", "entity"),
            Self::DataSource => ("DataSource", "data_sources", "source"),
            Self::FeatureView => ("FeatureView", "feature_views", "feature view"),
            Self::StreamFeatureView => ("StreamFeatureView", "stream_feature_views", "stream feature view"),
            Self::OnDemandFeatureView => (
                "OnDemandFeatureView",
                "on_demand_feature_views",
                "on-demand feature view",
            ),
            Self::LabelView => ("LabelView", "label_views", "label view"),
            Self::FeatureService => ("FeatureService", "feature_services", "feature service"),
            Self::Permission => ("Permission", "permissions", "permission"),
            Self::SavedDataset => ("SavedDataset", "saved_datasets", "saved dataset"),
            Self::Project => ("Project", "projects", "project"),
        }
    }
}

/// One record of a project.
pub(crate) struct Record {
    /// Its place in its list.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// All of it.
    pub message: DynamicMessage,
}

impl Record {
    /// The part with the definition; a source has no such part and is one itself.
    pub(crate) fn spec(&self) -> &DynamicMessage {
        self.message.child("spec").unwrap_or(&self.message)
    }
}

/// A decoded registry.db.
pub(crate) struct Document {
    message: DynamicMessage,
}

impl Document {
    /// Reads registry.db; no bytes are an empty one.
    ///
    /// # Errors
    /// Corrupt, for what is no registry; ResourceExhausted, for one that is too large.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_BYTES {
            let message = format!("the registry has {} bytes; at most {MAX_BYTES} are read", bytes.len());
            return Err(Error::new(ErrorKind::ResourceExhausted, message));
        }
        let message = proto::decode("Registry", bytes, "the registry file")?;
        Ok(Self { message })
    }

    /// The bytes of registry.db.
    pub(crate) fn encode(&self) -> Vec<u8> {
        self.message.encode_to_vec()
    }

    /// The records of `kind` that belong to `project`.
    pub(crate) fn records(&self, kind: RecordKind, project: &str) -> Result<Vec<Record>> {
        let (message_name, list, word) = kind.names();
        let mut records = Vec::new();
        for (index, value) in self.message.values(list).iter().enumerate() {
            let bytes = value.as_bytes().map_or(&[][..], |bytes| bytes);
            let message = proto::decode(message_name, bytes, &format!("{word} number {index} of the registry"))?;
            let mut record = Record {
                index,
                name: String::new(),
                message,
            };
            let spec = record.spec();
            let owner = if kind == RecordKind::Project { "name" } else { "project" };
            if spec.text(owner) == project {
                record.name = spec.text("name").to_owned();
                records.push(record);
            }
        }
        Ok(records)
    }

    /// The names of all projects.
    pub(crate) fn projects(&self) -> Result<Vec<String>> {
        let (message, list, word) = RecordKind::Project.names();
        let bytes = self
            .message
            .values(list)
            .iter()
            .map(|value| value.as_bytes().map_or(&[][..], |bytes| bytes));
        let names = bytes.map(|bytes| {
            let message = proto::decode(message, bytes, &format!("a {word} of the registry"))?;
            Ok(message
                .child("spec")
                .map_or_else(String::new, |spec| spec.text("name").to_owned()))
        });
        names.collect()
    }

    /// Puts a record at its place, or at the end of its list.
    pub(crate) fn put(&mut self, kind: RecordKind, index: Option<usize>, message: &DynamicMessage) -> Result<()> {
        let list = self.message.list_mut(kind.names().1)?;
        let value = Value::Bytes(message.encode_to_vec().into());
        match index.and_then(|index| list.get_mut(index)) {
            Some(place) => *place = value,
            None => list.push(value),
        }
        Ok(())
    }

    /// Removes the record at `index`; those behind it move up.
    pub(crate) fn remove(&mut self, kind: RecordKind, index: usize) -> Result<()> {
        let list = self.message.list_mut(kind.names().1)?;
        if index < list.len() {
            list.remove(index);
        }
        Ok(())
    }

    /// Marks it as changed now.
    pub(crate) fn stamp(&mut self, now: SystemTime) -> Result<()> {
        self.message.set_text("registry_schema_version", SCHEMA_VERSION)?;
        self.message.set_text("version_id", &random_uuid())?;
        timestamp(&mut self.message, "last_updated", now)
    }
}

/// A version 4 UUID. The standard library's hasher keys come from the system's random numbers,
/// which is enough for an id that need not be secret.
pub(crate) fn random_uuid() -> String {
    use std::hash::{BuildHasher, RandomState};
    let random = || RandomState::new().hash_one(SystemTime::now());
    let bits = (u128::from(random()) << 64) | u128::from(random());
    let bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_of_version_4_and_differ() {
        let uuid = random_uuid();
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
        assert!("89ab".contains(&uuid[19..20]));
        assert_ne!(uuid, random_uuid());
    }
}
