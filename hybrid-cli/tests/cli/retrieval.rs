use std::time::Instant;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Float32Type, TimestampMicrosecondType};

use crate::support::{FEATURES, Place};

fn historical<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["historical", "--entities", "entities.parquet"], more].concat()
}

fn values(rows: &RecordBatch, name: &str) -> Vec<Option<f32>> {
    let column = rows.column_by_name(name).unwrap();
    column.as_primitive::<Float32Type>().iter().collect()
}

#[test]
fn values_are_as_of_each_row_in_the_frames_order() {
    let place = Place::with_project();
    place
        .run(&historical(&["--features", FEATURES, "-o", "out.parquet"]))
        .succeeded();
    place.run(&["all", "driver_stats", "-o", "all.csv"]).succeeded();
    let conv_rate = values(&place.rows("out.parquet"), "conv_rate");
    let missing: Vec<usize> = (0..10).filter(|row| conv_rate[*row].is_none()).collect();
    assert_eq!(
        missing,
        [4, 6, 8],
        "an unknown driver, before the first row, beyond the ttl"
    );
    assert_eq!(
        conv_rate[0], conv_rate[3],
        "the same driver at the same time, twice in the frame"
    );
    // 1001 at 30:12 h sees what was measured at 30 h: 2025-01-02T06.
    let csv = place.read("all.csv");
    let line = csv
        .lines()
        .find(|line| line.starts_with("1001,") && line.contains("2025-01-02T06:00:00"));
    let measured: f32 = line.unwrap().split(',').nth(1).unwrap().parse().unwrap();
    assert_eq!(conv_rate[0], Some(measured));
}

#[test]
fn results_go_to_stdout_and_the_rest_to_stderr() {
    let place = Place::with_project();
    let printed = place.run(&historical(&["--features", FEATURES])).succeeded();
    assert_eq!(printed.stdout.lines().count(), 11, "{printed:#?}");
    assert!(
        printed.stdout.lines().next().unwrap().ends_with("conv_rate  acc_rate"),
        "{printed:#?}"
    );
    assert_eq!(printed.stdout.matches("NULL").count(), 6, "{printed:#?}");
    for words in [
        "routing:\n  ",
        "driver_stats",
        "10 rows in ",
        "conv_rate",
        "70.0 %  (7 of 10)",
        "time per store:\n  file",
    ] {
        assert!(printed.stderr.contains(words), "`{words}` in {printed:#?}");
    }
    let filed = place
        .run(&historical(&["--features", FEATURES, "-o", "out.csv"]))
        .succeeded();
    assert_eq!(filed.stdout, "");
    assert!(!filed.stderr.contains("rows read"), "no progress in a pipe: {filed:#?}");
    let dash = place.run(&historical(&["--features", FEATURES, "-o", "-"])).succeeded();
    assert_eq!(dash.stdout, printed.stdout);
    assert!(place.is_tidy());
}

#[test]
fn the_extension_decides_the_format() {
    let place = Place::with_project();
    for file in ["out.parquet", "out.arrow", "OUT.CSV"] {
        place
            .run(&historical(&["--service", "training", "-o", file]))
            .succeeded();
    }
    assert_eq!(place.rows("out.parquet").columns(), place.rows("out.arrow").columns());
    let csv = place.read("OUT.CSV");
    assert_eq!(
        csv.lines().next(),
        Some("driver_id,event_timestamp,satisfied,conv_rate,acc_rate")
    );
    assert_eq!(csv.lines().count(), 11);
}

#[test]
fn the_output_may_be_the_frame() {
    let place = Place::with_project();
    place
        .run(&historical(&["--features", FEATURES, "-o", "entities.parquet"]))
        .succeeded();
    assert_eq!(place.rows("entities.parquet").num_columns(), 5);
}

#[test]
fn full_names_begin_with_the_view() {
    let place = Place::with_project();
    let printed = place
        .run(&historical(&["--service", "training", "--full-feature-names"]))
        .succeeded();
    let names = printed.stdout.lines().next().unwrap();
    assert!(
        names.ends_with("driver_stats__conv_rate  driver_stats__acc_rate"),
        "{names}"
    );
}

#[test]
fn without_a_frame_there_is_a_row_per_key() {
    let place = Place::with_project();
    let window = ["--start", "2025-01-02", "--end", "2025-01-03T00:30:00Z"];
    let arguments = [
        &["historical", "--features", FEATURES, "-o", "out.parquet"],
        &window[..],
    ]
    .concat();
    place.run(&arguments).succeeded();
    let rows = place.rows("out.parquet");
    assert_eq!(rows.num_rows(), 5);
    assert!(values(&rows, "conv_rate").iter().all(Option::is_some));
    let times = rows.column_by_name("event_timestamp").unwrap();
    let times = times.as_primitive::<TimestampMicrosecondType>();
    assert!(
        times.values().iter().all(|time| *time == 1_735_864_200_000_000),
        "{times:?}"
    );
}

