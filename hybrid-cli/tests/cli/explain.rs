use crate::support::{FEATURES, Place};

#[test]
fn a_retrieval_is_explained_without_being_run() {
    let place = Place::with_project();
    let ended = place
        .run(&["explain", "--entities", "entities.parquet", "--features", FEATURES])
        .succeeded();
    assert!(ended.stdout.contains("driver_stats.parquet"), "{ended:#?}");
    assert!(ended.stdout.starts_with("driver_stats -> file"), "{ended:#?}");
}

#[test]
fn pulls_are_explained() {
    let place = Place::with_project();
    let window = ["--start", "2025-01-01", "--end", "2025-01-08"];
    for arguments in [
        [&["explain", "latest", "driver_stats"], &window[..]].concat(),
        [&["explain", "--repo", ".", "all", "driver_stats"], &window[..2]].concat(),
        vec!["explain", "all", "driver_stats"],
    ] {
        let ended = place.run(&arguments).succeeded();
        assert!(ended.stdout.contains("driver_stats.parquet"), "{ended:#?}");
    }
    place.run(&["explain", "all", "driver"]).failed(&["driver_stats"]);
}
