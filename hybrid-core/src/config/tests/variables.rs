use serde::Deserialize;

use super::with_store;
use crate::config::Node;
use crate::{Result, Secret};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    host: Option<String>,
    port: Option<u16>,
    password: Option<Secret>,
}

fn fields(text: &str) -> Node {
    with_store(&format!("\n  type: postgres\n  {text}")).unwrap().stores[0]
        .fields
        .clone()
}

fn read(text: &str) -> Result<Fields> {
    fields(text).deserialize()
}

#[test]
fn both_forms_and_the_dollar_sign() {
    for (written, expected) in [
        ("$HOST", "db.example"),
        ("${HOST}", "db.example"),
        ("'a-${HOST}-$HOST.'", "a-db.example-db.example."),
        ("$$HOST", "$HOST"),
        ("$$$HOST", "$db.example"),
        ("'a$ b$1 $'", "a$ b$1 $"),
        ("\"${HOST}\"", "db.example"),
        ("$NULL", "null"),
        ("'$EMPTY'", ""),
    ] {
        assert_eq!(
            read(&format!("host: {written}")).unwrap().host.as_deref(),
            Some(expected),
            "{written}"
        );
    }
    assert_eq!(
        read("host: $EMPTY").unwrap().host,
        None,
        "an empty plain value is nothing"
    );
}

#[test]
fn a_plain_value_may_be_a_number_and_a_quoted_one_is_text() {
    assert_eq!(read("port: ${PORT}").unwrap().port, Some(5432));
    let json = fields("port: ${PORT}\n  quoted: '$PORT'\n  part: 1$PORT").to_json();
    assert_eq!(json, serde_json::json!({"port": 5432, "quoted": "5432", "part": 15432}));
    let error = read("port: \"${PORT}\"").unwrap_err();
    assert_eq!(
        error.to_string(),
        "repo/feature_store.yaml:5:9: `port` must be a whole number from 0 to 65535, not a text from a variable"
    );
}

#[test]
fn a_password_with_colon_hash_and_dollar_survives() {
    for written in ["$PASSWORD", "${PASSWORD}", "'${PASSWORD}'"] {
        let password = read(&format!("password: {written}")).unwrap().password.unwrap();
        assert_eq!(password.expose(), "p:a #b$c", "{written}");
    }
}

#[test]
fn undefined_variables_are_named_at_their_places() {
    let error = with_store("{type: postgres, host: $NO, port: ['${NEITHER}'], user: 'a-${not a name}'}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "3 problems\n\
         repo/feature_store.yaml:3:39: the variable `NO` is not defined\n  help: `$$` is a dollar sign\n\
         repo/feature_store.yaml:3:51: the variable `NEITHER` is not defined\n  help: `$$` is a dollar sign\n\
         repo/feature_store.yaml:3:72: `${` must be followed by the name of a variable and `}`\n  help: `$$` is a dollar sign"
    );
}

#[test]
fn braces_in_braces_are_explained() {
    let error = with_store("{type: postgres, port: ${PORT}}").unwrap_err();
    assert_eq!(
        error.help(),
        ["inside of braces and brackets write `$VAR`, or put `${VAR}` in quotes"]
    );
    assert!(with_store("{type: postgres, port: $PORT, host: '${HOST}'}").is_ok());
}

#[test]
fn a_type_may_come_from_a_variable() {
    let error = with_store("{type: $HOST}").unwrap_err();
    assert_eq!(
        error.message(),
        "unknown store type in `type`",
        "what a variable holds is not shown"
    );
}

#[test]
fn keys_are_not_expanded() {
    assert_eq!(fields("$HOST: 1").to_json(), serde_json::json!({"$HOST": 1}));
}

#[test]
fn types_of_fields() {
    for (text, expected) in [
        (
            "port: 70000",
            "`port` must be a whole number from 0 to 65535, not the number `70000`",
        ),
        (
            "port: -1",
            "`port` must be a whole number from 0 to 65535, not the number `-1`",
        ),
        (
            "port: 1.5",
            "`port` must be a whole number from 0 to 65535, not the number `1.5`",
        ),
        (
            "port: '1'",
            "`port` must be a whole number from 0 to 65535, not the text `1`",
        ),
        ("port: [1]", "`port` must be a whole number from 0 to 65535, not a list"),
        ("host: {a: 1}", "`host` must be a text, not a mapping"),
        ("prt: 1", "unknown field `prt`"),
    ] {
        assert_eq!(read(text).unwrap_err().message(), expected, "{text}");
    }
    let unknown = read("prt: 1").unwrap_err();
    assert_eq!(
        unknown.help(),
        ["did you mean `port`?", "the fields are host, port, password"]
    );
}

#[test]
fn several_problems_of_one_store() {
    let error = read("host: [a]\n  prt: 1\n  port: x\n  password: {}").unwrap_err();
    let places = error.problems().iter().map(|problem| {
        let at = problem.position().unwrap();
        (at.line, at.column)
    });
    assert_eq!(places.collect::<Vec<_>>(), [(5, 9), (6, 3), (7, 9), (8, 13)]);
}
