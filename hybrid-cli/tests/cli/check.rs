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
        "the feature `acc_rate` is Float32",
        "no column for the feature `daily_trips`",
        "avg_daily_trips",
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
