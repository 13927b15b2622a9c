//! Which formulation joins a view: by what the caller says, by an index, by how many pairs of an
//! entity row and a feature row of its keys there are.

use std::collections::BTreeMap;

use arrow::array::Array;
use futures::TryStreamExt;

use super::historical::Staging;
use super::prepare::View;
use super::table::{SOURCE, table_text};
use super::text::Entities;
use super::{Dialect, Formulation, SqlSession, SqlStore, fit, literal};
use crate::Result;
use crate::store::{EntityRows, ROW_NUMBER};

/// Of so many entity rows the keys are looked up to estimate the pairs.
const SAMPLED_KEYS: u64 = 64;

/// Of a table that is sampled, about so many rows are read.
const SAMPLED_ROWS: f64 = 30_000.0;

/// A sample of fewer rows is no estimate.
const FEW_SAMPLED_ROWS: f64 = 500.0;

/// Of so many entity rows each is looked at beside such a sample, of more a part.
const SAMPLED_ENTITIES: u64 = 100_000;

/// A join on keys and a ranking pay while there are at most so many pairs per row of both sides.
const PAIRS_PER_ROW: f64 = 4.0;

/// What a value takes on its way between the steps of a statement, about.
const BYTES_PER_VALUE: f64 = 16.0;

/// One probe of an index costs about as much as passing over so many rows.
const ROWS_PER_PROBE: u64 = 20;

/// A formulation and the reason for it, for people.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub formulation: Formulation,
    pub reason: String,
    /// About so many bytes pass from one step of the statement to the next, where that is known.
    pub bytes: Option<u64>,
}

fn choice(formulation: Formulation, reason: impl Into<String>) -> Choice {
    Choice {
        formulation,
        reason: reason.into(),
        bytes: None,
    }
}

/// What the configuration asks for.
///
/// # Errors
/// Config, where the dialect does not have it.
pub(super) fn configured<T: SqlStore>(store: &T) -> Result<Option<Formulation>> {
    let asked = store.formulation();
    asked.map_or(Ok(()), |asked| asked.check(store.dialect()))?;
    Ok(asked)
}

/// Chooses for one view. `staging` has the entity rows for who needs them in the engine.
pub(super) async fn choose<T: SqlStore>(
    store: &T,
    view: &View,
    staging: &Staging<'_, T::Session, T::Source>,
) -> Result<Choice> {
    let (dialect, session, rows) = (store.dialect(), staging.session, staging.rows());
    let (default, quick) = dialect.formulations();
    let safe = possible(default, view);
    if let Some(asked) = configured(store)? {
        let formulation = possible(asked, view);
        let reason = match formulation == asked {
            true => "as configured".to_owned(),
            false => format!("as the configured `{}` cannot join it", asked.name()),
        };
        return Ok(choice(formulation, reason));
    }
    if default == quick && !dialect.lateral() {
        return Ok(choice(safe, "the best for every shape of data"));
    }
    let known = match &view.table.table {
        Some(table) => session.row_estimate(table).await?,
        None => None,
    };
    if dialect.lateral()
        && let Some(chosen) = by_index(session, view, rows.num_rows(), known).await?
    {
        return Ok(chosen);
    }
    if view.keys.is_empty() {
        return Ok(choice(safe, "no keys: every entity row meets every feature row"));
    }
    let Some(fan_out) = FanOut::estimate(dialect, view, staging, known).await? else {
        return Ok(choice(safe, "no estimate of the pairs"));
    };
    let most = PAIRS_PER_ROW * (fan_out.features + rows.num_rows() as f64);
    let formulation = if fan_out.pairs <= most { quick } else { safe };
    let reason = format!("about {:.0} pairs, {:.0} feature rows", fan_out.pairs, fan_out.features);
    let moved = fan_out.features + if formulation == quick { fan_out.pairs } else { 0.0 };
    Ok(Choice {
        bytes: Some((moved * width(view)) as u64),
        ..choice(formulation, reason)
    })
}

/// Bytes of a row that is joined, about: its keys, times and columns.
fn width(view: &View) -> f64 {
    (view.keys.len() + 2 + view.columns.len()) as f64 * BYTES_PER_VALUE
}

/// What the views' statement moves, if it is known of each: they are joined one beside the other.
pub(super) fn moved(choices: &[Choice]) -> Option<u64> {
    let each: Option<Vec<u64>> = choices.iter().map(|choice| choice.bytes).collect();
    each?.into_iter().max()
}

