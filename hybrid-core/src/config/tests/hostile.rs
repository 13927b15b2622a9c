//! Files that no one writes by hand.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{check_errors, config, definitions};
use crate::config::{Node, RepoConfig, load_definitions};
use crate::{ErrorKind, Result};

fn parse(text: &str) -> Result<Node> {
    Node::parse(text, Path::new("a.yaml"))
}

#[test]
fn a_billion_laughs() {
    let mut text = "a0: &a0 lol\n".to_owned();
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("a{level}: &a{level} [{below}]\n");
    }
    let start = Instant::now();
    let error = parse(&text).unwrap_err();
    assert_eq!(
        error.message(),
        "more than a million values or 32 MiB, those of aliases counted each time"
    );
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn anchors_in_anchors_cost_what_they_copy() {
    let inside = "1, ".repeat(100_000);
    let text = format!(
        "{}{inside}{}",
        (0..30).map(|n| format!("&a{n} [")).collect::<String>(),
        "]".repeat(30)
    );
    assert_eq!(
        parse(&text).unwrap_err().message(),
        "more than a million values or 32 MiB, those of aliases counted each time"
    );
}

#[test]
fn long_texts_in_aliases_are_counted() {
    let text = format!("a: &a '{}'\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 100].join(", "));
    assert_eq!(
        parse(&text).unwrap_err().message(),
        "more than a million values or 32 MiB, those of aliases counted each time"
    );
}

#[test]
fn nesting() {
    let lists = |depth: usize| parse(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    assert!(lists(64).is_ok());
    assert_eq!(
        lists(65).unwrap_err().to_string(),
        "a.yaml:1:65: nested deeper than 64 levels"
    );
    for depth in [1_000, 100_000] {
        assert!(lists(depth).is_err());
        assert!(parse(&"- ".repeat(depth)).is_err());
        assert!(parse(&"a: {".repeat(depth)).is_err());
    }
    let chain: String = (1..70).map(|n| format!("a{n}: &a{n} [*a{}]\n", n - 1)).collect();
    let error = parse(&format!("a0: &a0 []\n{chain}")).unwrap_err();
    assert_eq!(error.message(), "nested deeper than 64 levels");
}

#[test]
fn aliases_and_merges() {
    let read =
        parse("base: &b {x: 1, y: 2}\none: {<<: *b, x: 3}\ntwo: {<<: [*b, {z: 4}]}\nquoted: {'<<': 5}\n").unwrap();
    let expected = serde_json::json!({
        "base": {"x": 1, "y": 2}, "one": {"x": 3, "y": 2}, "two": {"x": 1, "y": 2, "z": 4}, "quoted": {"<<": 5}
    });
    assert_eq!(read.to_json(), expected);
    check_errors(
        parse,
        &[
            ("a: &a [*a]\n", "a.yaml:1:8: this alias stands inside what it names"),
            (
                "? *a\n: 1\n",
                "a.yaml:1:3: this is no YAML: while parsing node, found unknown anchor",
            ),
        ],
    );
}

#[test]
fn a_nul_is_found_where_it_is() {
    let error = parse("a: 1\nbé: \0\n").unwrap_err();
    assert_eq!(error.to_string(), "a.yaml:2:5: a NUL character is no YAML");
}

#[test]
fn large_files_are_refused() {
    assert_eq!(
        parse(&" ".repeat((32 << 20) + 1)).unwrap_err().message(),
        "the file is larger than 32 MiB"
    );
}

#[test]
fn a_file_full_of_mistakes_is_soon_refused() {
    let features: String = (0..3_000).map(|n| format!("{{name: f{n}, dtype: Int64}}, ")).collect();
    let references: String = (0..3_000).map(|n| format!("'v:g{n}', ")).collect();
    let start = Instant::now();
    let error = definitions(&format!(
        "feature_views: [{{name: v, source: {{type: file}}, schema: [{features}]}}]\nfeature_services: [{{name: f, features: [{references}]}}]\n"
    ))
    .unwrap_err();
    assert_eq!(error.problems().len(), 100);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    let long = "k".repeat(1 << 22);
    assert!(config(&format!("{long}: 1\n")).unwrap_err().to_string().len() < 4096);
}

#[test]
fn what_is_no_text() {
    let folder = tempfile::tempdir().unwrap();
    let (path, repo) = (folder.path().join("feature_store.yaml"), folder.path());
    let of_file = |name: &str| repo.join(name).display().to_string();
    let missing = RepoConfig::load(repo).unwrap_err();
    assert_eq!(
        (missing.kind(), missing.help()),
        (
            ErrorKind::NotFound,
            &["`hybrid init DIR` makes a project".to_owned()][..]
        )
    );

    std::fs::write(&path, b"project: p\nregistry: \xe9\xff\n").unwrap();
    let error = RepoConfig::load(repo).unwrap_err();
    let expected = format!(
        "{}:2:11: the file is not UTF-8 from here on",
        of_file("feature_store.yaml")
    );
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::Config, expected));

    std::fs::write(&path, "project: p\nregistry: r.db\n").unwrap();
    let config = RepoConfig::load(repo).unwrap();
    assert_eq!(config.registry.local_file().unwrap(), repo.join("r.db"));
    assert_eq!(load_definitions(&config).unwrap_err().kind(), ErrorKind::NotFound);
    std::fs::write(repo.join("features.yaml"), b"\xff\xfea\0").unwrap();
    let error = load_definitions(&config).unwrap_err();
    let expected = format!("{}:1:1: the file is not UTF-8 from here on", of_file("features.yaml"));
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::Definition, expected));
    std::fs::write(repo.join("features.yaml"), "entities: [{name: a}]\n").unwrap();
    let read = load_definitions(&config).unwrap();
    assert_eq!((read.project.as_str(), read.entities.len()), ("p", 1));
}
