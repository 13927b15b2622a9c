//! Ctrl-C in the middle of long work.

#![cfg(unix)]

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use hybrid_conformance::signal;

use crate::support::{Ended, Place};

const DEFINITIONS: &str = "
entities:
  - {name: id, value_type: Int64}
feature_views:
  - name: big
    entities: [id]
    source: {type: file, path: big/, timestamp_field: ts}
    schema: [{name: v, dtype: Float64}]
";

/// A source of 40 million rows: one file of 100,000 under 400 names.
fn place() -> Place {
    let place = Place::with_project();
    let line = |n: u32| format!("{},2025-01-01T{:02}:{:02}:00Z,{n}.5\n", n % 1000, n % 24, n % 60);
    let rows: String = (0..100_000).map(line).collect();
    place.write("data/big/0.csv", &format!("id,ts,v\n{rows}"));
    for n in 1..400 {
        fs::hard_link(place.path("data/big/0.csv"), place.path(&format!("data/big/{n}.csv"))).unwrap();
    }
    place.write("features.yaml", DEFINITIONS);
    place.run(&["apply"]).succeeded();
    place.write("e.csv", "id,event_timestamp\n1,2025-01-02T00:00:00Z\n");
    place
}

#[test]
fn interrupted_work_ends_soon_with_130_and_leaves_no_output() {
    let place = place();
    let before = place.names(".");
    let historical = [
        "historical",
        "--entities",
        "e.csv",
        "--features",
        "big:v",
        "-o",
        "out.parquet",
    ];
    for (arguments, name, code) in [
        (&["all", "big", "-o", "out.csv"][..], "-INT", 130),
        (&["all", "big", "-o", "out.parquet"], "-TERM", 143),
        (&["all", "big"], "-INT", 130),
        (&historical, "-INT", 130),
    ] {
        let mut child = place
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        sleep(Duration::from_millis(700));
        assert_eq!(child.try_wait().unwrap(), None, "{arguments:?} is still at work");
        let began = Instant::now();
        assert!(signal(name, child.id()));
        let ended = Ended::of(child.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(code), "{arguments:?} {ended:#?}");
        assert!(
            began.elapsed() < Duration::from_secs(8),
            "{arguments:?} {:?}",
            began.elapsed()
        );
        assert!(!ended.stderr.contains("error:"), "{ended:#?}");
        assert_eq!(ended.stdout, "", "{arguments:?}");
        assert_eq!(place.names("."), before, "{arguments:?}");
        assert!(place.is_tidy(), "{arguments:?}");
    }
}