/// What the view can be joined by: a struct is only compared where all that is in it compares, and only
/// some can leave out what was created too late.
fn possible(formulation: Formulation, view: &View) -> Formulation {
    match formulation {
        Formulation::RunningStruct if !view.columns.iter().all(|(_, comparable)| *comparable) => {
            Formulation::RunningTime
        }
        Formulation::LastValue | Formulation::AsOf if view.known_in_time => Formulation::RunningTime,
        Formulation::Lateral if !view.by_columns => Formulation::RunningTime,
        other => other,
    }
}

/// An index on keys and time answers a few entity rows without reading the table.
async fn by_index<S: SqlSession>(session: &S, view: &View, rows: u64, known: Option<u64>) -> Result<Option<Choice>> {
    let (Some(table), Some(known), true) = (&view.table.table, known, view.by_columns) else {
        return Ok(None);
    };
    let probes = if view.keys.is_empty() {
        rows
    } else {
        rows.saturating_mul(ROWS_PER_PROBE)
    };
    if probes >= known {
        return Ok(None);
    }
    let mut columns: Vec<&str> = view.source.keys.iter().map(String::as_str).collect();
    columns.push(&view.source.timestamp);
    if !session.has_index(table, &columns).await? {
        return Ok(None);
    }
    let reason = format!(
        "an index on ({}), {rows} probes against {known} rows",
        columns.join(", ")
    );
    Ok(Some(choice(Formulation::Lateral, reason)))
}

/// How many feature rows can matter, and how many pairs they make with the entity rows of their keys.
struct FanOut {
    features: f64,
    pairs: f64,
}

impl FanOut {
    async fn estimate<S: SqlSession, O>(
        dialect: &dyn Dialect,
        view: &View,
        staging: &Staging<'_, S, O>,
        known: Option<u64>,
    ) -> Result<Option<Self>> {
        let rows = staging.rows();
        let table = view.table.table.as_ref().zip(known.filter(|known| *known > 0));
        if let Some((table, known)) = table {
            let percent = (100.0 * SAMPLED_ROWS / known as f64).clamp(0.01, 100.0);
            let source = format!("{} AS {}", table_text(dialect, table), dialect.quote(SOURCE));
            if let Some(sample) = dialect.sample(&source, percent) {
                let step = step(rows.num_rows());
                let query = sampled_rows(dialect, view, staging.entities().await?, step, &sample);
                let found = numbers(staging.session, &query).await?;
                let scale = |at: usize| found.get(at).copied().unwrap_or_default() * 100.0 / percent;
                // Too few rows say nothing: they came from a page or two.
                if found.first().is_some_and(|rows| *rows >= FEW_SAMPLED_ROWS) {
                    return Ok(Some(Self {
                        features: scale(0),
                        pairs: scale(1) * step as f64,
                    }));
                }
            }
        }
        let (sampled, keys) = sampled_keys(dialect, view, rows).await?;
        if keys.is_empty() {
            return Ok(None);
        }
        let found = numbers(staging.session, &keys_counted(dialect, view, &keys)).await?;
        let [features, pairs] = found.as_slice() else {
            return Ok(None);
        };
        Ok(Some(Self {
            features: *features,
            pairs: pairs * rows.num_rows() as f64 / sampled as f64,
        }))
    }
}

async fn numbers<S: SqlSession>(session: &S, query: &str) -> Result<Vec<f64>> {
    fit::numbers(&session.query(query).await?.collect().await?)
}

/// Every how many entity rows one is looked at: a prime, as a frame is often so many keys again and again.
fn step(rows: u64) -> u64 {
    let is_prime = |number: &u64| {
        (2..*number)
            .take_while(|by| by * by <= *number)
            .all(|by| !number.is_multiple_of(by))
    };
    let least = rows.div_ceil(SAMPLED_ENTITIES).max(1);
    (least..).find(is_prime).unwrap_or(least)
}

/// Of a sample of the source's rows: how many can matter, and their pairs with every `step`th entity row.
fn sampled_rows(dialect: &dyn Dialect, view: &View, staged: &Entities, step: u64, sample: &str) -> String {
    let quote = |name: &str| dialect.quote(name);
    let (g, e, n) = (quote("g"), quote("e"), quote("n"));
    let keys: Vec<String> = view
        .keys
        .iter()
        .map(|key| format!("{e}.{}", quote(&key.entity)))
        .collect();
    let on: Vec<String> = view
        .keys
        .iter()
        .map(|key| format!("{g}.{} = {}", quote(&key.entity), key.expr))
        .collect();
    let some = match step {
        1 => String::new(),
        step => format!(" WHERE MOD({e}.{}, {step}) = 0", quote(ROW_NUMBER)),
    };
    format!(
        "SELECT COUNT(*), SUM({g}.{n}) FROM {sample} LEFT JOIN (SELECT {keys}, COUNT(*) AS {n} FROM {from} AS {e}{some} \
         GROUP BY {keys}) AS {g} ON {on} WHERE {conditions}",
        keys = keys.join(", "),
        from = staged.from,
        on = on.join(" AND "),
        conditions = view.conditions.join(" AND "),
    )
}

