use std::fs::File;
use std::time::{Duration, SystemTime};

use crate::support::{FEATURES, Place};

const RETRIEVAL: [&str; 5] = ["historical", "--entities", "entities.parquet", "--features", FEATURES];

#[test]
fn changes_are_named_and_pruning_deletes() {
    let place = Place::with_project();
    place.edit("features.yaml", "ttl: 7d", "ttl: 8d");
    place.edit("features.yaml", "name: training", "name: evaluation");
    let ended = place.run(&["apply"]).succeeded();
    assert!(ended.stdout.contains("added feature service evaluation"), "{ended:#?}");
    assert!(ended.stdout.contains("updated feature view driver_stats"), "{ended:#?}");
    assert!(!ended.stdout.contains("deleted"), "{ended:#?}");
    place
        .run(&["historical", "--entities", "entities.parquet", "--service", "training"])
        .succeeded();
    let ended = place.run(&["apply", "--prune"]).succeeded();
    assert!(ended.stdout.contains("deleted feature service training"), "{ended:#?}");
    place
        .run(&["historical", "--entities", "entities.parquet", "--service", "training"])
        .failed(&["evaluation"]);
}

#[test]
fn a_mistake_in_the_definitions_is_shown_where_it_is() {
    let place = Place::with_project();
    let registry = std::fs::read(place.path("registry.db")).unwrap();
    place.edit("features.yaml", "dtype: Int64}", "dtype: Int46}");
    place.edit("features.yaml", "ttl: 7d", "ttl: 7 days");
    place.run(&["apply"]).failed(&["features.yaml:", "Int46", "7 days"]);
    assert!(std::fs::read(place.path("registry.db")).unwrap() == registry);
}

#[test]
fn definitions_that_are_newer_than_the_registry_are_a_warning_until_they_are_applied() {
    let place = Place::with_project();
    assert!(!place.run(&RETRIEVAL).succeeded().stderr.contains("warning"));
    let definitions = File::options().append(true).open(place.path("features.yaml")).unwrap();
    definitions
        .set_modified(SystemTime::now() + Duration::from_secs(1))
        .unwrap();
    let warned = place.run(&RETRIEVAL).succeeded();
    assert!(
        warned
            .stderr
            .starts_with("warning: features.yaml is newer than the registry: run `hybrid apply`"),
        "{warned:#?}"
    );
    std::thread::sleep(Duration::from_millis(1100));
    place.run(&["apply"]).succeeded();
    assert!(!place.run(&RETRIEVAL).succeeded().stderr.contains("warning"));
}

#[test]
fn what_was_never_applied_is_said() {
    let place = Place::with_project();
    std::fs::remove_file(place.path("registry.db")).unwrap();
    place.run(&RETRIEVAL).failed(&["run `hybrid apply`"]);
}
