//! Conditions on the column that a table is partitioned by.

use arrow::datatypes::{DataType, Field};
use chrono::{DateTime, Days, NaiveDate};

use super::table::{Table, YEARS};
use super::{Dialect, SqlStore};
use crate::store::SourceTable;
use crate::{Error, ErrorKind, Result};

/// Dates whose texts are not in the order of time are listed, up to so many days.
const MOST_DAYS: u64 = 1_000;

/// The formats whose texts, and numbers, are in the order of time.
const SORTED: [&str; 7] = ["%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y_%m_%d", "%Y-%m", "%Y%m", "%Y"];

/// From one instant to another, both inclusive.
type Window = (Option<i64>, Option<i64>);

/// The column that a source's table is partitioned by.
pub(super) struct Partition<'a> {
    dialect: &'a dyn Dialect,
    column: &'a Field,
    /// The column as an expression.
    raw: String,
    /// It is NULL of what came in a moment ago, which is in no partition yet.
    hidden: bool,
    /// How a column that is no date writes one, in strftime's terms.
    format: Option<&'a str>,
}

impl<'a> Partition<'a> {
    /// That of a source, where it names one.
    pub(super) fn of<T: SqlStore>(
        store: &'a T,
        table: &'a Table,
        source: &'a SourceTable<T::Source>,
    ) -> Result<Option<Self>> {
        let format = source.date_partition_column_format.as_deref();
        let format = format.or_else(|| store.default_partition_format());
        let name = source.date_partition_column.as_deref();
        name.map(|name| Self::named(store.dialect(), table, name, format))
            .transpose()
    }

    fn named(dialect: &'a dyn Dialect, table: &'a Table, name: &str, format: Option<&'a str>) -> Result<Self> {
        let column = table.column(name)?;
        // Of a date only its type matters.
        let format = format.filter(|_| !column.data_type().is_temporal());
        if let Some(format) = format.filter(|format| !is_date_format(format)) {
            let message = format!("source `{}`: the date partition format `{format}` is none", table.name);
            return Err(Error::new(ErrorKind::Definition, message)
                .with_help("write dates in strftime's terms, %Y-%m-%d and the like"));
        }
        Ok(Self {
            dialect,
            column,
            raw: table.expr(dialect, name)?,
            hidden: table.hidden.as_ref().is_some_and(|hidden| hidden.name() == name),
            format,
        })
    }

    /// Conditions that let the events of a window pass. A column of which it is not known how it writes dates gives
    /// none: it would be compared with what it never holds.
    pub(super) fn conditions(&self, window: Window) -> Vec<String> {
        if self.column.data_type().is_temporal() {
            return [(window.0, ">=", false), (window.1, "<=", true)]
                .into_iter()
                .filter_map(|(bound, sign, upper)| self.bound(bound?, sign, upper))
                .collect();
        }
        let written = self.format.and_then(|format| self.written(format, window));
        written.into_iter().collect()
    }

    /// Why it prunes nothing, for people.
    pub(super) fn unused(&self) -> Option<String> {
        let name = self.column.name();
        match self.format {
            _ if self.column.data_type().is_temporal() => None,
            None => Some(format!("it is not known how `{name}` writes dates")),
            Some(format) if self.literal(format, NaiveDate::default()).is_some() => None,
            Some(format) => Some(format!("`{name}` holds no dates in the format `{format}`")),
        }
    }

    /// One bound of a column of dates or times.
    fn bound(&self, bound: i64, sign: &str, upper: bool) -> Option<String> {
        let bound = Some(bound).filter(|bound| YEARS.contains(bound))?;
        // A partition is of a whole day: its value may lie before the event's time.
        let literal = self
            .dialect
            .pruning_literal(start_of_day(bound, upper), self.column, upper)?;
        let condition = format!("{} {sign} {literal}", self.raw);
        Some(match self.hidden {
            true => format!("({condition} OR {} IS NULL)", self.raw),
            false => condition,
        })
    }

    /// Dates that are written: a range where their order is that of time, else a list.
    fn written(&self, format: &str, window: Window) -> Option<String> {
        let (first, last) = (day(window.0), day(window.1));
        if SORTED.contains(&format) {
            let parts = [(first, ">="), (last, "<=")].into_iter().filter_map(|(date, sign)| {
                let literal = self.literal(format, date?)?;
                Some(format!("{} {sign} {literal}", self.raw))
            });
            let parts: Vec<String> = parts.collect();
            return (!parts.is_empty()).then(|| parts.join(" AND "));
        }
        let (first, last) = first.zip(last)?;
        let days = u64::try_from((last - first).num_days())
            .ok()
            .filter(|days| *days <= MOST_DAYS)?;
        let mut dates: Vec<String> = (0..=days)
            .filter_map(|day| first.checked_add_days(Days::new(day)))
            .map(|date| self.literal(format, date))
            .collect::<Option<_>>()?;
        dates.dedup();
        Some(format!("{} IN ({})", self.raw, dates.join(", ")))
    }

    /// A date as the column has it; `None` where a value of its type is not compared with that.
    fn literal(&self, format: &str, date: NaiveDate) -> Option<String> {
        let text = date.format(format).to_string();
        match self.column.data_type() {
            whole if whole.is_integer() => Some(text.parse::<u64>().ok()?.to_string()),
            // Other values come as text as well (JSON, UUID, …), but times are read of text alone.
            DataType::Utf8 if self.dialect.instant(&self.raw, self.column).is_ok() => Some(self.dialect.text(&text)),
            _ => None,
        }
    }
}

fn start_of_day(micros: i64, upper: bool) -> i64 {
    const DAY: i64 = 86_400_000_000;
    if upper { micros } else { micros.div_euclid(DAY) * DAY }
}

fn day(micros: Option<i64>) -> Option<NaiveDate> {
    let micros = micros.filter(|micros| YEARS.contains(micros))?;
    DateTime::from_timestamp_micros(micros).map(|time| time.date_naive())
}

/// Whether dates can be written so: another format would panic when it is used, or write every date alike.
fn is_date_format(format: &str) -> bool {
    use std::fmt::Write;
    let written = |date: NaiveDate| {
        let mut text = String::new();
        write!(text, "{}", date.format(format)).is_ok().then_some(text)
    };
    let one = NaiveDate::default();
    // Of another century, month, week and day of the week.
    let other = one + Days::new(20_080);
    written(one).is_some_and(|text| written(other) != Some(text))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
