//! `offline_store` of feature_store.yaml: one store, or the hybrid store with several.

use std::collections::HashMap;

use super::fields::Fields;
use super::node::{Node, Value};
use super::problems::Problems;
use super::repo::StoreConfig;
use super::store_type::{Resolve, is_hybrid, store_key};
use crate::Position;

/// The store that Feast takes where none is configured.
const DEFAULT: &str = "file";

/// The configured stores, and whether calls may join across them.
#[derive(Default)]
pub(super) struct Stores {
    pub(super) stores: Vec<StoreConfig>,
    pub(super) cross_source_joins: bool,
}

/// Reads `offline_store` out of the top-level mapping `root`.
pub(super) fn read(root: &Node, resolve: Resolve<'_>, problems: &mut Problems) -> Stores {
    let Some(node) = root.get("offline_store").filter(|node| !node.is_null()) else {
        return single(default_store(root, root.position(), resolve));
    };
    match (&node.value, written_type(node)) {
        (Value::Mapping(_), None) if node.get("offline_stores").is_some() => {
            let error = node.error("an `offline_store` with `offline_stores` has no `type`");
            problems.push(error.with_help("write `type: hybrid`"));
            Stores::default()
        }
        (Value::Mapping(_), None) if node.get("type").is_none_or(Node::is_null) => {
            let mut store = default_store(root, node.position(), resolve);
            store.fields = node.split_off(&["type"]).1;
            single(store)
        }
        (_, Some(written)) if is_hybrid(written) => hybrid(node, resolve, problems),
        _ => Stores {
            stores: one(node, resolve, problems).into_iter().collect(),
            cross_source_joins: false,
        },
    }
}

fn single(store: StoreConfig) -> Stores {
    Stores {
        stores: vec![store],
        cross_source_joins: false,
    }
}

fn default_store(root: &Node, position: Position, resolve: Resolve<'_>) -> StoreConfig {
    StoreConfig {
        key: resolve(DEFAULT).unwrap_or_else(|| DEFAULT.to_owned()),
        written: DEFAULT.to_owned(),
        fields: root.emptied(),
        position,
    }
}

/// A store's type: the text itself, or the field `type`.
fn written_type(node: &Node) -> Option<&str> {
    node.as_str()
        .or_else(|| node.get("type")?.as_str())
        .filter(|text| !text.is_empty())
}

fn hybrid(node: &Node, resolve: Resolve<'_>, problems: &mut Problems) -> Stores {
    let mut stores = Stores::default();
    let Some(mut fields) = (if node.is_mapping() {
        Fields::of(node, "`offline_store`", problems)
    } else {
        None
    }) else {
        problems.push(
            node.error("the hybrid store has no `offline_stores`")
                .with_help(LIST_HELP),
        );
        return stores;
    };
    fields.get("type");
    stores.cross_source_joins = fields.read("cross_source_joins", problems).unwrap_or_default();
    let listed = fields.get("offline_stores");
    let items = fields.list("offline_stores", problems);
    if items.is_empty() && listed.is_none_or(Node::is_sequence) {
        let at = listed.unwrap_or(node);
        problems.push(
            at.error("the hybrid store has no `offline_stores`")
                .with_help(LIST_HELP),
        );
    }
    fields.finish(problems);
    stores.stores = items.iter().filter_map(|item| one(item, resolve, problems)).collect();
    report_repeated(&stores.stores, node, problems);
    stores
}

const LIST_HELP: &str = "list the stores there, each with its `type` and its fields";

fn report_repeated(stores: &[StoreConfig], node: &Node, problems: &mut Problems) {
    let mut first: HashMap<&str, &StoreConfig> = HashMap::new();
    for store in stores {
        let Some(earlier) = first.get(store.key.as_str()) else {
            first.insert(&store.key, store);
            continue;
        };
        let message = format!(
            "store `{}` is configured twice: as `{}` here, and as `{}` at {}",
            store.key, store.written, earlier.written, earlier.position
        );
        let error = crate::Error::new(node.document.kind, message).at(store.position.clone());
        problems.push(error.with_help("each store type may be configured once"));
    }
}

/// One store: its type alone, `type` and fields side by side, or `type` and `conf`.
fn one(node: &Node, resolve: Resolve<'_>, problems: &mut Problems) -> Option<StoreConfig> {
    if !node.is_mapping() && node.as_str().is_none_or(str::is_empty) {
        let message = format!("a store must be a mapping with a `type`, not {}", node.described());
        problems.push(node.error(message));
        return None;
    }
    let at = if node.is_mapping() {
        node.get("type")
    } else {
        Some(node)
    };
    let Some(at) = at.filter(|at| !at.is_null()) else {
        problems.push(node.error("this store has no `type`"));
        return None;
    };
    let written: String = problems.keep_all(at.read(Some("type")))?;
    let fields = own_fields(node, &written, resolve, problems);
    if is_hybrid(&written) {
        problems.push(at.error("a hybrid store cannot hold another"));
        return None;
    }
    Some(StoreConfig {
        key: problems.keep(store_key(&written, at, resolve))?,
        position: at.position(),
        fields: fields?,
        written,
    })
}

/// The store's own fields, out of `conf` where that is used.
fn own_fields(node: &Node, written: &str, resolve: Resolve<'_>, problems: &mut Problems) -> Option<Node> {
    if !node.is_mapping() {
        return Some(node.emptied());
    }
    let flat = node.split_off(&["type"]).1;
    let Some(conf) = node.get("conf") else {
        return Some(flat);
    };
    for (key, _) in flat.entries().filter(|(key, _)| *key != "conf") {
        let error = node.key_error(key, format!("`{key}` stands beside `conf`"));
        problems.push(error.with_help("put all fields into `conf`, or all beside `type`"));
    }
    if conf.is_null() {
        return Some(conf.emptied());
    }
    Fields::of(conf, "`conf`", problems)?;
    if let Some(inner) = conf.get("type") {
        let same = inner
            .as_str()
            .is_some_and(|text| text == written || resolve(text) == resolve(written));
        if !same {
            problems.push(inner.error("`type` in `conf` is not the store's `type`"));
        }
    }
    Some(conf.split_off(&["type"]).1)
}
