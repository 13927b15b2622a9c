use crate::support::Place;

#[test]
fn the_compiled_in_stores_are_listed_anywhere() {
    let ended = Place::empty().run(&["stores"]).succeeded();
    assert!(ended.stdout.starts_with("compiled in:\n  file  "), "{ended:#?}");
    assert!(
        ended.stdout.contains("hybrid-store-file 0.1.0, also called "),
        "{ended:#?}"
    );
    assert!(ended.stderr.contains("no feature_store.yaml"), "{ended:#?}");
}

#[test]
fn configured_stores_are_reached_or_the_reason_is_told() {
    let place = Place::with_project();
    let ended = place.run(&["stores"]).succeeded();
    assert!(ended.stdout.contains("configured:\n  file  "), "{ended:#?}");
    place.edit(
        "feature_store.yaml",
        "    # A second store",
        "    - type: bigquery\n    # A second store",
    );
    let ended = place.run(&["stores"]).reported(&["1 of 2 configured stores"]);
    assert!(ended.stdout.contains("bigquery    unusable: "), "{ended:#?}");
}
