//! Sources as the engine describes them, and the views of a retrieval in the engine's terms.

use arrow::datatypes::{DataType, Field, SchemaRef};
use chrono::{DateTime, Days, NaiveDate};

use super::{Dialect, Relation, SqlSession, SqlStore, check_select};
use crate::canonical::{canonical_key_type, is_time};
use crate::definitions::not_found;
use crate::store::{HistoricalView, JoinKey, OutputColumn, SourceTable};
use crate::{Error, ErrorKind, Result};

/// What a source is called in the texts.
pub(super) const SOURCE: &str = "s";

/// Times that every engine has literals for: the years 1 to 9999, in microseconds.
const YEARS: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

/// A date partition of more days than this is only bounded, not listed.
const MOST_DAYS: u64 = 1_000;

/// A source that has been described.
pub(super) struct Table {
    /// For messages.
    pub name: String,
    /// As it stands in FROM, without an alias.
    pub from: String,
    /// The table's name, when it is one.
    pub table: Option<Vec<String>>,
    pub schema: SchemaRef,
    /// The column that it is partitioned by, where it is none of `schema`.
    pub hidden: Option<Field>,
}

impl Table {
    /// Asks the engine for the columns of a source.
    pub(super) async fn describe<T: SqlStore>(
        store: &T,
        session: &T::Session,
        name: &str,
        source: &T::Source,
    ) -> Result<Self> {
        let dialect = store.dialect();
        let relation = store.relation(source)?;
        let from = from_text(dialect, &relation)?;
        let schema = session
            .describe(&format!("SELECT * FROM {from} AS {}", dialect.quote(SOURCE)))
            .await?;
        let table = match relation {
            Relation::Table(parts) => Some(parts),
            Relation::Query(_) => None,
        };
        Ok(Self {
            name: name.to_owned(),
            from,
            table,
            schema,
            hidden: None,
        })
    }

    /// The same of a source that is read, with the column that its table is partitioned by.
    pub(super) async fn of<T: SqlStore>(
        store: &T,
        session: &T::Session,
        source: &SourceTable<T::Source>,
    ) -> Result<Self> {
        let mut this = Self::describe(store, session, &source.name, &source.options).await?;
        if let (Some(partition), Some(table)) = (&source.date_partition_column, &this.table)
            && this.schema.field_with_name(partition).is_err()
        {
            this.hidden = session.hidden_column(table, partition).await?;
        }
        Ok(this)
    }

    pub(super) fn column(&self, name: &str) -> Result<&Field> {
        let hidden = self.hidden.as_ref().filter(|hidden| hidden.name() == name);
        self.schema.field_with_name(name).ok().or(hidden).ok_or_else(|| {
            let known: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
            not_found(&format!("source `{}`: column", self.name), name, &known)
        })
    }

    /// A column as an expression.
    pub(super) fn expr(&self, dialect: &dyn Dialect, name: &str) -> Result<String> {
        let column = self.column(name)?;
        Ok(format!("{}.{}", dialect.quote(SOURCE), dialect.quote(column.name())))
    }

    /// A time column as an instant.
    pub(super) fn instant(&self, dialect: &dyn Dialect, name: &str) -> Result<String> {
        dialect.instant(&self.expr(dialect, name)?, self.time_column(name)?)
    }

    /// A time column as what its instants are sorted by.
    fn time_order(&self, dialect: &dyn Dialect, name: &str) -> Result<String> {
        dialect.time_order(&self.expr(dialect, name)?, self.time_column(name)?)
    }

    fn time_column(&self, name: &str) -> Result<&Field> {
        let column = self.column(name)?;
        if !is_time(column.data_type()) {
            let message = format!(
                "source `{}`: column `{name}` is no time, its type is {}",
                self.name,
                column.data_type()
            );
            return Err(Error::new(ErrorKind::InvalidInput, message)
                .with_help("a time is a timestamp, a date, or RFC 3339 text"));
        }
        Ok(column)
    }

    /// Conditions that let rows between two instants pass, both inclusive: exact ones if `exact`, and
    /// such that the engine prunes by.
    pub(super) fn between(
        &self,
        dialect: &dyn Dialect,
        timestamp: &str,
        window: (Option<i64>, Option<i64>),
        exact: bool,
    ) -> Result<Vec<String>> {
        let column = self.column(timestamp)?;
        let (raw, instant) = (self.expr(dialect, timestamp)?, self.instant(dialect, timestamp)?);
        let mut conditions = Vec::new();
        for (bound, sign, upper) in [(window.0, ">=", false), (window.1, "<=", true)] {
            let Some(bound) = bound.filter(|bound| YEARS.contains(bound)) else {
                continue;
            };
            let pruning = dialect.pruning_literal(bound, column, upper);
            let literal = dialect.instant_literal(bound);
            // Where they are one and the same, once is enough.
            let same = raw == instant && pruning.as_ref() == Some(&literal);
            if (exact || pruning.is_none()) && !same {
                conditions.push(format!("{instant} {sign} {literal}"));
            }
            conditions.extend(pruning.map(|pruning| format!("{raw} {sign} {pruning}")));
        }
        if conditions.is_empty() {
            conditions.push(format!("{raw} IS NOT NULL"));
        }
        Ok(conditions)
    }

