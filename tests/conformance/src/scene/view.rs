use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arrow::datatypes::DataType;
use hybrid_core::{Entity, FeatureView, Field, Source, ValueType, timestamp_type};

use crate::verdict::created;
use crate::{Fixture, Table, Value, Verdict};

/// 2024-01-01T00:00:00Z, where the scenes play.
const EPOCH: i64 = 1_704_067_200_000_000;

/// The instant `seconds` into the scene, with microseconds as the fraction.
pub(crate) fn at(seconds: f64) -> Value {
    Value::Time(EPOCH + (seconds * 1e6).round() as i64)
}

/// The type of timestamps in scenes: microseconds, UTC.
pub(crate) fn time() -> DataType {
    timestamp_type()
}

/// A feature view and the rows of its source. Keys and features go by their mapped names, the
/// timestamps by the source's own.
#[derive(Debug, Clone)]
pub struct View {
    /// Its name.
    pub name: String,
    /// The rows of its source.
    pub table: Table,
    /// Its join keys.
    pub keys: Vec<String>,
    /// The column with the event time; `ts` by default.
    pub time: String,
    /// The column with the created time; `created` where the table has one.
    pub created: Option<String>,
    /// Microseconds.
    pub ttl: Option<i64>,
    /// Names and declared types; by default every other column in its inferred type.
    pub features: Vec<(String, ValueType)>,
    /// From source column to name.
    pub mapping: BTreeMap<String, String>,
    /// How many rows the fixture gets in one batch.
    pub batch_rows: usize,
}

impl View {
    /// A view with these keys: every other column of `table` but `ts` and `created` is a feature.
    pub fn new(name: &str, keys: &[&str], table: Table) -> Self {
        let named = |wanted: &str| table.columns.iter().any(|(column, _)| column == wanted);
        Self {
            name: name.to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            time: "ts".to_owned(),
            created: named("created").then(|| "created".to_owned()),
            ttl: None,
            features: Vec::new(),
            mapping: BTreeMap::new(),
            batch_rows: 1000,
            table,
        }
        .with_inferred_features()
    }

    fn with_inferred_features(mut self) -> Self {
        let special = |name: &str| {
            name == self.time || Some(name) == self.created.as_deref() || self.keys.iter().any(|key| key == name)
        };
        let inferred = self.table.columns.iter().filter_map(|(column, data_type)| {
            let name = self.mapping.get(column).unwrap_or(column);
            let feature = !special(column) && !special(name);
            feature
                .then(|| Some((name.clone(), ValueType::from_arrow(data_type)?)))
                .flatten()
        });
        self.features = inferred.collect();
        self
    }

    /// Sets how old a value may be, in microseconds.
    #[must_use]
    pub fn with_ttl(mut self, micros: i64) -> Self {
        self.ttl = Some(micros);
        self
    }

    /// Names the columns with the event time and the created time.
    #[must_use]
    pub fn with_times(mut self, time: &str, created: Option<&str>) -> Self {
        self.time = time.to_owned();
        self.created = created.map(str::to_owned);
        self.with_inferred_features()
    }

    /// Maps source columns to names.
    #[must_use]
    pub fn with_mapping(mut self, pairs: &[(&str, &str)]) -> Self {
        self.mapping = pairs
            .iter()
            .map(|(column, name)| ((*column).to_owned(), (*name).to_owned()))
            .collect();
        self.with_inferred_features()
    }

    /// Declares the features and their types.
    #[must_use]
    pub fn with_features(mut self, features: &[(&str, ValueType)]) -> Self {
        self.features = features
            .iter()
            .map(|(name, t)| ((*name).to_owned(), t.clone()))
            .collect();
        self
    }

    /// The source's column for a name.
    pub fn column_of<'a>(&'a self, name: &'a str) -> &'a str {
        let mapped = self.mapping.iter().find(|(_, mapped)| *mapped == name);
        mapped.map_or(name, |(column, _)| column)
    }

    /// Makes the table and returns its source with timestamps and mapping set.
    ///
    /// # Errors
    /// NotRun, when the engine has no such type.
    pub async fn create(&self, fixture: &dyn Fixture) -> Verdict<Source> {
        let (name, schema) = (unique(&self.name), self.table.schema());
        let batches = self.table.batches(self.batch_rows)?;
        let source = created(fixture.create(&name, schema, batches).await)?;
        Ok(self.dressed(source))
    }

    /// `source` with the timestamps and the mapping of this view.
    pub(crate) fn dressed(&self, source: Source) -> Source {
        let mut source = source.with_timestamp_field(&self.time);
        source.created_timestamp_column.clone_from(&self.created);
        source.field_mapping.clone_from(&self.mapping);
        source
    }

    /// The definition over `source`.
    pub fn definition(&self, source: Source) -> FeatureView {
        let fields = self
            .features
            .iter()
            .map(|(name, dtype)| Field::new(name, dtype.clone()));
        let mut view = FeatureView::new(&self.name, source)
            .with_entities(&self.keys)
            .with_schema(fields);
        view.ttl = self.ttl.map(|micros| Duration::from_micros(micros.unsigned_abs()));
        view
    }

    /// The entities of its keys, with a declared type where integers and strings are keys.
    pub(crate) fn entities(&self) -> impl Iterator<Item = Entity> {
        self.keys.iter().map(|key| {
            let column = self.table.columns.iter().find(|(name, _)| name == self.column_of(key));
            let declared = column.and_then(|(_, data_type)| match ValueType::from_arrow(data_type) {
                Some(t @ (ValueType::Int32 | ValueType::Int64 | ValueType::String)) => Some(t),
                _ => None,
            });
            match declared {
                Some(value_type) => Entity::new(key).with_value_type(value_type),
                None => Entity::new(key),
            }
        })
    }
}

/// A table name that nobody uses, in this process or another one.
pub(crate) fn unique(view: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("conformance_{}_{number}_{view}", std::process::id())
}
