//! What an operation would read, for people. Footers are read, rows are not.

use std::fmt::Write as _;
use std::path::PathBuf;

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
    let ttl = view.ttl.map_or_else(|| "none".to_owned(), |ttl| format!("{ttl} us"));
    let mut text = format!("point-in-time join of view {} on {on}, ttl {ttl}\n", view.name);
    describe(
        &mut text,
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
    describe(&mut text, &table, columns.columns.names(), wanted, &plan);
    Ok(text)
}

fn describe(text: &mut String, table: &Table, columns: &[String], wanted: &Wanted, plan: &Plan) {
    // Writing to a String does not fail.
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
    let time = |micros: Option<i64>| {
        let time = micros.and_then(hybrid_core::chrono::DateTime::from_timestamp_micros);
        time.map_or_else(|| "any".to_owned(), |time| time.to_rfc3339())
    };
    format!("from {} to {}", time(start), time(end))
}