    /// Conditions on the column that the table is partitioned by, for events between two instants.
    pub(super) fn partitions(
        &self,
        dialect: &dyn Dialect,
        partition: Option<&str>,
        format: &str,
        window: (Option<i64>, Option<i64>),
    ) -> Result<Vec<String>> {
        let Some(partition) = partition else {
            return Ok(Vec::new());
        };
        let column = self.column(partition)?;
        let raw = self.expr(dialect, partition)?;
        if column.data_type().is_temporal() {
            let bound = |(bound, sign, upper): (Option<i64>, &str, bool)| {
                let bound = bound.filter(|bound| YEARS.contains(bound))?;
                // A partition is of a whole day: its value may lie before the event's time.
                let literal = dialect.pruning_literal(start_of_day(bound, upper), column, upper)?;
                let condition = format!("{raw} {sign} {literal}");
                Some(match self.hidden {
                    // What came in a moment ago is in no partition yet.
                    Some(_) => format!("({condition} OR {raw} IS NULL)"),
                    None => condition,
                })
            };
            return Ok([(window.0, ">=", false), (window.1, "<=", true)]
                .into_iter()
                .filter_map(bound)
                .collect());
        }
        if !is_date_format(format) {
            let message = format!("source `{}`: the date partition format `{format}` is none", self.name);
            return Err(Error::new(ErrorKind::Definition, message)
                .with_help("write dates in strftime's terms, %Y-%m-%d and the like"));
        }
        Ok(text_partitions(dialect, &raw, format, window).into_iter().collect())
    }
}

fn start_of_day(micros: i64, upper: bool) -> i64 {
    const DAY: i64 = 86_400_000_000;
    if upper { micros } else { micros.div_euclid(DAY) * DAY }
}

/// Whether a date can be written so; another format would panic when it is used.
fn is_date_format(format: &str) -> bool {
    use std::fmt::Write;
    write!(String::new(), "{}", NaiveDate::MIN.format(format)).is_ok()
}

/// Dates that are text: a range where their order is that of time, else a list.
fn text_partitions(
    dialect: &dyn Dialect,
    raw: &str,
    format: &str,
    window: (Option<i64>, Option<i64>),
) -> Option<String> {
    let day = |micros: Option<i64>| {
        let micros = micros.filter(|micros| YEARS.contains(micros))?;
        DateTime::from_timestamp_micros(micros).map(|time| time.date_naive())
    };
    let text = |date: NaiveDate| dialect.text(&date.format(format).to_string());
    let (first, last) = (day(window.0), day(window.1));
    if matches!(
        format,
        "%Y-%m-%d" | "%Y%m%d" | "%Y/%m/%d" | "%Y_%m_%d" | "%Y-%m" | "%Y%m" | "%Y"
    ) {
        let parts = [(first, ">="), (last, "<=")];
        let parts = parts.map(|(date, sign)| date.map(|date| format!("{raw} {sign} {}", text(date))));
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        return (!parts.is_empty()).then(|| parts.join(" AND "));
    }
    let (first, last) = first.zip(last)?;
    let days = u64::try_from((last - first).num_days())
        .ok()
        .filter(|days| *days <= MOST_DAYS)?;
    let mut dates: Vec<String> = (0..=days)
        .filter_map(|day| first.checked_add_days(Days::new(day)))
        .map(text)
        .collect();
    dates.dedup();
    Some(format!("{raw} IN ({})", dates.join(", ")))
}

/// A relation as it stands in FROM.
pub(super) fn from_text(dialect: &dyn Dialect, relation: &Relation) -> Result<String> {
    match relation {
        Relation::Table(parts) => Ok(table_text(dialect, parts)),
        // The line break ends a comment that the query may end with.
        Relation::Query(query) => Ok(format!("({}\n)", check_select(query, &*dialect.grammar())?)),
    }
}

/// A table's name, quoted.
pub(super) fn table_text(dialect: &dyn Dialect, parts: &[String]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| dialect.quote(part)).collect();
    parts.join(".")
}

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
        let created = created.map(|created| match known_in_time {
            true => table.instant(dialect, created),
            false => table.time_order(dialect, created),
        });
        let created = created.transpose()?;
        let (columns, features) = prepare_columns(dialect, &table, &view.features)?;
        let mut conditions = candidates(store, &table, view, frame)?;
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
            ttl: view.ttl,
            known_in_time,
            source: ViewSource {
                timestamp: source.timestamp_field.clone(),
                keys: view.join_keys.iter().map(|key| key.source.clone()).collect(),
            },
        })
    }
}

/// The time range in which a feature row can matter at all.
fn candidates<T: SqlStore>(
    store: &T,
    table: &Table,
    view: &HistoricalView<T::Source>,
    frame: &Frame,
) -> Result<Vec<String>> {
    let earliest = view.ttl.map(|ttl| frame.times.0.saturating_sub(ttl));
    inside(store, table, &view.source, (earliest, Some(frame.times.1)), false)
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

/// Conditions that let the rows of a window pass, `exact` or only such that the engine prunes by, and
/// those on the column that the table is partitioned by.
pub(super) fn inside<T: SqlStore>(
    store: &T,
    table: &Table,
    source: &SourceTable<T::Source>,
    window: (Option<i64>, Option<i64>),
    exact: bool,
) -> Result<Vec<String>> {
    let dialect = store.dialect();
    let mut conditions = table.between(dialect, &source.timestamp_field, window, exact)?;
    let (partition, format) = (
        source.date_partition_column.as_deref(),
        store.partition_format(&source.options),
    );
    conditions.extend(table.partitions(dialect, partition, format, window)?);
    Ok(conditions)
}
