use crate::support::Place;

#[test]
fn every_problem_is_reported_at_once() {
    let place = Place::with_project();
    place.edit(
        "features.yaml",
        "name: acc_rate, dtype: Float32",
        "name: acc_rate, dtype: Array(Float32)",
    );
    place.edit(
        "features.yaml",
        "name: avg_daily_trips, dtype: Int64",
        "name: daily_trips, dtype: Int64",
    );
    let more = "feature_views:\n  - name: gone\n    entities: [driver_id]\n    source: {type: file, path: gone.parquet, timestamp_field: ts}\n    schema: [{name: x, dtype: Int64}]\n";
    place.edit("features.yaml", "feature_views:\n", more);
    let ended = place.run(&["check"]).reported(&[
        "column `acc_rate` for feature `acc_rate` is Float32",
        "no column `daily_trips` for feature `daily_trips`",
        "avg_daily_trips",
        "feature view `gone`: ",
        "gone.parquet",
        "3 problems",
    ]);
    assert_eq!(ended.stderr.matches("error: ").count(), 3, "{ended:#?}");
}

#[test]
fn mistakes_in_both_files_are_shown_where_they_are() {
    let place = Place::with_project();
    place.edit("feature_store.yaml", "      path: data", "      pth: data");
    place.edit("features.yaml", "dtype: Int64}", "dtype: Int46}");
    place
        .run(&["check"])
        .reported(&["feature_store.yaml:", "pth", "features.yaml:", "Int46", "2 problems"]);
}

#[test]
fn a_store_that_is_not_there_is_one_problem_whatever_uses_it() {
    let place = Place::with_project();
    place.edit(
        "feature_store.yaml",
        "    # A second store",
        "    - type: bigquery\n    # A second store",
    );
    let ended = place.run(&["check"]).reported(&["feature_store.yaml:", "bigquery"]);
    assert_eq!(ended.stderr.matches("error: ").count(), 1, "{ended:#?}");
}

const STATS: &str = "type: file, path: driver_stats.parquet";
const VIEW: &str = "{name: v, entities: [driver_id], schema: [{name: conv_rate, dtype: Float32}], source: ";

/// What apply refuses, check refuses with the same words.
#[test]
fn check_refuses_what_apply_refuses() {
    let at = format!("{STATS}, timestamp_field: event_timestamp");
    let views = |source: &str| format!("feature_views: [{VIEW}{{{source}}}}}]");
    let with_key = |key: &str| format!("entities: [{{name: driver_id, value_type: {key}}}]\n");
    let int = with_key("Int64");
    let renamed = views(&at).replace("name: v,", "name: w,");
    let renamed = renamed.trim_start_matches("feature_views: [");
    let cases = [
        (
            format!("{int}{}", views(STATS)),
            "several columns are timestamps: event_timestamp, created",
        ),
        (
            format!("{int}{}", views(&format!("{at}, field_mapping: {{nowhere: x}}"))),
            "no column `nowhere` for `x` in field_mapping",
        ),
        (
            format!(
                "{int}feature_views: [{VIEW}{{{at}, name: s}}}}, {}",
                renamed.replace("event_timestamp", "created, name: s")
            ),
            "two different sources are called `s`\n  help: give one a `name`",
        ),
        (
            format!("{int}{}", views(&at).replace("Float32", "Array(PdfBytes)")),
            "no value type for Array(PdfBytes)",
        ),
        (
            format!("{int}{}", views(&format!("{at}, created_timestamp_column: acc_rate"))),
            "column `acc_rate` for the created timestamp is Float32",
        ),
        (
            format!("{int}{}", views(&at).replace("Float32", "UnixTimestamp")),
            "column `conv_rate` for feature `conv_rate` is Float32, which does not become Timestamp",
        ),
        (
            format!("{}{}", with_key("String"), views(&at)),
            "feature view `v`: source `driver_stats.parquet`: column `driver_id` for join key `driver_id` is Int64, \
             which does not become Utf8, the type of entity `driver_id`",
        ),
        (
            format!("{int}{}", views("type: file, path: gone.parquet")),
            "feature view `v`: ",
        ),
        (
            format!("{int}{}", views("type: file, pat: a.parquet, timestamp_field: ts")),
            "`pat`",
        ),
        (
            format!("{int}feature_services: [{{name: s, features: ['nowhere:x']}}]"),
            "feature view `nowhere` does not exist",
        ),
    ];
    for (definitions, expected) in cases {
        let place = Place::with_project();
        std::fs::remove_file(place.path("registry.db")).unwrap();
        place.write("features.yaml", &definitions);
        let applied = place.run(&["apply"]).failed(&[expected]);
        let checked = place.run(&["check"]).reported(&[expected]);
        assert!(checked.stderr.contains(&applied.stderr), "{applied:#?}\n{checked:#?}");
        let mut lines: Vec<&str> = applied.stderr.lines().collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), applied.stderr.lines().count(), "said once: {applied:#?}");
        assert!(!applied.stderr.contains("to be inferred"), "{applied:#?}");
    }
}

#[test]
fn two_views_may_read_one_file_by_different_times() {
    let place = Place::with_project();
    let at = format!("{{{STATS}, timestamp_field: ");
    let other = VIEW.replace("name: v,", "name: w,");
    let text = format!(
        "entities: [{{name: driver_id, value_type: Int64}}]\nfeature_views: [{VIEW}{at}event_timestamp}}}}, {other}{at}created}}}}]\n"
    );
    place.write("features.yaml", &text);
    place.run(&["check"]).succeeded();
    place.run(&["apply"]).succeeded();
    place.run(&["check"]).succeeded();
}

#[test]
fn numbers_in_csv_may_be_text_keys() {
    let place = Place::with_project();
    place.write("data/a.csv", "driver_id,ts,x\n1001,2025-01-01T00:00:00Z,1.5\n");
    let source = "{type: file, path: a.csv, timestamp_field: ts}";
    place.write("features.yaml", &format!("entities: [{{name: driver_id, value_type: String}}]\nfeature_views: [{{name: w, entities: [driver_id], schema: [{{name: x, dtype: Float64}}], source: {source}}}]\n"));
    place.run(&["check"]).succeeded();
    place.run(&["apply"]).succeeded();
}
