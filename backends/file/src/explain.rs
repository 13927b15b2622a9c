//! What an operation would read, for people. Footers are read, rows are not.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use hybrid_core::definitions::format_duration;
use hybrid_core::{Explain, HistoricalRequest, HistoricalView, Result};

use crate::FileSource;
use crate::columns::{Pull, PullColumns};
use crate::historical::{Frame, Prepared, prepare};
use crate::read::{Cancel, Plan, Table, Wanted, in_background, plan};
use crate::{all, latest};

pub(crate) async fn explain(base: PathBuf, operation: Explain<FileSource>) -> Result<String> {
    match operation {
        Explain::Historical(request) => historical(base, request).await,
        Explain::Latest(request) => {
            in_background(move |cancel| {
                pull(
                    &base,
                    &latest::asked(&request),
                    &latest::wanted(&request),
                    "latest row per key",
                    cancel,
                )
            })
            .await
        }
        Explain::All(request) => {
            in_background(move |cancel| {
                pull(
                    &base,
                    &all::asked(&request),
                    &all::wanted(&request),
                    "every row",
                    cancel,
                )
            })
            .await
        }
    }
}

async fn historical(base: PathBuf, request: HistoricalRequest<FileSource>) -> Result<String> {
    let frame = Frame::read(&request.entities).await?;
    in_background(move |cancel| {
        let views = request.views.iter().map(|view| {
            let prepared = prepare(&base, view, &frame, cancel)?;
            Ok(view_text(view, &prepared))
        });
        Ok(views.collect::<Result<Vec<String>>>()?.join("\n"))
    })
    .await
}

fn view_text(view: &HistoricalView<FileSource>, prepared: &Prepared) -> String {
    let keys: Vec<&str> = view.join_keys.iter().map(|key| key.entity.as_str()).collect();
    let on = if keys.is_empty() {
        "time alone".to_owned()
    } else {
        format!("{} and time", keys.join(", "))
    };
    let ttl = view.ttl.and_then(|ttl| u64::try_from(ttl).ok());
    let ttl = ttl.map_or_else(|| "none".to_owned(), |ttl| format_duration(Duration::from_micros(ttl)));
    let mut text = format!("point-in-time join of view {} on {on}, ttl {ttl}\n", view.name);
    describe(
        &mut text,
        &view.source.options.path,
        &prepared.table,
        prepared.columns.columns.names(),
        &prepared.wanted,
        &prepared.plan,
    );
    text
}

fn pull(base: &std::path::Path, asked: &Pull<'_>, wanted: &Wanted, what: &str, cancel: &Cancel) -> Result<String> {
    let table = Table::open(base, asked.source, cancel)?;
    let columns = PullColumns::new(&table, asked)?;
    let plan = plan(&table, wanted, cancel)?;
    let mut text = format!("{what} of source {}\n", table.name);
    describe(
        &mut text,
        &asked.source.options.path,
        &table,
        columns.columns.names(),
        wanted,
        &plan,
    );
    Ok(text)
}

fn describe(text: &mut String, path: &str, table: &Table, columns: &[String], wanted: &Wanted, plan: &Plan) {
    // Writing to a String does not fail.
    let _ = writeln!(text, "  path: {path}");
    let _ = writeln!(
        text,
        "  files: {} of {} ({:?})",
        plan.files_kept, plan.files, table.format
    );
    if plan.row_groups > 0 {
        let paged = plan.units.iter().filter(|unit| unit.pages.is_some()).count();
        let _ = writeln!(
            text,
            "  row groups: {} of {}, {paged} of them in part; rows: {} of {}",
            plan.units.len(),
            plan.row_groups,
            plan.rows_kept,
            plan.rows
        );
    }
    let _ = writeln!(text, "  columns: {}", columns.join(", "));
    let pruned: Vec<&str> = wanted.keys.iter().map(|key| key.column.as_str()).collect();
    let by_keys = if pruned.is_empty() {
        String::new()
    } else {
        format!(", keys {}", pruned.join(", "))
    };
    let _ = write!(
        text,
        "  pruned by: {} {}{by_keys}",
        wanted.timestamp,
        window(wanted.window)
    );
}

fn window((start, end): (Option<i64>, Option<i64>)) -> String {
    let time = |word: &str, micros: Option<i64>| {
        let time = hybrid_core::chrono::DateTime::from_timestamp_micros(micros?)?;
        Some(format!("{word} {}", time.to_rfc3339()))
    };
    let bounds: Vec<String> = [time("from", start), time("to", end)].into_iter().flatten().collect();
    match bounds.is_empty() {
        true => "without bound".to_owned(),
        false => bounds.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_says_only_the_ends_it_has() {
        assert_eq!(window((None, None)), "without bound");
        assert_eq!(window((Some(0), None)), "from 1970-01-01T00:00:00+00:00");
        assert_eq!(window((None, Some(1_000_000))), "to 1970-01-01T00:00:01+00:00");
    }
}
