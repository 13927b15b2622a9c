//! Names in SQL, and the names of what is temporary.

/// What every temporary table and stage starts with.
const TEMPORARY: &str = "hybrid_tmp_";

/// An identifier, quoted: its letters stay as they are.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text literal. A backslash begins an escape in Snowflake.
pub(crate) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
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

/// A new name of something temporary; it lives in the session, so no two of one name ever meet.
pub(crate) fn temporary() -> String {
    quoted(&format!("{TEMPORARY}{}", uuid::Uuid::new_v4().simple()))
}

/// A text that LIKE compares letter by letter.
pub(crate) fn exactly(name: &str) -> String {
    let escaped: String = name
        .chars()
        .flat_map(|letter| {
            let escape = matches!(letter, '%' | '_' | '\\').then_some('\\');
            escape.into_iter().chain([letter])
        })
        .collect();
    text(&escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_is_escaped() {
        assert_eq!(table(&["a\"b", "c"]), "\"a\"\"b\".\"c\"");
        assert_eq!(text("it's \\n"), "'it''s \\\\n'");
        assert_eq!(exactly("a_b%"), "'a\\\\_b\\\\%'");
        assert_eq!(list(["a", "b"]), "\"a\", \"b\"");
    }
}
