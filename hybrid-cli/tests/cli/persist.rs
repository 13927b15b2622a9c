use crate::support::{FEATURES, Place};

/// The sample project, with a source that nothing reads.
fn place() -> Place {
    let place = Place::with_project();
    place.edit(
        "features.yaml",
        "feature_views:\n",
        "  - {name: training, type: file, path: made/training.parquet}\n\nfeature_views:\n",
    );
    place.run(&["apply"]).succeeded();
    place
}

fn historical<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let retrieval = ["historical", "--entities", "entities.parquet", "--features", FEATURES];
    [&retrieval, more].concat()
}

const MADE: &str = "data/made/training.parquet";

#[test]
fn rows_are_persisted_to_a_source() {
    let place = place();
    let ended = place.run(&historical(&["--persist", "training"])).succeeded();
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("10 rows in "), "{ended:#?}");
    assert_eq!(place.rows(MADE).num_rows(), 10);
    for again in [
        historical(&["--persist", "training"]),
        vec!["all", "driver_stats", "--persist", "training"],
    ] {
        place
            .run(&again)
            .failed(&["`training` holds rows already", "--overwrite"]);
    }
    assert_eq!(place.rows(MADE).num_rows(), 10);
    let ended = place
        .run(&["all", "driver_stats", "--persist", "training", "--overwrite"])
        .succeeded();
    assert!(ended.stderr.starts_with("840 rows in "), "{ended:#?}");
    assert_eq!(place.rows(MADE).num_rows(), 840);
    let week = ["latest", "driver_stats", "--start", "2025-01-01", "--end", "2025-01-08"];
    place
        .run(&[&week[..], &["--persist", "training", "--overwrite"]].concat())
        .succeeded();
    assert_eq!(place.rows(MADE).num_rows(), 5);
    place
        .run(&historical(&["--persist", "training", "--overwrite"]))
        .succeeded();
    assert_eq!(place.rows(MADE).num_rows(), 10);
}

#[test]
fn what_views_are_read_from_is_not_overwritten() {
    let place = place();
    let source = std::fs::read(place.path("data/driver_stats.parquet")).unwrap();
    let same = "  - {name: training, type: file, path: made/training.parquet}";
    for (name, path) in [
        ("driver_stats_source", None),
        ("training", Some("made/../driver_stats.parquet")),
    ] {
        if let Some(path) = path {
            place.edit(
                "features.yaml",
                same,
                &format!("  - {{name: training, type: file, path: {path}}}"),
            );
            place.run(&["apply"]).succeeded();
        }
        for asked in [historical(&[]), vec!["all", "driver_stats"]] {
            place
                .run(&[&asked[..], &["--persist", name, "--overwrite"]].concat())
                .failed(&["is where feature view `driver_stats` is read from"]);
        }
    }
    assert_eq!(std::fs::read(place.path("data/driver_stats.parquet")).unwrap(), source);
}

#[test]
fn a_place_among_what_views_are_read_from_is_refused() {
    for (read, made) in [
        ("parts", "parts/new/training.parquet"),
        ("parts/*.parquet", "parts/training.parquet"),
    ] {
        let place = Place::with_project();
        place.write("data/parts/empty", "");
        std::fs::rename(
            place.path("data/driver_stats.parquet"),
            place.path("data/parts/1.parquet"),
        )
        .unwrap();
        place.edit("features.yaml", "path: driver_stats.parquet", &format!("path: {read}"));
        place.edit(
            "features.yaml",
            "feature_views:\n",
            &format!("  - {{name: training, type: file, path: {made}}}\n\nfeature_views:\n"),
        );
        place.run(&["apply"]).succeeded();
        let output = format!("data/{made}");
        for to in [["--persist", "training"], ["-o", output.as_str()]] {
            place
                .run(&historical(&to))
                .failed(&["is where feature view `driver_stats` is read from"]);
        }
        assert!(!place.path(&output).exists());
    }
}

#[test]
fn what_cannot_be_persisted_to_is_told_before_anything_is_read() {
    for (destination, says) in [
        (
            "type: bigquery, table: made.training",
            "No offline store configuration found for source type 'bigquery'",
        ),
        ("type: file, path: made/*.parquet", "is no single file"),
        ("type: file, path: made/", "is a folder"),
    ] {
        let place = place();
        place.edit("features.yaml", "type: file, path: made/training.parquet", destination);
        place.run(&["apply"]).succeeded();
        for overwrite in [vec![], vec!["--overwrite"]] {
            let ended = place
                .run(&historical(&[&["--persist", "training"][..], &overwrite].concat()))
                .failed(&[says]);
            assert!(!ended.stderr.contains("routing"), "{ended:#?}");
        }
    }
}

#[test]
fn a_source_that_is_not_defined_is_named_with_those_that_are() {
    place()
        .run(&historical(&["--persist", "trainin"]))
        .failed(&["trainin", "did you mean `training`"]);
}