/// The keys of rows spread over the frame, as literals, each with how often it was drawn; and how
/// many rows were drawn.
async fn sampled_keys(
    dialect: &dyn Dialect,
    view: &View,
    rows: &EntityRows,
) -> Result<(u64, BTreeMap<Vec<String>, u64>)> {
    let step = rows.num_rows().div_ceil(SAMPLED_KEYS).max(1);
    let (mut next, mut first, mut drawn, mut keys) = (0, 0, 0, BTreeMap::new());
    let mut stream = rows.stream()?;
    while let Some(batch) = stream.try_next().await? {
        let columns = view.keys.iter().map(|key| batch.column_by_name(&key.entity));
        let Some(columns) = columns.collect::<Option<Vec<_>>>() else {
            break;
        };
        let end = first + batch.num_rows() as u64;
        while next < end {
            let row = usize::try_from(next - first).unwrap_or_default();
            drawn += 1;
            if columns.iter().all(|column| column.is_valid(row)) {
                let key = columns.iter().map(|column| literal(dialect, column.as_ref(), row));
                *keys.entry(key.collect::<Result<Vec<_>>>()?).or_insert(0) += 1;
            }
            next += step;
        }
        first = end;
    }
    Ok((drawn.max(1), keys))
}

/// How many of the source's rows can matter, and the sum of how often their keys were drawn.
fn keys_counted(dialect: &dyn Dialect, view: &View, keys: &BTreeMap<Vec<String>, u64>) -> String {
    let quote = |name: &str| dialect.quote(name);
    let (e, n) = (quote("e"), quote("n"));
    let places = 0..view.keys.len();
    let columns: Vec<String> = places
        .map(|place| format!("k{place}"))
        .chain(["n".to_owned()])
        .collect();
    let drawn = keys.iter().map(|(key, drawn)| {
        let values = key.iter().cloned();
        values.chain([drawn.to_string()]).collect()
    });
    let on = view.keys.iter().zip(&columns);
    let on: Vec<String> = on
        .map(|(key, column)| format!("{e}.{} = {}", quote(column), key.expr))
        .collect();
    format!(
        "SELECT COUNT(*), SUM({e}.{n}) FROM {from} AS {s} LEFT JOIN {drawn} AS {e} ON {on} WHERE {conditions}",
        from = view.table.from,
        s = quote(SOURCE),
        drawn = literals(dialect, &columns, &drawn.collect::<Vec<_>>()),
        on = on.join(" AND "),
        conditions = view.conditions.join(" AND "),
    )
}

/// Rows of literals as they stand in FROM, without an alias.
fn literals(dialect: &dyn Dialect, columns: &[String], rows: &[Vec<String>]) -> String {
    let columns: Vec<String> = columns.iter().map(|name| dialect.quote(name)).collect();
    if dialect.values_in_from() {
        let rows: Vec<String> = rows.iter().map(|row| format!("({})", row.join(", "))).collect();
        let (rows, v) = (rows.join(", "), dialect.quote("v"));
        return format!("(SELECT * FROM (VALUES {rows}) AS {v}({}))", columns.join(", "));
    }
    let select = |values: &Vec<String>| {
        let named = values.iter().zip(&columns);
        let named: Vec<String> = named.map(|(value, name)| format!("{value} AS {name}")).collect();
        format!("SELECT {}", named.join(", "))
    };
    format!("({})", rows.iter().map(select).collect::<Vec<_>>().join(" UNION ALL "))
}

/// What is chosen where the engine is not asked.
pub(super) fn choose_without_asking<T: SqlStore>(store: &T, view: &View) -> Result<Formulation> {
    let asked = configured(store)?.unwrap_or(store.dialect().formulations().0);
    Ok(possible(asked, view))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_entity_rows_a_part_is_looked_at() {
        let steps = [0, 1, 100_000, 100_001, 400_000, 1_000_000, 10_000_000].map(step);
        assert_eq!(steps, [1, 1, 1, 2, 5, 11, 101]);
    }
}
