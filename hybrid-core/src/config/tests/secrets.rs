//! Nothing that is or may be a secret is in an error or in a `Debug`.

use serde::Deserialize;

use super::{config, definitions, parser, variable, with_store};
use crate::config::{Node, RepoConfig};
use crate::{Error, ErrorKind, Secret};

const SECRET: &str = "hunter2";

/// Every type that a secret may be put where another value is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Fields {
    password: Option<u16>,
    api_key: Option<bool>,
    private_key: Option<Mode>,
    token: Option<Refused>,
    url: Option<f64>,
    secrets: Option<Vec<u8>>,
    other: Option<u8>,
}

#[derive(Debug, Deserialize)]
enum Mode {
    One,
}

/// Refuses every text, and quotes it.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Refused;

impl TryFrom<String> for Refused {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Err(format!("{text:?} is no token"))
    }
}

#[track_caller]
fn check_hidden(error: &Error) {
    for shown in [error.to_string(), format!("{error:?}"), format!("{error:#?}")] {
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

#[test]
fn no_error_of_a_field_shows_it() {
    for text in [
        "password: hunter2",
        "api_key: hunter2",
        "private_key: hunter2",
        "token: hunter2",
        "token: ' hunter2'",
        "url: postgresql://user:hunter2@host/db",
        "secrets: [hunter2]",
        "secrets: {a: hunter2}",
        "{password: &p hunter2, other: *p}",
    ] {
        let node = Node::parse(text, "a.yaml".as_ref()).unwrap();
        let error = node.deserialize::<Fields>().unwrap_err();
        check_hidden(&error);
        for problem in error.problems() {
            assert!(problem.position().is_some(), "{problem}");
        }
    }
}

#[test]
fn no_error_shows_what_a_variable_gave() {
    let variable = |_: &str| Some(SECRET.to_owned());
    let store = "project: p\nregistry: r.db\noffline_store: {type: postgres, other: $X, token: $X, url: a$X}\n";
    let read = RepoConfig::parse_with(store, "f.yaml".as_ref(), &variable, &super::resolve).unwrap();
    check_hidden(&read.stores[0].fields.deserialize::<Fields>().unwrap_err());
    for text in [
        "project: '$X!'\n",
        "offline_store: $X\n",
        "registry: {registry_type: $X}\n",
        "offline_store: [$X]\n",
    ] {
        check_hidden(&RepoConfig::parse(text, "f.yaml".as_ref(), &variable).unwrap_err());
    }
}

#[test]
fn a_dollar_in_a_password_is_not_told() {
    let error = with_store("{type: postgres, password: 'pa$hunter2'}").unwrap_err();
    check_hidden(&error);
    assert_eq!(error.message(), "a variable in this value is not defined");
    let error = with_store("{type: postgres, password: $DB_PASSWORD}").unwrap_err();
    assert_eq!(error.message(), "the variable `DB_PASSWORD` is not defined");
}

#[test]
fn no_debug_shows_it() {
    let read = config(
        "project: p\nregistry: postgresql://user:hunter2@host/db\noffline_store: {type: postgres, password: hunter2, a: [{b: hunter2}]}\n",
    )
    .unwrap();
    let shown = format!("{read:?} {read:#?}");
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(
        shown.contains("password") && shown.contains("postgresql://[redacted]@host/db"),
        "{shown}"
    );
}

#[test]
fn no_debug_of_a_source_shows_it() {
    let read = definitions(
        "sources: [{name: s, type: file, path: a, api_key: hunter2, deep: [{token: hunter2, url: 'db://me:hunter2@host/a'}]}]",
    )
    .unwrap();
    let shown = format!("{read:?} {read:#?}");
    assert!(
        !shown.contains(SECRET) && shown.contains("db://[redacted]@host/a"),
        "{shown}"
    );
    assert_eq!(read.sources[0].options["api_key"], SECRET, "it is there all the same");
}

#[test]
fn no_syntax_error_shows_it() {
    for text in [
        "password: 'hunter2\n",
        "password: hunter2: a\n",
        "password: hunter2\n  b: c\n",
        "password: {hunter2\n",
    ] {
        check_hidden(&config(text).unwrap_err());
    }
}

#[test]
fn an_alias_is_as_secret_as_its_key() {
    let node = Node::parse("{a: &a {b: hunter2}, password: *a}", "a.yaml".as_ref()).unwrap();
    let error = node
        .get("password")
        .unwrap()
        .get("b")
        .unwrap()
        .deserialize::<u8>()
        .unwrap_err();
    check_hidden(&error);
}

#[test]
fn a_complaint_of_a_store_about_a_source_is_hidden() {
    let check = |text: &str, complaint: &str| {
        let complain = |_: &crate::Source, _: &Node| Err(vec![Error::new(ErrorKind::Definition, complaint)]);
        let text = format!("sources: [{{name: s, type: file, {text}}}]");
        parser::parse_with(&text, "f.yaml".as_ref(), &variable, &super::resolve, &complain).unwrap_err()
    };
    let error = check("path: a, token: hunter2", "`token` must be a number, not \"hunter2\"");
    assert_eq!(error.to_string(), "f.yaml:1:42: `token` is not valid");
    let error = check("path: a, pth: b", "unknown field `pth`, expected `path`");
    assert_eq!(error.to_string(), "f.yaml:1:42: unknown field `pth`, expected `path`");
    let error = check("path: a, token: hunter2", "hunter2 is wrong");
    assert_eq!(error.to_string(), "f.yaml:1:11: a field of this source is not valid");
}

#[test]
fn features_yaml_hides_it_too() {
    check_hidden(&definitions("sources: [{name: s, type: 'file://user:hunter2@host'}]").unwrap_err());
    check_hidden(&definitions("entities: [{name: s, tags: {password: [hunter2]}}]").unwrap_err());
}

#[test]
fn a_secret_is_read_and_never_shown() {
    #[derive(Debug, Deserialize)]
    struct Login {
        password: Secret,
    }
    let read = |text: &str| Node::parse(text, "a.yaml".as_ref()).unwrap().deserialize::<Login>();
    let login = read("password: hunter2").unwrap();
    assert_eq!(
        format!("{login:?} {}", login.password),
        "Login { password: [redacted] } [redacted]"
    );
    assert_eq!(read("password: 0123").unwrap().password.expose(), "0123");
    check_hidden(&read("password: [hunter2]").unwrap_err());
}
