use std::collections::BTreeMap;
use std::sync::Arc;

use super::HybridOfflineStore;
use super::slot::Slot;
use crate::retrieval::PlannedView;
use crate::{Error, ErrorKind, Result};

/// The views of one call that one store answers, by their place in the plan.
pub(crate) struct StoreGroup {
    pub(crate) slot: Arc<Slot>,
    pub(crate) views: Vec<usize>,
}

impl HybridOfflineStore {
    /// Views by store, in the order of their first view.
    pub(super) fn group(&self, views: &[PlannedView]) -> Result<Vec<StoreGroup>> {
        let mut keys: Vec<&str> = Vec::new();
        for view in views {
            if !keys.contains(&view.source.key.as_str()) {
                keys.push(&view.source.key);
            }
        }
        if keys.len() > 1 && !self.cross_source_joins {
            return Err(self.mixed(views));
        }
        let group = |key: &&str| {
            let slot = self.slots.get(*key).ok_or_else(|| self.not_configured(key))?;
            let views = (0..views.len())
                .filter(|index| views[*index].source.key == **key)
                .collect();
            Ok(StoreGroup {
                slot: Arc::clone(slot),
                views,
            })
        };
        keys.iter().map(group).collect()
    }

    /// The reference document's text, character for character, and what helps.
    fn mixed(&self, views: &[PlannedView]) -> Error {
        let mut by_key: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for view in views {
            by_key.entry(&view.source.key).or_default().push(&view.name);
        }
        let error = Error::new(
            ErrorKind::InvalidInput,
            "All feature views must have the same source type",
        );
        let error = by_key.into_iter().fold(error, |error, (key, views)| {
            error.with_help(format!("{key}: {}", views.join(", ")))
        });
        let configured: Vec<&str> = self.slots.keys().map(String::as_str).collect();
        error
            .with_help(format!("configured stores: {}", configured.join(", ")))
            .with_help("make one call per source type, or set `cross_source_joins: true` in offline_store")
    }
}
