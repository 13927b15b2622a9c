use std::fs;

use crate::support::{Ended, FEATURES, Place};

#[test]
fn the_project_gives_a_training_set_at_once() {
    let place = Place::empty();
    place.run(&["init", "d"]).succeeded();
    let inside = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        Ended::of(command.current_dir(place.path("d")).output().unwrap()).succeeded()
    };
    inside(&["apply"]);
    inside(&[
        "historical",
        "--entities",
        "entities.parquet",
        "--features",
        FEATURES,
        "-o",
        "out.parquet",
    ]);
    let (frame, joined) = (place.rows("d/entities.parquet"), place.rows("d/out.parquet"));
    assert_eq!(joined.num_rows(), frame.num_rows());
    assert_eq!(joined.num_columns(), frame.num_columns() + 2);
    for field in frame.schema().fields() {
        let name = field.name();
        assert_eq!(joined.column_by_name(name), frame.column_by_name(name), "{name}");
    }
}

#[test]
fn what_it_tells_to_run_next_runs() {
    let place = Place::empty();
    let told = place.run(&["init", "demo"]).succeeded().stdout;
    let commands: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix("  hybrid ")).collect();
    assert_eq!(commands.len(), 3, "{told}");
    for command in commands {
        place.run(&command.split(' ').collect::<Vec<_>>()).succeeded();
    }
}

#[cfg(unix)]
#[test]
fn what_it_tells_to_run_next_is_for_a_shell() {
    let place = Place::empty();
    let told = place.run(&["init", "my demo's"]).succeeded().stdout;
    for line in told.lines().filter(|line| line.starts_with("  hybrid ")) {
        let hybrid = place.command(&[]);
        let script = format!("hybrid() {{ '{}' \"$@\"; }}\n{line}", hybrid.get_program().display());
        let mut shell = std::process::Command::new("sh");
        let shell = shell.args(["-c", &script]).current_dir(place.path(""));
        Ended::of(shell.output().unwrap()).succeeded();
    }
}

#[test]
fn it_is_applied_and_has_no_problem() {
    let place = Place::with_project();
    let checked = place.run(&["check"]).succeeded();
    assert_eq!(checked.stderr, "");
    assert!(checked.stdout.ends_with("no problems\n"), "{checked:#?}");
    assert!(place.run(&["apply"]).succeeded().stdout.starts_with("unchanged: "));
}

#[test]
fn the_data_is_the_same_each_time() {
    let (one, other) = (Place::with_project(), Place::with_project());
    for file in ["entities.parquet", "data/driver_stats.parquet"] {
        assert!(
            fs::read(one.path(file)).unwrap() == fs::read(other.path(file)).unwrap(),
            "{file}"
        );
    }
}

#[test]
fn a_folder_with_something_in_it_is_refused_and_left_alone() {
    let place = Place::empty();
    place.write("d/mine.txt", "mine");
    place.run(&["init", "d"]).failed(&["d is not empty"]);
    assert_eq!(place.names("d"), ["mine.txt"]);
    place.run(&["init", "d/mine.txt"]).failed(&["d/mine.txt"]);
}

#[test]
fn an_empty_folder_and_a_new_one_below_a_new_one_will_do() {
    let place = Place::empty();
    fs::create_dir(place.path("d")).unwrap();
    place.run(&["init", "d"]).succeeded();
    place.run(&["init", "e/f"]).succeeded();
    assert_eq!(place.names("d"), place.names("e/f"));
    let made = [
        "data",
        "entities.parquet",
        "feature_store.yaml",
        "features.yaml",
        "registry.db",
    ];
    assert!(
        made.iter()
            .all(|name| place.names("d").iter().any(|there| there == name)),
        "{made:?}"
    );
}
