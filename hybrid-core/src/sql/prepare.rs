//! The views of a retrieval in the engine's terms.

use arrow::datatypes::DataType;

use super::partition::Partition;
use super::table::Table;
use super::{Dialect, SqlStore};
use crate::canonical::canonical_key_type;
use crate::store::{HistoricalView, JoinKey, OutputColumn};
use crate::{Error, ErrorKind, Result};

/// One view of a retrieval, its columns as expressions.
pub(super) struct View {
    pub name: String,
    pub table: Table,
    pub keys: Vec<Key>,
    /// The event time as an instant; the created time as one if it is compared with entity times, else in its order.
    pub time: String,
    pub created: Option<String>,
    /// The source's columns that are read, each once: expression and whether MAX compares it.
    pub columns: Vec<(String, bool)>,
    /// For each feature the place among `columns`.
    pub features: Vec<usize>,
    /// What a feature row must satisfy to be a candidate of any entity row.
    pub conditions: Vec<String>,
    pub ttl: Option<i64>,
    /// A table whose keys and time compare with the entity rows' as they stand: an index serves.
    pub by_columns: bool,
    /// Why nothing is pruned by the column that the table is partitioned by.
    pub unpruned: Option<String>,
    /// A candidate also needs `created <= E`.
    pub known_in_time: bool,
    pub source: ViewSource,
}

/// What the choice of a formulation asks for.
pub(super) struct ViewSource {
    pub timestamp: String,
    pub keys: Vec<String>,
}

/// A join key: the source's side as an expression, and the entity rows' column.
pub(super) struct Key {
    pub expr: String,
    /// The source's column alone, as an index has it.
    pub raw: String,
    /// Integers of every width compare with each other.
    pub integer: bool,
    pub entity: String,
}

/// What every view of one retrieval shares.
pub(super) struct Frame {
    /// Earliest and latest entity time.
    pub times: (i64, i64),
    pub filter_by_created: bool,
}

impl View {
    pub(super) async fn prepare<T: SqlStore>(
        store: &T,
        session: &T::Session,
        view: &HistoricalView<T::Source>,
        frame: &Frame,
    ) -> Result<Self> {
        let dialect = store.dialect();
        let source = &view.source;
        let table = Table::of(store, session, source).await?;
        let keys = view.join_keys.iter().map(|key| prepare_key(dialect, &table, key));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let time = table.instant(dialect, &source.timestamp_field)?;
        let created = source.created_timestamp_column.as_deref();
        let known_in_time = frame.filter_by_created && created.is_some();
        let created = prepare_created(dialect, &table, created, known_in_time)?;
        let (columns, features) = prepare_columns(dialect, &table, &view.features)?;
        let (mut conditions, unpruned) = candidates(store, &table, view, frame)?;
        conditions.extend(keys.iter().map(|key| format!("{} IS NOT NULL", key.raw)));
        if let Some(created) = created.as_ref().filter(|_| known_in_time) {
            conditions.push(format!("{created} <= {}", dialect.instant_literal(frame.times.1)));
        }
        let as_they_stand = |key: &Key| key.expr == key.raw || key.integer;
        let by_columns =
            keys.iter().all(as_they_stand) && table.column(&source.timestamp_field)?.data_type().is_temporal();
        Ok(Self {
            name: view.name.clone(),
            table,
            keys,
            by_columns,
            time,
            created,
            columns,
            features,
            conditions,
            unpruned,
            ttl: view.ttl,
            known_in_time,
            source: ViewSource {
                timestamp: source.timestamp_field.clone(),
                keys: view.join_keys.iter().map(|key| key.source.clone()).collect(),
            },
        })
    }
}

/// An instant where it is compared with entity times, else only what it is sorted by.
fn prepare_created(
    dialect: &dyn Dialect,
    table: &Table,
    created: Option<&str>,
    known_in_time: bool,
) -> Result<Option<String>> {
    let expr = |created: &str| match known_in_time {
        true => table.instant(dialect, created),
        false => table.time_order(dialect, created),
    };
    created.map(expr).transpose()
}

/// The conditions of the time range in which a feature row can matter at all, and why none of them is on the column that
/// the table is partitioned by.
fn candidates<T: SqlStore>(
    store: &T,
    table: &Table,
    view: &HistoricalView<T::Source>,
    frame: &Frame,
) -> Result<(Vec<String>, Option<String>)> {
    let earliest = view.ttl.map(|ttl| frame.times.0.saturating_sub(ttl));
    let window = (earliest, Some(frame.times.1));
    let mut conditions = table.between(store.dialect(), &view.source.timestamp_field, window, false)?;
    let partition = Partition::of(store, table, &view.source)?;
    conditions.extend(partition.iter().flat_map(|partition| partition.conditions(window)));
    Ok((conditions, partition.as_ref().and_then(Partition::unused)))
}

fn prepare_key(dialect: &dyn Dialect, table: &Table, key: &JoinKey) -> Result<Key> {
    let column = table.column(&key.source)?;
    let canonical = canonical_key_type(column.data_type());
    let same_kind = |canonical: &DataType| match (canonical, &key.data_type) {
        (DataType::Decimal128(..), DataType::Decimal128(..)) => true,
        (one, other) => one == other,
    };
    if !canonical.as_ref().is_some_and(same_kind) {
        let message = format!(
            "the join key column `{}` of `{}` holds {}, but the entity rows hold {} in `{}`",
            key.source,
            table.name,
            column.data_type(),
            key.data_type,
            key.entity
        );
        return Err(Error::new(ErrorKind::InvalidInput, message)
            .with_help("give both sides the same kind of value: text, whole numbers, dates, …"));
    }
    let raw = table.expr(dialect, &key.source)?;
    Ok(Key {
        expr: dialect.key(&raw, column, &key.data_type)?,
        raw,
        integer: column.data_type().is_integer(),
        entity: key.entity.clone(),
    })
}

/// Columns as expressions, and whether MAX compares each.
type Columns = Vec<(String, bool)>;

/// The columns to read, each once, and where each feature is among them.
fn prepare_columns(dialect: &dyn Dialect, table: &Table, features: &[OutputColumn]) -> Result<(Columns, Vec<usize>)> {
    let (mut names, mut columns, mut places) = (Vec::<&str>::new(), Columns::new(), Vec::new());
    for feature in features {
        let place = names.iter().position(|name| *name == feature.source);
        if place.is_none() {
            let column = table.column(&feature.source)?;
            let raw = table.expr(dialect, &feature.source)?;
            names.push(&feature.source);
            columns.push((dialect.selected(&raw, column), dialect.comparable(column)));
        }
        places.push(place.unwrap_or(names.len() - 1));
    }
    Ok((columns, places))
}
