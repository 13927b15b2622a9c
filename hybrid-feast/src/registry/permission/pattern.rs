use std::fmt;

use regex::{Regex, RegexBuilder};

/// What a pattern may take when compiled; names are short, and so are patterns for them.
const LARGEST: usize = 1 << 20;

/// A regular expression that a name must match from its beginning to its end.
pub(super) enum NamePattern {
    Whole(Regex),
    /// It matches nothing, for this reason.
    Broken(String),
}

impl NamePattern {
    /// Reads a pattern. Python's expressions can do a few things more, such as looking ahead: a
    /// pattern that uses them matches no name, so that it grants nothing.
    pub(super) fn new(pattern: &str) -> Self {
        let pattern = pattern.trim();
        let compiled = |text: &str| RegexBuilder::new(text).size_limit(LARGEST).build();
        // First by itself: `a)|(b` is none, but would be one inside of the parentheses.
        let whole = compiled(pattern).and_then(|_| compiled(&format!(r"\A(?:{pattern})\z")));
        match whole {
            Ok(regex) => Self::Whole(regex),
            Err(error) => Self::Broken(format!(
                "`{pattern}` cannot be used as a pattern: {}",
                last_line(&error)
            )),
        }
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        matches!(self, Self::Whole(regex) if regex.is_match(name))
    }

    /// Why it matches nothing, where it does not.
    pub(super) fn broken(&self) -> Option<&str> {
        match self {
            Self::Whole(_) => None,
            Self::Broken(reason) => Some(reason),
        }
    }
}

impl fmt::Debug for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(regex) => f.write_str(regex.as_str()),
            Self::Broken(reason) => f.write_str(reason),
        }
    }
}

/// The reason stands behind a drawing of where in the pattern it is.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next_back().unwrap_or_default().trim();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_a_whole() {
        for (pattern, name, matches) in [
            ("driver.*", "driver_stats", true),
            ("driver", "driver_stats", false),
            ("stats", "driver_stats", false),
            ("a|ab", "ab", true),
            ("a|b", "xb", false),
            ("^a$", "a", true),
            ("  a ", "a", true),
            ("(?i)A.", "ab", true),
            ("", "a", false),
            (r"\w+", "größe", true),
        ] {
            assert_eq!(NamePattern::new(pattern).matches(name), matches, "{pattern} on {name}");
        }
    }

    #[test]
    fn what_cannot_be_read_matches_nothing_and_says_why() {
        for pattern in ["(", "a)|(?:.*", "(?!x).*", "(?x)a # .*", r"(.)\1", "(a{1000}){1000}"] {
            let pattern = NamePattern::new(pattern);
            assert!(!pattern.matches("a") && !pattern.matches(""), "{pattern:?}");
            assert!(
                pattern.broken().is_some_and(|reason| reason.contains("cannot be used")),
                "{pattern:?}"
            );
        }
        let reason = NamePattern::new("(?!x).*");
        assert!(
            reason.broken().is_some_and(|reason| reason.contains("look-around")),
            "{reason:?}"
        );
    }
}