#[test]
fn what_was_created_later_can_be_left_out() {
    let place = Place::with_project();
    place
        .run(&historical(&["--features", FEATURES, "-o", "a.parquet"]))
        .succeeded();
    let filtered = [
        "--features",
        FEATURES,
        "--filter-by-created-timestamp",
        "-o",
        "b.parquet",
    ];
    place.run(&historical(&filtered)).succeeded();
    let (all, known) = (
        values(&place.rows("a.parquet"), "acc_rate"),
        values(&place.rows("b.parquet"), "acc_rate"),
    );
    // Rows 1 (on the hour) and 7 (a minute after it) come before their hour's row was written.
    let changed: Vec<usize> = (0..10).filter(|row| all[*row] != known[*row]).collect();
    assert_eq!(changed, [1, 7]);
    assert!(known[1].is_some() && known[7].is_some());
}

#[test]
fn wrong_references_are_named_with_what_exists() {
    let place = Place::with_project();
    let run = |more: &[&str]| place.run(&historical(more));
    run(&["--features", "driver_stat:conv_rate"]).failed(&["driver_stat", "did you mean `driver_stats`"]);
    run(&["--features", "driver_stats:conv_rte"]).failed(&["conv_rte", "conv_rate"]);
    run(&["--service", "trainin"]).failed(&["trainin", "training"]);
    run(&["--features", "driver_stats:conv_rate,driver_stats:conv_rate"]).failed(&["conv_rate"]);
}

#[test]
fn a_wrong_frame_is_an_error_before_any_output() {
    let place = Place::with_project();
    let run = |frame: &str| {
        place.run(&[
            "historical",
            "--entities",
            frame,
            "--features",
            FEATURES,
            "-o",
            "out.csv",
        ])
    };
    run("nowhere.parquet").failed(&["nowhere.parquet"]);
    place.write("e.csv", "driver,event_timestamp\n1001,2025-01-02T00:00:00Z\n");
    run("e.csv").failed(&["driver_id"]);
    place.write("e.csv", "driver_id,when\n1001,soon\n");
    run("e.csv").failed(&["event_timestamp"]);
    place.write("e.parquet", "this is no parquet file");
    run("e.parquet").failed(&["e.parquet"]);
    assert!(!place.path("out.csv").exists());
}

#[test]
fn a_select_over_files_is_unsupported_for_now() {
    let place = Place::with_project();
    let query = "file:SELECT 1001 AS driver_id, TIMESTAMP '2025-01-02' AS event_timestamp";
    place
        .run(&["historical", "--entities-sql", query, "--features", FEATURES])
        .reported(&["file"]);
}

#[test]
fn an_output_that_cannot_be_written_fails_and_leaves_nothing() {
    let place = Place::with_project();
    let before = place.names(".");
    place
        .run(&historical(&["--features", FEATURES, "-o", "nowhere/out.parquet"]))
        .failed(&["nowhere"]);
    std::fs::create_dir(place.path("taken.parquet")).unwrap();
    place
        .run(&historical(&["--features", FEATURES, "-o", "taken.parquet"]))
        .failed(&["taken.parquet"]);
    std::fs::remove_dir(place.path("taken.parquet")).unwrap();
    assert_eq!(place.names("."), before);
}

#[test]
fn a_timeout_ends_it() {
    let place = Place::with_project();
    let began = Instant::now();
    place
        .run(&historical(&[
            "--features",
            FEATURES,
            "--timeout",
            "1us",
            "-o",
            "out.csv",
        ]))
        .failed(&["time"]);
    assert!(began.elapsed().as_secs() < 5);
    assert!(!place.path("out.csv").exists());
}

#[test]
fn one_call_over_two_stores_needs_to_be_allowed() {
    let place = Place::with_project();
    place.edit(
        "feature_store.yaml",
        "    # A second store",
        "    - type: bigquery\n      dataset: d\n    # A second store",
    );
    let source = "feature_views:\n  - name: elsewhere\n    entities: [driver_id]\n    source: {type: bigquery, table: t, timestamp_field: ts}\n    schema: [{name: x, dtype: Int64}]\n";
    place.edit("features.yaml", "feature_views:\n", source);
    place.run(&["apply"]).succeeded();
    let run = || place.run(&historical(&["--features", "driver_stats:conv_rate,elsewhere:x"]));
    run().failed(&["All feature views must have the same source type"]);
    // A store that is configured and not compiled in keeps the others working.
    place.run(&historical(&["--features", FEATURES])).succeeded();
    place
        .run(&historical(&["--features", "elsewhere:x"]))
        .reported(&["bigquery"]);
}

#[test]
fn an_output_that_cannot_be_is_refused_at_once() {
    let place = Place::with_project();
    let into = |output: &str| {
        let retrieval = [
            "historical",
            "--entities",
            "entities.parquet",
            "--features",
            FEATURES,
            "-o",
            output,
        ];
        let pull = ["all", "driver_stats", "-o", output];
        [place.run(&retrieval), place.run(&pull)]
    };
    let source = std::fs::read(place.path("data/driver_stats.parquet")).unwrap();
    for ended in into("data/driver_stats.parquet") {
        ended.failed(&["is where feature view `driver_stats` is read from"]);
    }
    assert!(std::fs::read(place.path("data/driver_stats.parquet")).unwrap() == source);
    for ended in into("nodir/x.csv") {
        let ended = ended.failed(&["cannot write `nodir/x.csv`: there is no folder `nodir`"]);
        assert!(!ended.stderr.contains(".hybrid-"), "{ended:#?}");
    }
}
