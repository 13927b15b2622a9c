//! The naming rule: a store's key is the name of its source type without `Source`, lowercased.
//!
//! Const fns, so that a registration that breaks the rule is found by `cargo check`.

/// Refuses, with one whole sentence, a key that is not that of `source_type` and aliases that are
/// malformed or written twice.
///
/// # Panics
/// That is how a const fn refuses.
#[track_caller]
pub(super) const fn check(key: &str, aliases: &[&str], source_type: &str) {
    check_source_type(source_type);
    if !is_key_of(key, source_type) {
        refuse(
            &Sentence::new("store key `")
                .with(key)
                .with("` does not match its source type `")
                .with(source_type)
                .with("`, whose key is `")
                .with_lowercase(stem(source_type))
                .with("`"),
        );
    }
    let mut i = 0;
    while i < aliases.len() {
        check_alias(aliases, i, key);
        i += 1;
    }
}

/// Whether `a` and `b` are the same text.
pub(crate) const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    i == a.len() && i == b.len()
}

/// The part of a source type's name that gives the key.
const fn stem(source_type: &str) -> &str {
    let length = source_type.len();
    if length < SUFFIX.len() || !source_type.is_char_boundary(length - SUFFIX.len()) {
        return source_type;
    }
    let (stem, suffix) = source_type.split_at(length - SUFFIX.len());
    if same(suffix, SUFFIX) { stem } else { source_type }
}

const SUFFIX: &str = "Source";

#[track_caller]
const fn check_source_type(name: &str) {
    let stem = stem(name);
    let bytes = stem.as_bytes();
    let mut valid = stem.len() < name.len() && !stem.is_empty() && bytes[0].is_ascii_alphabetic();
    let mut i = 0;
    while i < bytes.len() {
        valid &= bytes[i].is_ascii_alphanumeric();
        i += 1;
    }
    if !valid {
        refuse(
            &Sentence::new("source type `")
                .with(name)
                .with("` is not letters and digits followed by `Source`, as in `BigQuerySource`"),
        );
    }
}

const fn is_key_of(key: &str, source_type: &str) -> bool {
    let (key, stem) = (key.as_bytes(), stem(source_type).as_bytes());
    let mut i = 0;
    while i < key.len() && i < stem.len() && key[i] == stem[i].to_ascii_lowercase() {
        i += 1;
    }
    i == key.len() && i == stem.len()
}

#[track_caller]
const fn check_alias(aliases: &[&str], index: usize, key: &str) {
    let alias = aliases[index];
    if !is_alias(alias) {
        refuse(
            &Sentence::new("alias `")
                .with(alias)
                .with("` of store `")
                .with(key)
                .with("` is not made of lowercase letters, digits, `_` and dots"),
        );
    }
    let mut repeated = same(alias, key);
    let mut i = 0;
    while i < index {
        repeated |= same(alias, aliases[i]);
        i += 1;
    }
    if repeated {
        refuse(
            &Sentence::new("store `")
                .with(key)
                .with("` has the name `")
                .with(alias)
                .with("` twice"),
        );
    }
}

/// Words of lowercase letters, digits and `_` that start with a letter, joined by dots.
const fn is_alias(alias: &str) -> bool {
    let bytes = alias.as_bytes();
    let mut starts_word = true;
    let mut i = 0;
    while i < bytes.len() {
        let byte = bytes[i];
        let fits =
            byte.is_ascii_lowercase() || (!starts_word && (byte.is_ascii_digit() || matches!(byte, b'_' | b'.')));
        if !fits {
            return false;
        }
        starts_word = byte == b'.';
        i += 1;
    }
    !starts_word
}

#[track_caller]
pub(crate) const fn refuse(sentence: &Sentence) -> ! {
    panic!("{}", sentence.text())
}

/// A text built in a const fn, cut off where its room ends.
pub(crate) struct Sentence {
    bytes: [u8; 400],
    length: usize,
}

impl Sentence {
    pub(crate) const fn new(start: &str) -> Self {
        Self {
            bytes: [0; 400],
            length: 0,
        }
        .with(start)
    }

    pub(crate) const fn with(self, text: &str) -> Self {
        self.append(text, false)
    }

    const fn with_lowercase(self, text: &str) -> Self {
        self.append(text, true)
    }

    const fn append(mut self, text: &str, lowercase: bool) -> Self {
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() && self.length < self.bytes.len() {
            let byte = bytes[i];
            self.bytes[self.length] = if lowercase { byte.to_ascii_lowercase() } else { byte };
            self.length += 1;
            i += 1;
        }
        self
    }

    const fn text(&self) -> &str {
        match str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => "a store's key, alias or source type breaks the naming rule",
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refusal(key: &'static str, aliases: &'static [&'static str], source_type: &'static str) -> String {
        let panic = std::panic::catch_unwind(|| check(key, aliases, source_type)).unwrap_err();
        panic.downcast_ref::<String>().unwrap().clone()
    }

    #[test]
    fn accepts_the_key_of_the_type_and_dotted_aliases() {
        check("bigquery", &[], "BigQuerySource");
        check("s3", &["snowflake.offline", "a_1"], "S3Source");
    }

    #[test]
    fn refuses_another_key_and_says_the_right_one() {
        let expected = "store key `bigquery` does not match its source type `RedshiftSource`, whose key is `redshift`";
        assert_eq!(refusal("bigquery", &[], "RedshiftSource"), expected);
        assert!(refusal("", &[], "RedshiftSource").starts_with("store key `` does not match"));
        assert!(refusal("RedShift", &[], "RedShiftSource").ends_with("whose key is `redshift`"));
    }

    #[test]
    fn refuses_a_type_that_gives_no_key() {
        for name in [
            "Source",
            "",
            "Bigquery",
            "Big_QuerySource",
            "1Source",
            "ÄSource",
            "Sourceé",
        ] {
            let expected =
                format!("source type `{name}` is not letters and digits followed by `Source`, as in `BigQuerySource`");
            assert_eq!(refusal("bigquery", &[], name), expected);
        }
    }

    #[test]
    fn refuses_malformed_and_repeated_aliases() {
        for alias in ["", "Dask", ".a", "a.", "a..b", "1a", "a b", "a-b", "é"] {
            let said = refusal("file", Box::leak(Box::new([alias])), "FileSource");
            assert!(
                said.starts_with(&format!("alias `{alias}` of store `file` is not")),
                "{said}"
            );
        }
        assert_eq!(
            refusal("file", &["file"], "FileSource"),
            "store `file` has the name `file` twice"
        );
        assert_eq!(
            refusal("file", &["a", "b", "a"], "FileSource"),
            "store `file` has the name `a` twice"
        );
    }

    #[test]
    fn long_names_are_cut_and_not_overrun() {
        let name: &'static str = Box::leak(format!("{}é", "x".repeat(1000)).into_boxed_str());
        assert_eq!(refusal("x", &[], name).len(), 400);
    }
}
