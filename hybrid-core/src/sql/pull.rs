//! The latest row per key, and every row, of a window.

use std::sync::Arc;

use arrow::datatypes::DataType;

use super::cleanup::{Guard, closing};
use super::fit::{Wanted, fitted};
use super::prepare::{SOURCE, Table, inside};
use super::{SqlSession, SqlStore};
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
    let table = Table::describe(store, session, &source.name, &source.options).await?;
    let (mut exprs, mut wanted) = (Vec::new(), Vec::new());
    for (place, column) in request.join_keys.iter().chain(request.features).enumerate() {
        let (described, raw) = (table.column(&column.source)?, table.expr(dialect, &column.source)?);
        exprs.push(match canonical_key_type(described.data_type()) {
            // As keys compare, so that what is pulled finds its rows again: char(n) without its blanks.
            Some(DataType::Utf8) if place < request.join_keys.len() => dialect.key(&raw, described, &DataType::Utf8)?,
            _ => dialect.selected(&raw, described),
        });
        wanted.push(Wanted::output(&table.name, column));
    }
    let mut order = Vec::new();
    let times = [
        (
            Some(source.timestamp_field.as_str()),
            Some(request.timestamp_name),
            "DESC",
        ),
        (
            source.created_timestamp_column.as_deref(),
            request.created_name,
            "DESC NULLS LAST",
        ),
    ];
    for (column, name, direction) in times {
        let Some(column) = column else { continue };
        let instant = table.instant(dialect, column)?;
        order.push(format!("{instant} {direction}"));
        if let Some(name) = name {
            exprs.push(instant);
            wanted.push(Wanted::instant(&table.name, column, name));
        }
    }
    let mut conditions = inside(store, &table, source, request.window, true)?;
    let keys = request.join_keys.iter().map(|key| table.expr(dialect, &key.source));
    let keys = keys.collect::<Result<Vec<_>>>()?;
    if request.latest {
        conditions.extend(keys.iter().map(|key| format!("{key} IS NOT NULL")));
    }
    let named = exprs
        .iter()
        .enumerate()
        .map(|(at, expr)| format!("{expr} AS {}", dialect.quote(&format!("o{at}"))));
    let named: Vec<String> = named.collect();
    let from = format!(
        "\nFROM {} AS {}\nWHERE {}",
        table.from,
        dialect.quote(SOURCE),
        conditions.join("\n  AND ")
    );
    let sql = match (request.latest, keys.as_slice()) {
        (false, _) => format!("SELECT {}{from}", named.join(", ")),
        (true, []) => format!(
            "SELECT {}{from}\nORDER BY {} LIMIT 1",
            named.join(", "),
            order.join(", ")
        ),
        (true, keys) => {
            let rank = dialect.quote("rank");
            let names: Vec<String> = (0..exprs.len()).map(|at| dialect.quote(&format!("o{at}"))).collect();
            format!(
                "SELECT {}\nFROM (\nSELECT {}, ROW_NUMBER() OVER (PARTITION BY {} ORDER BY {}) AS {rank}{from}\n) AS {r}\nWHERE {r}.{rank} = 1",
                names.join(", "),
                named.join(", "),
                keys.join(", "),
                order.join(", "),
                r = dialect.quote("r"),
            )
        }
    };
    Ok((sql, wanted))
}
