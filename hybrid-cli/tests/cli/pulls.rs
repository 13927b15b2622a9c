use crate::support::Place;

const WEEK: [&str; 4] = ["--start", "2025-01-01", "--end", "2025-01-08"];

#[test]
fn latest_is_one_row_per_key_with_keys_features_and_times_in_order() {
    let place = Place::with_project();
    place
        .run(&[&["latest", "driver_stats", "-o", "out.csv"], &WEEK[..]].concat())
        .succeeded();
    let csv = place.read("out.csv");
    let names = "driver_id,conv_rate,acc_rate,avg_daily_trips,event_timestamp,created";
    assert_eq!(csv.lines().next(), Some(names));
    assert_eq!(csv.lines().count(), 6);
    assert!(
        csv.lines().skip(1).all(|line| line.contains("2025-01-07T23:00:00")),
        "{csv}"
    );
}

#[test]
fn both_ends_of_a_window_count_and_either_may_be_open() {
    let place = Place::with_project();
    let count = |more: &[&str]| {
        let ended = place.run(&[&["all", "driver_stats"], more].concat()).succeeded();
        ended.stdout.lines().count() - 1
    };
    assert_eq!(count(&[]), 840);
    assert_eq!(count(&["--start", "2025-01-07T23:00:00Z"]), 5);
    assert_eq!(count(&["--end", "2025-01-01"]), 5);
    assert_eq!(
        count(&[
            "--start",
            "2025-01-01T00:00:00.000001Z",
            "--end",
            "2025-01-01T02:00:00+01:00"
        ]),
        5
    );
    assert_eq!(count(&["--start", "2026-01-01"]), 0);
}

#[test]
fn the_number_of_rows_is_told_beside_the_rows() {
    let place = Place::with_project();
    let ended = place
        .run(&[&["latest", "driver_stats", "-o", "out.parquet"], &WEEK[..]].concat())
        .succeeded();
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.starts_with("5 rows in "), "{ended:#?}");
    assert_eq!(place.rows("out.parquet").num_rows(), 5);
}

#[test]
fn what_cannot_be_pulled_is_said() {
    let place = Place::with_project();
    place
        .run(&["all", "driver_stat"])
        .failed(&["driver_stat", "did you mean `driver_stats`"]);
    let backwards = ["--start", "2025-01-08", "--end", "2025-01-01"];
    place
        .run(&[&["latest", "driver_stats"], &backwards[..]].concat())
        .failed(&["start"]);
    std::fs::remove_file(place.path("data/driver_stats.parquet")).unwrap();
    place.run(&["all", "driver_stats"]).failed(&["driver_stats.parquet"]);
}
