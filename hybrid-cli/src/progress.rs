//! How far a long operation is, on a terminal.

use hybrid_offline_store::Progress;
use indicatif::{ProgressBar, ProgressStyle};

const KNOWN: &str = "{spinner} {human_pos} of {human_len} rows read, {per_sec}, {eta} left";
const UNKNOWN: &str = "{spinner} {human_pos} rows read, {per_sec}";

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
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
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
