use crate::support::Place;

#[test]
fn the_compiled_in_stores_are_listed_anywhere() {
    let ended = Place::empty().run(&["stores"]).succeeded();
    assert!(ended.stdout.starts_with("compiled in:\n"), "{ended:#?}");
    assert!(
        ended
            .stdout
            .contains("\n  file        hybrid-store-file 0.1.0, also called "),
        "{ended:#?}"
    );
    assert!(ended.stderr.contains("no feature_store.yaml"), "{ended:#?}");
}

#[test]
fn what_is_not_there_is_said() {
    let place = Place::with_project();
    place
        .run(&["stores", "--repo", "nowhere"])
        .reported(&["there is no folder nowhere"]);
    std::fs::rename(place.path("data"), place.path("moved")).unwrap();
    let ended = place.run(&["stores"]).reported(&["1 of 1 configured stores"]);
    assert!(ended.stdout.contains("data` cannot be used"), "{ended:#?}");
    place.run(&["check"]).reported(&["data` cannot be used"]);
}

#[test]
fn a_registry_of_another_project_is_said() {
    let place = Place::with_project();
    let text = place.read("feature_store.yaml");
    let project = text
        .lines()
        .find(|line| line.starts_with("project: "))
        .unwrap()
        .to_owned();
    place.edit("feature_store.yaml", &project, "project: other");
    let name = project.trim_start_matches("project: ");
    let expected = format!("the registry holds the projects {name}");
    place.run(&["all", "driver_stats"]).failed(&[&expected]);
    place
        .run(&[
            "historical",
            "--entities",
            "entities.parquet",
            "--features",
            "driver_stats:conv_rate",
        ])
        .failed(&[&expected]);
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
