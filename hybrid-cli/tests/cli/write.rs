use crate::support::Place;

const NAMES: &str = "driver_id,event_timestamp,created,conv_rate,acc_rate,avg_daily_trips";

fn count(place: &Place) -> usize {
    place.run(&["all", "driver_stats"]).succeeded().stdout.lines().count() - 1
}

#[test]
fn written_rows_are_read_back() {
    let place = Place::with_project();
    place.write(
        "new.csv",
        &format!(
            "{NAMES}\n1001,2025-02-01T00:00:00Z,2025-02-01T00:05:00Z,0.25,0.5,7\n2000,2025-02-01T00:00:00Z,,1,,\n"
        ),
    );
    let ended = place.run(&["write", "driver_stats", "new.csv"]).succeeded();
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.starts_with("2 rows in "), "{ended:#?}");
    assert_eq!(count(&place), 842);
    place
        .run(&[
            "latest",
            "driver_stats",
            "--start",
            "2025-02-01",
            "--end",
            "2025-02-01",
            "-o",
            "l.csv",
        ])
        .succeeded();
    let latest = place.read("l.csv");
    assert!(latest.contains("1001,0.25,0.5,7,2025-02-01T00:00:00"), "{latest}");
    assert_eq!(latest.lines().count(), 3);
}

#[test]
fn what_does_not_fit_is_refused_whole() {
    let place = Place::with_project();
    let attempt = |text: &str, words: &[&str]| {
        place.write("new.csv", text);
        place.run(&["write", "driver_stats", "new.csv"]).failed(words);
    };
    attempt(
        "driver_id,event_timestamp,conv_rte\n1,2025-02-01T00:00:00Z,1\n",
        &["conv_rte", "conv_rate", "acc_rate"],
    );
    attempt(
        &format!("{NAMES}\nx,2025-02-01T00:00:00Z,,1,1,1\n"),
        &["new.csv", "'x'"],
    );
    place
        .run(&["write", "driver_stats", "nowhere.csv"])
        .failed(&["nowhere.csv"]);
    place
        .run(&["write", "driver_stat", "entities.parquet"])
        .failed(&["driver_stats"]);
    assert_eq!(count(&place), 840);
    assert_eq!(place.names("data"), ["driver_stats.parquet"]);
}
