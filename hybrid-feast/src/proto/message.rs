use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use hybrid_core::{Error, ErrorKind, Result};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage, Value};

/// Fields of a dynamic message by name. A setter touches nothing when the value is already there
/// and clears what becomes the default, so that two messages that say the same are equal.
pub(crate) trait Fields {
    fn text(&self, name: &str) -> &str;
    fn flag(&self, name: &str) -> bool;
    fn number(&self, name: &str) -> i64;
    fn bytes(&self, name: &str) -> &[u8];
    fn map(&self, name: &str) -> BTreeMap<String, String>;
    fn child(&self, name: &str) -> Option<&DynamicMessage>;
    fn children(&self, name: &str) -> impl Iterator<Item = &DynamicMessage>;
    fn values(&self, name: &str) -> &[Value];
    fn set(&mut self, name: &str, value: Value) -> Result<()>;
    fn set_text(&mut self, name: &str, text: &str) -> Result<()>;
    fn set_map(&mut self, name: &str, map: &BTreeMap<String, String>) -> Result<()>;
    fn child_mut(&mut self, name: &str) -> Result<&mut DynamicMessage>;
    fn list_mut(&mut self, name: &str) -> Result<&mut Vec<Value>>;
}

fn field(message: &DynamicMessage, name: &str) -> Result<FieldDescriptor> {
    message.descriptor().get_field_by_name(name).ok_or_else(|| {
        let message = message.descriptor().name().to_owned();
        Error::new(
            ErrorKind::Unexpected,
            format!("registry.proto: {message} has no field {name}"),
        )
    })
}

fn borrowed<'a>(message: &'a DynamicMessage, name: &str) -> Option<&'a Value> {
    match message.get_field_by_name(name) {
        Some(Cow::Borrowed(value)) => Some(value),
        _ => None,
    }
}

impl Fields for DynamicMessage {
    fn text(&self, name: &str) -> &str {
        borrowed(self, name).and_then(Value::as_str).unwrap_or_default()
    }

    fn flag(&self, name: &str) -> bool {
        borrowed(self, name).and_then(Value::as_bool).unwrap_or_default()
    }

    fn number(&self, name: &str) -> i64 {
        match borrowed(self, name) {
            Some(Value::I32(number) | Value::EnumNumber(number)) => i64::from(*number),
            Some(Value::I64(number)) => *number,
            _ => 0,
        }
    }

    fn bytes(&self, name: &str) -> &[u8] {
        borrowed(self, name)
            .and_then(Value::as_bytes)
            .map_or(&[], |bytes| bytes)
    }

    fn map(&self, name: &str) -> BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let map = borrowed(self, name).and_then(Value::as_map);
        map.into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str().unwrap_or_default().to_owned(), text(value)))
            .collect()
    }

    fn child(&self, name: &str) -> Option<&DynamicMessage> {
        let present = self.has_field_by_name(name);
        borrowed(self, name).filter(|_| present).and_then(Value::as_message)
    }

    fn children(&self, name: &str) -> impl Iterator<Item = &DynamicMessage> {
        self.values(name).iter().filter_map(Value::as_message)
    }

    fn values(&self, name: &str) -> &[Value] {
        borrowed(self, name).and_then(Value::as_list).unwrap_or_default()
    }

    fn set(&mut self, name: &str, value: Value) -> Result<()> {
        let field = field(self, name)?;
        if *self.get_field(&field) == value {
            return Ok(());
        }
        if !field.supports_presence() && value.is_default_for_field(&field) {
            self.clear_field(&field);
            return Ok(());
        }
        self.try_set_field(&field, value).map_err(|error| {
            Error::new(ErrorKind::Unexpected, format!("cannot set {name} of Feast's registry")).with_cause(error)
        })
    }

    fn set_text(&mut self, name: &str, text: &str) -> Result<()> {
        self.set(name, Value::String(text.to_owned()))
    }

    fn set_map(&mut self, name: &str, map: &BTreeMap<String, String>) -> Result<()> {
        let entry = |(key, value): (&String, &String)| (MapKey::String(key.clone()), Value::String(value.clone()));
        self.set(name, Value::Map(map.iter().map(entry).collect()))
    }

    fn child_mut(&mut self, name: &str) -> Result<&mut DynamicMessage> {
        let field = field(self, name)?;
        let missing = || Error::new(ErrorKind::Unexpected, format!("registry.proto: {name} is no message"));
        self.get_field_mut(&field).as_message_mut().ok_or_else(missing)
    }

    fn list_mut(&mut self, name: &str) -> Result<&mut Vec<Value>> {
        let field = field(self, name)?;
        let missing = || Error::new(ErrorKind::Unexpected, format!("registry.proto: {name} is no list"));
        self.get_field_mut(&field).as_list_mut().ok_or_else(missing)
    }
}

/// Makes the list `name` of `parent` hold one message per item, in the order of `items`. A message
/// with the same identity is updated and keeps its unknown fields; others are made or dropped.
pub(crate) fn named_list<T, K: std::hash::Hash + Eq>(
    parent: &mut DynamicMessage,
    name: &str,
    items: &[T],
    identity: (impl Fn(&DynamicMessage) -> K, impl Fn(&T) -> K),
    update: impl Fn(&mut DynamicMessage, &T) -> Result<()>,
) -> Result<()> {
    if items.is_empty() {
        parent.clear_field_by_name(name);
        return Ok(());
    }
    let Kind::Message(descriptor) = field(parent, name)?.kind() else {
        return Err(Error::new(
            ErrorKind::Unexpected,
            format!("registry.proto: {name} holds no messages"),
        ));
    };
    let mut old: HashMap<K, DynamicMessage> = parent
        .children(name)
        .map(|message| (identity.0(message), message.clone()))
        .collect();
    let mut list = Vec::with_capacity(items.len());
    for item in items {
        let existing = old.remove(&identity.1(item));
        let mut message = existing.unwrap_or_else(|| DynamicMessage::new(descriptor.clone()));
        update(&mut message, item)?;
        list.push(Value::Message(message));
    }
    parent.set(name, Value::List(list))
}

/// Sets the google.protobuf.Timestamp `name` of `parent` to `time`.
pub(crate) fn timestamp(parent: &mut DynamicMessage, name: &str, time: SystemTime) -> Result<()> {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let child = parent.child_mut(name)?;
    child.set(
        "seconds",
        Value::I64(i64::try_from(since.as_secs()).unwrap_or(i64::MAX)),
    )?;
    // Feast's own resolution is microseconds.
    child.set(
        "nanos",
        Value::I32(i32::try_from(since.subsec_micros()).unwrap_or(0) * 1000),
    )
}
