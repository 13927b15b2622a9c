use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use crate::support::{Ended, Place};

#[test]
fn a_reader_that_leaves_is_no_error() {
    let place = Place::with_project();
    let mut child = place
        .command(&["all", "driver_stats"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 9];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(&first, b"driver_id");
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_standard_output_is_an_error() {
    let place = Place::with_project();
    for arguments in [&["stores"][..], &["all", "driver_stats"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ended = Ended::of(place.command(arguments).stdout(full).output().unwrap());
        ended.failed(&["cannot write to standard output"]);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_closed_standard_error_is_no_panic() {
    let place = Place::with_project();
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let failed = place.command(&["all", "nothing"]).stderr(full()).status().unwrap();
    assert_eq!(failed.code(), Some(1));
    let ended = place.command(&["latest", "driver_stats", "--start", "2025-01-01", "--end", "2025-02-01"]);
    let mut ended = ended;
    assert_eq!(ended.stderr(full()).output().unwrap().status.code(), Some(0));
}

#[test]
fn a_value_has_no_say_over_the_terminal() {
    let place = Place::with_project();
    place.write(
        "e.csv",
        "driver_id,event_timestamp,note\n1001,2025-01-02T00:00:00Z,\"a\u{1b}[2J\nb\"\n",
    );
    let ended = place
        .run(&["historical", "--entities", "e.csv", "--service", "training"])
        .succeeded();
    assert!(ended.stdout.contains("a\\u{1b}[2J\\nb"), "{ended:#?}");
    assert_eq!(ended.stdout.lines().count(), 2);
}
