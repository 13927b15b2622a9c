//! Names and texts in SQL, and the names of what is temporary.

use std::collections::BTreeMap;

use crate::client::TableReference;

/// An identifier, quoted.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// A text literal.
pub(crate) fn text(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for c in text.chars() {
        match c {
            '\\' => literal.push_str("\\\\"),
            '\'' => literal.push_str("\\'"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\0' => literal.push_str("\\0"),
            c => literal.push(c),
        }
    }
    literal.push('\'');
    literal
}

/// A table's name, quoted.
pub(crate) fn table(table: &TableReference) -> String {
    let parts = [&table.project_id, &table.dataset_id, &table.table_id];
    parts.map(|part| quoted(part)).join(".")
}

/// Names with commas between.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// Labels as pairs, with commas between.
pub(crate) fn labels(labels: &BTreeMap<String, String>) -> String {
    let pairs = labels
        .iter()
        .map(|(key, value)| format!("({}, {})", text(key), text(value)));
    pairs.collect::<Vec<_>>().join(", ")
}

/// A new name of a temporary table.
pub(crate) fn temporary() -> String {
    format!("hybrid_tmp_{}", uuid::Uuid::new_v4().simple())
}

/// Whether a column may be called so in every table: others are renamed on their way.
pub(crate) fn is_plain(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= 300
        && !RESERVED
            .iter()
            .any(|prefix| name.to_ascii_uppercase().starts_with(prefix))
}

/// What the name of no column begins with.
const RESERVED: [&str; 7] = [
    "_PARTITION",
    "_TABLE_",
    "_FILE_",
    "_ROW_TIMESTAMP",
    "__ROOT__",
    "_COLIDENTIFIER",
    "_CHANGE_",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_quotes() {
        assert_eq!(quoted("a`b\\"), "`a\\`b\\\\`");
        assert_eq!(text("it's\n\\ x"), "'it\\'s\\n\\\\ x'");
    }

    #[test]
    fn columns_that_no_table_has_are_known() {
        for plain in ["driver_id", "__hybrid_row", "A1"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in ["", "1a", "a b", "größe", "a.b", "_partitiontime", "_TABLE_SUFFIX"] {
            assert!(!is_plain(other), "{other}");
        }
    }
}
