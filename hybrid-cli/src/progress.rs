//! How far a long operation is, on a terminal.

use std::fmt::Write;

use hybrid_offline_store::Progress;
use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};

const KNOWN: &str = "{spinner} {human_pos} of {human_len} rows read, {rate} a second, {eta} left";
const UNKNOWN: &str = "{spinner} {human_pos} rows read, {rate} a second";

/// A line on standard error while something runs; nothing at all where that is no terminal.
pub struct Bar(ProgressBar);

impl Bar {
    pub fn new() -> Self {
        Self(ProgressBar::no_length().with_style(style(UNKNOWN)))
    }

    /// What an operation reports to.
    pub fn progress(&self) -> Progress {
        if self.0.is_hidden() {
            return Progress::default();
        }
        let bar = self.0.clone();
        Progress::new(move |rows, total| {
            if total.is_some() && bar.length() != total {
                bar.set_style(style(KNOWN));
                bar.set_length(total.unwrap_or_default());
            }
            bar.set_position(rows);
        })
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .with_key("rate", rate)
}

/// indicatif's own rate has four decimals.
fn rate(state: &ProgressState, out: &mut dyn Write) {
    let whole = format!("{:.0}", state.per_sec()).parse().unwrap_or_default();
    // Nothing can be done about a line that cannot be drawn.
    let _ = write!(out, "{}", HumanCount(whole));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_valid() {
        assert!(ProgressStyle::with_template(KNOWN).is_ok());
        assert!(ProgressStyle::with_template(UNKNOWN).is_ok());
    }
}
