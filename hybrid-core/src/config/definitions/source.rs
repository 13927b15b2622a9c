use std::collections::BTreeMap;

use super::Reader;
use crate::config::fields::Fields;
use crate::config::node::Node;
use crate::config::store_type::source_key;
use crate::store::backends;
use crate::{Error, Source};

/// The fields that every source has; all others are options.
pub(super) const COMMON: [&str; 11] = [
    "name",
    "type",
    "timestamp_field",
    "event_timestamp_column",
    "created_timestamp_column",
    "date_partition_column",
    "date_partition_column_format",
    "field_mapping",
    "description",
    "owner",
    "tags",
];

/// Checks a source's options by its store, where that is compiled in.
pub(super) fn check_compiled(source: &Source, options: &Node) -> Result<(), Vec<Error>> {
    let Some(backend) = backends().into_iter().find(|backend| backend.key() == source.key) else {
        return Ok(());
    };
    (backend.check_options)(options)?;
    // What YAML lets pass as a text may be a number in the options.
    (backend.check_source)(source).map_err(|error| vec![error])
}

impl Reader<'_> {
    /// A source: one with a definition of its own has a name.
    pub(super) fn source(&mut self, node: &Node, named: bool) -> Option<Source> {
        let mut fields = Fields::of(node, "a source", &mut self.problems)?;
        let name = if named || node.get("name").is_some() {
            fields.text("name", "a source", &mut self.problems)
        } else {
            fields.get("name");
            Some(String::new())
        };
        let key = self.source_type(&mut fields);
        let mut source = Source::new(key.clone().unwrap_or_default());
        self.columns(&mut fields, &mut source);
        source.description = fields.read("description", &mut self.problems).unwrap_or_default();
        source.owner = fields.read("owner", &mut self.problems).unwrap_or_default();
        source.tags = fields.read("tags", &mut self.problems).unwrap_or_default();
        source.name = name?;
        let options = node.split_off(&COMMON).1;
        source.options = options.to_json_map();
        source.options.retain(|_, value| !value.is_null());
        if key.is_some() {
            self.check_options(&source, node, &options);
        }
        Some(source)
    }

    /// The key that `type` stands for; `None` and a problem where it is missing or unknown.
    fn source_type(&mut self, fields: &mut Fields<'_>) -> Option<String> {
        let Some(node) = fields.get("type") else {
            let error = fields.node.error("a source has no `type`");
            self.problems
                .push(error.with_help("a store key, for example `type: file`"));
            return None;
        };
        let written: String = self.problems.keep_all(node.read(Some("type")))?;
        self.problems.keep(source_key(&written, node, self.resolve))
    }

    fn columns(&mut self, fields: &mut Fields<'_>, source: &mut Source) {
        let timestamp = fields.optional_text("timestamp_field", &mut self.problems);
        let older = fields.optional_text("event_timestamp_column", &mut self.problems);
        if timestamp.is_some() && older.is_some() {
            let message = "`timestamp_field` and `event_timestamp_column` are both given";
            let error = fields.node.key_error("event_timestamp_column", message);
            self.problems
                .push(error.with_help("they are two names for one thing: write one of them"));
        }
        source.timestamp_field = timestamp.or(older).unwrap_or_default();
        source.created_timestamp_column = fields.optional_text("created_timestamp_column", &mut self.problems);
        source.date_partition_column = fields.optional_text("date_partition_column", &mut self.problems);
        source.date_partition_column_format = fields.optional_text("date_partition_column_format", &mut self.problems);
        if source.date_partition_column_format.is_some() && source.date_partition_column.is_none() {
            let message = "`date_partition_column_format` is given without a `date_partition_column`";
            let error = fields.node.key_error("date_partition_column_format", message);
            self.problems
                .push(error.with_help("name the column, or leave its format out"));
        }
        if let Some(node) = fields.get("field_mapping") {
            source.field_mapping = self.field_mapping(node);
        }
    }

    fn field_mapping(&mut self, node: &Node) -> BTreeMap<String, String> {
        let mut columns: BTreeMap<&str, &str> = BTreeMap::new();
        for (column, name) in node.entries() {
            let Some(text) = name.as_str() else { continue };
            if text.is_empty() {
                self.problems
                    .push(name.error(format!("column `{column}` is mapped to no name")));
            } else if let Some(other) = columns.insert(text, column) {
                let message = format!("columns `{other}` and `{column}` are both mapped to `{text}`");
                self.problems.push(name.error(message));
            }
        }
        self.problems
            .keep_all(node.read(Some("field_mapping")))
            .unwrap_or_default()
    }

    /// The store's complaints, at the fields that they name where they name any.
    fn check_options(&mut self, source: &Source, node: &Node, options: &Node) {
        for error in (self.check_source)(source, options).err().into_iter().flatten() {
            let about = format!("source `{}`", source.name);
            let named = first_named(error.message().trim_start_matches(&about), options);
            let at = named.map_or_else(|| node.position(), |key| options.key_position(key));
            let is_shown = error.position().is_some() || !options.is_quoted_in(error.message());
            let error = match (is_shown, named) {
                (true, _) => error,
                (false, Some(key)) => node.key_error(key, format!("`{key}` is not valid")),
                (false, None) => node.error("a field of this source is not valid"),
            };
            self.problems.push(error.at(at));
        }
    }
}

/// The key of `options` that `message` has in backticks before all others.
fn first_named<'n>(message: &str, options: &'n Node) -> Option<&'n str> {
    let keys = options.entries().map(|(key, _)| key);
    keys.filter_map(|key| Some((message.find(&format!("`{key}`"))?, key)))
        .min()
        .map(|(_, key)| key)
}
