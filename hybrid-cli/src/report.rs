//! What people are told: everything here goes to standard error, which is allowed to be gone.

use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use hybrid_offline_store::{Error, Summary};

/// Shows an error; several found at once are shown one by one.
pub fn error(error: &Error) {
    match error.problems() {
        [] => line(format_args!("error: {error}")),
        problems => problems.iter().for_each(self::error),
    }
}

/// How many single problems there are in an error.
pub fn count(error: &Error) -> usize {
    match error.problems() {
        [] => 1,
        problems => problems.iter().map(count).sum(),
    }
}

/// Shows a warning.
pub fn warning(text: impl Display) {
    line(format_args!("warning: {text}"));
}

/// Says what a person waits for.
#[cfg(feature = "serve")]
pub fn notice(text: impl Display) {
    line(text);
}

/// Shows which view goes to which store.
pub fn routes(routes: &[String]) {
    line("routing:");
    routes.iter().for_each(|route| line(format_args!("  {route}")));
}

/// Shows what a retrieval gave: rows, share of rows with a value per feature, time per store.
pub fn summary(summary: &Summary) {
    rows(summary.rows, summary.elapsed);
    let names = summary.values.iter().map(|(name, _)| name);
    let width = width(names.chain(summary.stores.iter().map(|(key, _)| key)));
    if !summary.values.is_empty() {
        line("rows with a value:");
    }
    for (name, values) in &summary.values {
        line(format_args!("  {name:width$}  {}", share(*values, summary.rows)));
    }
    if !summary.stores.is_empty() {
        line("time per store:");
    }
    for (key, time) in &summary.stores {
        line(format_args!("  {key:width$}  {}", seconds(*time)));
    }
}

/// Shows how many rows came, and how long they took.
pub fn rows(rows: u64, elapsed: Duration) {
    let plural = if rows == 1 { "row" } else { "rows" };
    line(format_args!("{rows} {plural} in {}", seconds(elapsed)));
}

/// Shows one line.
pub fn line(text: impl Display) {
    // Where standard error is closed there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

fn width<'a>(names: impl Iterator<Item = &'a String>) -> usize {
    names.map(|name| name.chars().count()).max().unwrap_or(0)
}

fn share(values: u64, rows: u64) -> String {
    if rows == 0 {
        return "no rows".to_owned();
    }
    // Exact enough for a percentage with one digit.
    #[allow(clippy::cast_precision_loss)]
    let percent = values as f64 * 100.0 / rows as f64;
    format!("{percent:5.1} %  ({values} of {rows})")
}

fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        return format!("{} ms", time.as_millis());
    }
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percentages_of_the_rows() {
        assert_eq!(share(1, 3), " 33.3 %  (1 of 3)");
        assert_eq!(share(3, 3), "100.0 %  (3 of 3)");
        assert_eq!(share(0, 0), "no rows");
    }

    #[test]
    fn times_are_milliseconds_below_a_second() {
        assert_eq!(seconds(Duration::from_micros(1_900)), "1 ms");
        assert_eq!(seconds(Duration::from_millis(1_250)), "1.2 s");
    }
}
