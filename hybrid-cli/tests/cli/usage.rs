use crate::support::Place;

#[test]
fn a_wrong_command_line_exits_with_2_and_says_what_would_be_right() {
    let retrieval = ["historical", "--entities", "f.parquet", "--features"];
    let with = |more: &[&'static str]| [&retrieval, more].concat();
    let window = ["--start", "2025-01-01", "--end", "2025-01-02"];
    let cases: Vec<(Vec<&str>, &str)> = vec![
        (vec![], "Usage: hybrid"),
        (vec!["histrical"], "historical"),
        (vec!["historical", "--features", "a:b"], "--entities <FILE>"),
        (vec!["historical", "--entities", "f.parquet"], "--service <NAME>"),
        (with(&["conv_rate"]), "view:feature"),
        (with(&["a:b,"]), "view:feature"),
        (with(&["a:b", "--service", "s"]), "cannot be used with"),
        (
            with(&["a:b", "--start", "2025-01-01", "--end", "2025-01-02"]),
            "cannot be used with",
        ),
        (with(&["a:b", "-o", "out.xlsx"]), ".parquet, .csv or .arrow"),
        (with(&["a:b", "-o", "s3://b/out.arrow"]), ".parquet or .csv"),
        (with(&["a:b", "-o", "out.csv", "--persist", "s"]), "cannot be used with"),
        (with(&["a:b", "--overwrite"]), "--persist <SOURCE>"),
        (with(&["a:b", "--timeout", "soon"]), "1h30m"),
        (with(&["a:b", "--timeout", "0"]), "longer than 0"),
        (
            vec!["historical", "--features", "a:b", "--start", "2025-01-01"],
            "--end <TIME>",
        ),
        (
            vec!["historical", "--features", "a:b", "--entities-sql", "SELECT 1"],
            "the store's key",
        ),
        (vec!["latest", "v", "--start", "2025-01-01"], "--end <TIME>"),
        (vec!["all", "v", "--start", "31.01.2025"], "RFC 3339"),
        (vec!["write", "v"], "<FILE>"),
        (vec!["init", "d", "--repo", "e"], "takes no --repo"),
        (
            [&["explain", "--entities", "f", "latest", "v"], &window[..]].concat(),
            "nothing of a retrieval",
        ),
        (vec!["explain"], "--entities <FILE>"),
    ];
    let place = Place::empty();
    for (arguments, words) in cases {
        let ended = place.run(&arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?} {ended:#?}");
        assert_eq!(ended.stdout, "", "{arguments:?}");
        assert!(ended.stderr.contains(words), "{arguments:?}: `{words}` in {ended:#?}");
    }
    assert_eq!(place.names("."), Vec::<String>::new());
}

#[test]
fn help_and_version_are_results() {
    let place = Place::empty();
    let help = place.run(&["--help"]).succeeded();
    for command in [
        "init",
        "stores",
        "check",
        "apply",
        "historical",
        "latest",
        "all",
        "write",
        "explain",
    ] {
        assert!(
            help.stdout.contains(&format!("\n  {command} ")),
            "{command} in {help:#?}"
        );
        assert!(
            place
                .run(&[command, "--help"])
                .succeeded()
                .stdout
                .contains("Usage: hybrid")
        );
    }
    assert!(place.run(&["--version"]).succeeded().stdout.starts_with("hybrid "));
}

#[test]
fn without_a_repository_the_error_names_the_file() {
    let place = Place::empty();
    for arguments in [
        &["check"][..],
        &["apply"],
        &["all", "v"],
        &["historical", "--service", "s", "--entities", "e.csv"],
    ] {
        place.run(arguments).failed(&["feature_store.yaml"]);
    }
    place.run(&["check", "--repo", "nowhere"]).failed(&["nowhere"]);
}
