use std::collections::BTreeSet;

use crate::store::{OutputColumn, SourceTable};
use crate::{FeatureRegistry, FeatureView, Result, Source, ValueType};

/// Which columns of a source a pull returns, under their mapped names.
#[derive(Debug, Clone)]
pub struct Pull {
    /// The source.
    pub source: Source,
    /// Join keys and their entities' types, first in the output.
    pub join_keys: Vec<(String, Option<ValueType>)>,
    /// Features and their declared types, then; empty: every column of the source.
    pub features: Vec<(String, Option<ValueType>)>,
}

impl Pull {
    /// The keys and features of `view`.
    ///
    /// # Errors
    /// NotFound, when the registry lacks one of the view's entities.
    pub fn of_view(registry: &FeatureRegistry, view: &FeatureView) -> Result<Self> {
        let mut source = view.source.clone();
        if source.name.is_empty() {
            source.name.clone_from(&view.name);
        }
        let join_keys = registry.join_keys(view)?;
        let features = view
            .schema
            .iter()
            .map(|field| (field.name.clone(), Some(field.dtype.clone())))
            .collect();
        Ok(Self {
            source,
            join_keys,
            features,
        })
    }

    /// What a store is asked: source columns, output names and types.
    pub(super) fn columns(&self) -> PullColumns {
        let source = &self.source;
        let column = |(name, value_type): &(String, Option<ValueType>)| OutputColumn {
            source: source.column_of(name).to_owned(),
            name: name.clone(),
            data_type: value_type.as_ref().map(ValueType::to_arrow),
        };
        PullColumns {
            table: SourceTable::untyped(source),
            join_keys: self.join_keys.iter().map(column).collect(),
            features: self.features.iter().map(column).collect(),
            timestamp_name: source.name_of(&source.timestamp_field).to_owned(),
            created_name: source
                .created_timestamp_column
                .as_deref()
                .map(|column| source.name_of(column).to_owned()),
        }
    }

    /// Every source column that has a role: what is no feature when no features are given.
    pub(super) fn named_columns(&self) -> BTreeSet<&str> {
        let source = &self.source;
        let keys = self.join_keys.iter().map(|(name, _)| source.column_of(name));
        keys.chain([source.timestamp_field.as_str()])
            .chain(source.created_timestamp_column.as_deref())
            .collect()
    }
}

pub(super) struct PullColumns {
    pub(super) table: SourceTable<Source>,
    pub(super) join_keys: Vec<OutputColumn>,
    pub(super) features: Vec<OutputColumn>,
    pub(super) timestamp_name: String,
    pub(super) created_name: Option<String>,
}
