//! Sources as the engine describes them: what they are in FROM, and the conditions on their times.

use arrow::datatypes::{Field, SchemaRef};

use super::{Dialect, Relation, SqlSession, SqlStore, check_select};
use crate::canonical::is_time;
use crate::definitions::not_found;
use crate::store::SourceTable;
use crate::{Error, ErrorKind, Result};

/// What a source is called in the texts.
pub(super) const SOURCE: &str = "s";

/// Times that every engine has literals for: the years 1 to 9999, in microseconds.
pub(super) const YEARS: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

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
        let relation = match store.relation(source)? {
            Relation::Table(parts) => Relation::Table(session.resolve(parts).await?),
            query => query,
        };
        let from = from_text(dialect, &relation)?;
        let schema = session
            .describe(&format!("SELECT * FROM {from} AS {}", dialect.quote(SOURCE)))
            .await?;
        let table = match relation {
            Relation::Table(parts) => Some(parts),
            Relation::Query(_) | Relation::Export(_) => None,
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
    pub(super) fn time_order(&self, dialect: &dyn Dialect, name: &str) -> Result<String> {
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
}

/// A relation as it stands in FROM.
pub(super) fn from_text(dialect: &dyn Dialect, relation: &Relation) -> Result<String> {
    match relation {
        Relation::Table(parts) => Ok(table_text(dialect, parts)),
        // The line break ends a comment that the query may end with.
        Relation::Query(query) => Ok(format!("({}\n)", check_select(query, &*dialect.grammar())?)),
        Relation::Export(_) => Err(no_rows()),
    }
}

/// Why a folder of exports is neither read nor appended to.
pub(super) fn no_rows() -> Error {
    let message = "rows are persisted to a source with `export`, and neither read from it nor appended";
    Error::new(ErrorKind::Unsupported, message).with_help("give a `table`; a `query` is good for reading")
}

/// A table's name, quoted.
pub(super) fn table_text(dialect: &dyn Dialect, parts: &[String]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| dialect.quote(part)).collect();
    parts.join(".")
}
