//! What expansions of the macros and of the facade name. No public API: it changes without notice.

pub use inventory;

pub use crate::store::known::KnownTable;
pub use crate::store::registration::Submitted;
pub use crate::store::{DataSource, KnownBackend, Registered, Registration};

use crate::store::rule::{Sentence, refuse, same};

/// Refuses a facade whose lines share a name, or do not say what a backend's crate registers.
///
/// # Panics
/// At compile time, naming the keys.
#[track_caller]
pub const fn check_table(lines: &[KnownBackend], registrations: &[&Registration]) {
    let mut i = 0;
    while i < lines.len() {
        let mut j = i + 1;
        while j < lines.len() {
            check_pair(&lines[i], &lines[j]);
            j += 1;
        }
        i += 1;
    }
    let mut i = 0;
    while i < registrations.len() {
        check_listed(lines, registrations[i]);
        i += 1;
    }
}

#[track_caller]
const fn check_listed(lines: &[KnownBackend], registration: &Registration) {
    let mut i = 0;
    while i < lines.len() {
        if same(lines[i].key, registration.key) && all_same(lines[i].aliases, registration.aliases) {
            return;
        }
        i += 1;
    }
    refuse(
        &Sentence::new("the facade has no line with the key and the aliases of store `")
            .with(registration.key)
            .with("` of crate `")
            .with(registration.crate_name)
            .with("`"),
    );
}

const fn all_same(a: &[&str], b: &[&str]) -> bool {
    let mut i = 0;
    while i < a.len() && i < b.len() && same(a[i], b[i]) {
        i += 1;
    }
    i == a.len() && i == b.len()
}

#[track_caller]
const fn check_pair(a: &KnownBackend, b: &KnownBackend) {
    let mut i = 0;
    while i <= a.aliases.len() {
        let name = name_at(a, i);
        let mut j = 0;
        while j <= b.aliases.len() {
            if same(name, name_at(b, j)) {
                refuse(
                    &Sentence::new("stores `")
                        .with(a.key)
                        .with("` and `")
                        .with(b.key)
                        .with("` both have the name `")
                        .with(name)
                        .with("`"),
                );
            }
            j += 1;
        }
        i += 1;
    }
}

const fn name_at(store: &KnownBackend, index: usize) -> &'static str {
    if index == 0 {
        store.key
    } else {
        store.aliases[index - 1]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::store::known::tests::registration;

    const fn line(key: &'static str, aliases: &'static [&'static str]) -> KnownBackend {
        KnownBackend {
            key,
            aliases,
            feature: key,
            package: "p",
            available: true,
        }
    }

    fn refusal(lines: &[KnownBackend], registrations: &[&'static Registration]) -> String {
        let panic = std::panic::catch_unwind(|| check_table(lines, registrations)).unwrap_err();
        panic.downcast_ref::<String>().unwrap().clone()
    }

    fn registered(key: &'static str, aliases: &'static [&'static str]) -> &'static [&'static Registration] {
        Box::leak(Box::new([registration(key, aliases, "c")]))
    }

    #[test]
    fn different_names_and_true_lines_pass() {
        let lines = &[line("a", &["b"]), line("c", &["d", "e"]), line("f", &[])];
        check_table(lines, registered("c", &["d", "e"]));
    }

    #[test]
    fn a_shared_name_is_refused_wherever_it_stands() {
        assert_eq!(
            refusal(&[line("a", &[]), line("a", &[])], &[]),
            "stores `a` and `a` both have the name `a`"
        );
        assert_eq!(
            refusal(&[line("a", &["c"]), line("b", &["c"])], &[]),
            "stores `a` and `b` both have the name `c`"
        );
        assert_eq!(
            refusal(&[line("a", &["x", "b"]), line("b", &[])], &[]),
            "stores `a` and `b` both have the name `b`"
        );
        assert_eq!(
            refusal(&[line("b", &[]), line("a", &["x", "b"])], &[]),
            "stores `b` and `a` both have the name `b`"
        );
    }

    #[test]
    fn a_line_that_differs_from_its_crate_is_refused() {
        let expected = "the facade has no line with the key and the aliases of store `c` of crate `c`";
        for aliases in [&["d"][..], &[], &["e", "d"], &["d", "e", "f"]] {
            assert_eq!(refusal(&[line("c", &["d", "e"])], registered("c", aliases)), expected);
        }
        assert_eq!(refusal(&[line("a", &[])], registered("c", &[])), expected);
    }
}
