//! The latest row per key, and every row, of a window.

use std::sync::Arc;

use arrow::datatypes::DataType;

use super::cleanup::{Guard, closing};
use super::fit::{Wanted, fitted};
use super::partition::Partition;
use super::table::{SOURCE, Table};
use super::{Dialect, SqlSession, SqlStore};
use crate::canonical::canonical_key_type;
use crate::store::{Call, OutputColumn, PullAllRequest, PullLatestRequest, SourceTable};
use crate::{BatchStream, Result};

/// What both pulls ask for.
pub(super) struct Pull<'a, S> {
    pub source: &'a SourceTable<S>,
    pub join_keys: &'a [OutputColumn],
    pub features: &'a [OutputColumn],
    pub timestamp_name: &'a str,
    pub created_name: Option<&'a str>,
    pub window: (Option<i64>, Option<i64>),
    /// One row per key.
    pub latest: bool,
}

impl<'a, S> From<&'a PullLatestRequest<S>> for Pull<'a, S> {
    fn from(request: &'a PullLatestRequest<S>) -> Self {
        Self {
            source: &request.source,
            join_keys: &request.join_keys,
            features: &request.features,
            timestamp_name: &request.timestamp_name,
            created_name: request.created_name.as_deref(),
            window: (Some(request.start), Some(request.end)),
            latest: true,
        }
    }
}

impl<'a, S> From<&'a PullAllRequest<S>> for Pull<'a, S> {
    fn from(request: &'a PullAllRequest<S>) -> Self {
        Self {
            source: &request.source,
            join_keys: &request.join_keys,
            features: &request.features,
            timestamp_name: &request.timestamp_name,
            created_name: request.created_name.as_deref(),
            window: (request.start, request.end),
            latest: false,
        }
    }
}

pub(super) async fn pull<T: SqlStore>(store: &T, request: Pull<'_, T::Source>, call: &Call) -> Result<BatchStream> {
    let guard = Guard::new(store.session().await?, store.cleanup())?;
    let (sql, wanted) = statement(store, &*guard, &request).await?;
    let rows = fitted(guard.query(&sql).await?, wanted, call.progress.clone())?;
    Ok(closing(rows, Arc::new(guard)))
}

/// The statement, and what its columns become.
pub(super) async fn statement<T: SqlStore>(
    store: &T,
    session: &T::Session,
    request: &Pull<'_, T::Source>,
) -> Result<(String, Vec<Wanted>)> {
    let (dialect, source) = (store.dialect(), request.source);
    let table = Table::of(store, session, source).await?;
    let selected = Selected::of(dialect, &table, request)?;
    let mut conditions = table.between(dialect, &source.timestamp_field, request.window, true)?;
    if let Some(partition) = Partition::of(store, &table, source)? {
        conditions.extend(partition.conditions(request.window));
    }
    if request.latest {
        for key in request.join_keys {
            conditions.push(format!("{} IS NOT NULL", table.expr(dialect, &key.source)?));
        }
    }
    let from = format!(
        "\nFROM {} AS {}\nWHERE {}",
        table.from,
        dialect.quote(SOURCE),
        conditions.join("\n  AND ")
    );
    let sql = match (request.latest, selected.keys.as_slice()) {
        (false, _) => format!("SELECT {}{from}", selected.named(dialect)),
        (true, []) => format!(
            "SELECT {}{from}\nORDER BY {} LIMIT 1",
            selected.named(dialect),
            selected.order.join(", ")
        ),
        (true, _) => selected.latest_per(dialect, &from),
    };
    Ok((sql, selected.wanted))
}

/// What a pull selects.
#[derive(Default)]
struct Selected {
    exprs: Vec<String>,
    /// The join keys, as they compare.
    keys: Vec<String>,
    wanted: Vec<Wanted>,
    /// The latest first, then the latest created, then by the values, so that it is always the same row.
    order: Vec<String>,
}

impl Selected {
    fn of<S>(dialect: &dyn Dialect, table: &Table, request: &Pull<'_, S>) -> Result<Self> {
        let (mut this, mut ties) = (Self::default(), Vec::new());
        for (place, column) in request.join_keys.iter().chain(request.features).enumerate() {
            let (described, raw) = (table.column(&column.source)?, table.expr(dialect, &column.source)?);
            let is_key = place < request.join_keys.len();
            if !is_key && dialect.comparable(described) {
                ties.push(format!("{raw} DESC NULLS LAST"));
            }
            // As keys compare, so that what is pulled finds its rows again: char(n) without its blanks.
            let text = is_key && canonical_key_type(described.data_type()) == Some(DataType::Utf8);
            let key = if text {
                dialect.key(&raw, described, &DataType::Utf8)?
            } else {
                raw.clone()
            };
            this.exprs.push(if text {
                key.clone()
            } else {
                dialect.selected(&raw, described)
            });
            this.keys.extend(is_key.then_some(key));
            this.wanted.push(Wanted::output(&table.name, column));
        }
        this.times(dialect, table, request)?;
        this.order.extend(ties);
        Ok(this)
    }

    fn times<S>(&mut self, dialect: &dyn Dialect, table: &Table, request: &Pull<'_, S>) -> Result<()> {
        let source = request.source;
        let time = (Some(&source.timestamp_field), Some(request.timestamp_name), "DESC");
        let created = source.created_timestamp_column.as_ref();
        for (column, name, direction) in [time, (created, request.created_name, "DESC NULLS LAST")] {
            let Some(column) = column else { continue };
            let instant = table.instant(dialect, column)?;
            self.order.push(format!("{instant} {direction}"));
            if let Some(name) = name {
                self.exprs.push(instant);
                self.wanted.push(Wanted::instant(&table.name, column, name));
            }
        }
        Ok(())
    }

    /// `expr AS o0, …`
    fn named(&self, dialect: &dyn Dialect) -> String {
        let exprs = self.exprs.iter().enumerate();
        let named: Vec<String> = exprs
            .map(|(at, expr)| format!("{expr} AS {}", dialect.quote(&format!("o{at}"))))
            .collect();
        named.join(", ")
    }

    /// The first row of each key.
    fn latest_per(&self, dialect: &dyn Dialect, from: &str) -> String {
        let (r, rank) = (dialect.quote("r"), dialect.quote("rank"));
        let ranked = format!(
            "ROW_NUMBER() OVER (PARTITION BY {} ORDER BY {})",
            self.keys.join(", "),
            self.order.join(", ")
        );
        let named = self.named(dialect);
        if dialect.qualify() {
            return format!("SELECT {named}{from}\nQUALIFY {ranked} = 1");
        }
        let names: Vec<String> = (0..self.exprs.len())
            .map(|at| dialect.quote(&format!("o{at}")))
            .collect();
        format!(
            "SELECT {}\nFROM (\nSELECT {named}, {ranked} AS {rank}{from}\n) AS {r}\nWHERE {r}.{rank} = 1",
            names.join(", "),
        )
    }
}
