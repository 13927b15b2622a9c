use std::collections::BTreeMap;

use super::Scene;
use crate::oracle::{Joined, winners};
use crate::{Miss, Table, Verdict};

/// One feature that a scene asks for.
pub(super) struct Asked {
    /// Which of the scene's uses of a view it belongs to.
    pub(super) usage: usize,
    /// Its name within the view.
    pub(super) feature: String,
    /// Its name in the output.
    pub(super) output: String,
}

/// A view under one name and one mapping of keys.
pub(super) struct Usage {
    pub(super) view: usize,
    name: String,
    keys: BTreeMap<String, String>,
}

impl Scene {
    pub(super) fn asked_references(&self) -> Vec<String> {
        if !self.references.is_empty() {
            return self.references.clone();
        }
        let all = |view: &super::View| {
            let name = view.name.clone();
            view.features
                .iter()
                .map(move |(feature, _)| format!("{name}:{feature}"))
                .collect::<Vec<_>>()
        };
        self.views.iter().flat_map(all).collect()
    }

    /// Every use of a view, and every feature in output order.
    pub(super) fn asked(&self) -> Verdict<(Vec<Usage>, Vec<Asked>)> {
        if self.service.is_empty() {
            self.asked_by_reference()
        } else {
            self.asked_by_service()
        }
    }

    fn asked_by_reference(&self) -> Verdict<(Vec<Usage>, Vec<Asked>)> {
        let usage = |(view, name): (usize, &super::View)| Usage {
            view,
            name: name.name.clone(),
            keys: BTreeMap::new(),
        };
        let usages: Vec<Usage> = self.views.iter().enumerate().map(usage).collect();
        let mut asked = Vec::new();
        for reference in self.asked_references() {
            let (view, feature) = reference.split_once(':').unwrap_or_default();
            let usage = usages.iter().position(|usage| usage.name == view);
            let usage = usage.ok_or_else(|| Miss::Failed(format!("the scene has no view `{view}`")))?;
            asked.push(self.one(&usages, usage, feature));
        }
        Ok((usages, asked))
    }

    fn asked_by_service(&self) -> Verdict<(Vec<Usage>, Vec<Asked>)> {
        let (mut usages, mut asked) = (Vec::new(), Vec::new());
        for projection in &self.service {
            let view = self.views.iter().position(|view| view.name == projection.view);
            let view = view.ok_or_else(|| Miss::Failed(format!("the scene has no view `{}`", projection.view)))?;
            usages.push(Usage {
                view,
                name: projection.name_to_use().to_owned(),
                keys: projection.join_key_map.clone(),
            });
            let all = self.views[view].features.iter().map(|(name, _)| name.clone());
            let names: Vec<String> = if projection.features.is_empty() {
                all.collect()
            } else {
                projection.features.clone()
            };
            asked.extend(names.iter().map(|feature| self.one(&usages, usages.len() - 1, feature)));
        }
        Ok((usages, asked))
    }

    fn one(&self, usages: &[Usage], usage: usize, feature: &str) -> Asked {
        let output = match self.full_feature_names {
            true => format!("{}__{feature}", usages[usage].name),
            false => feature.to_owned(),
        };
        Asked {
            usage,
            feature: feature.to_owned(),
            output,
        }
    }

    /// The oracle's word: for each entity row the feature rows of `usage` that may win it.
    pub(super) fn winners(&self, usage: &Usage, frame: &Table, features: &Table) -> Verdict<Vec<Vec<usize>>> {
        let view = &self.views[usage.view];
        let key = |key: &String| {
            let entity = usage.keys.get(key).unwrap_or(key);
            Ok((features.index(view.column_of(key))?, frame.index(entity)?))
        };
        let joined = Joined {
            features,
            keys: view.keys.iter().map(key).collect::<Verdict<_>>()?,
            time: features.index(&view.time)?,
            created: view.created.as_ref().map(|column| features.index(column)).transpose()?,
            ttl: view.ttl,
            created_filter: self.created_filter,
        };
        Ok(winners(frame, frame.index(&self.entity_time)?, &joined))
    }
}
