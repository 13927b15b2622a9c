//! Names in SQL, and the names of what is temporary.

use std::time::{SystemTime, UNIX_EPOCH};

/// What every temporary table and folder starts with.
const TEMPORARY: &str = "hybrid_tmp_";

/// An identifier, quoted.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text literal.
pub(crate) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A table's name from its parts.
pub(crate) fn table<S: AsRef<str>>(parts: &[S]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| quoted(part.as_ref())).collect();
    parts.join(".")
}

/// Names with commas between.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// A new name of something temporary, which says when it was made.
pub(crate) fn temporary() -> String {
    format!("{TEMPORARY}{}_{}", now(), uuid::Uuid::new_v4().simple())
}

/// Whether it is the name of something temporary that was made more than `seconds` ago.
pub(crate) fn is_older(name: &str, seconds: u64) -> bool {
    let made = name.strip_prefix(TEMPORARY).and_then(|rest| rest.split_once('_'));
    let made = made.filter(|(_, id)| uuid::Uuid::try_parse(id).is_ok());
    made.and_then(|(made, _)| made.parse::<u64>().ok())
        .is_some_and(|made| made.saturating_add(seconds) < now())
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_temporary_and_old_is_older() {
        let id = uuid::Uuid::new_v4().simple();
        assert!(is_older(&format!("hybrid_tmp_1_{id}"), 10));
        assert!(!is_older(&format!("hybrid_tmp_{}_{id}", now()), 10));
        for other in [
            "hybrid_tmp_",
            "hybrid_tmp_1",
            "hybrid_tmp_1_x",
            "drivers",
            &format!("my_hybrid_tmp_1_{id}"),
        ] {
            assert!(!is_older(other, 10), "{other}");
        }
        assert!(!is_older(&temporary(), 10) && is_older(&temporary().replace(&now().to_string(), "7"), 10));
    }

    #[test]
    fn quotes_inside_are_doubled() {
        assert_eq!(table(&["a\"b", "c"]), "\"a\"\"b\".\"c\"");
        assert_eq!(text("it's"), "'it''s'");
    }
}
