//! What registers, what does not, and what is refused, in programs that are built for it: the
//! fixture workspace tests/fixtures/registration. Its dependencies are this workspace's, at the
//! same versions and in the same target folder, so little is built.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

static WORKSPACE: LazyLock<PathBuf> =
    LazyLock::new(|| Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned());

static FIXTURES: LazyLock<PathBuf> = LazyLock::new(|| {
    let fixtures = WORKSPACE.join("tests/fixtures/registration");
    fs::copy(WORKSPACE.join("Cargo.lock"), fixtures.join("Cargo.lock")).unwrap();
    fixtures
});

/// The folder that this test itself was built in.
static TARGET: LazyLock<PathBuf> = LazyLock::new(|| {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(3).unwrap().to_owned()
});

const BOTH: &str = "another [] crate `second` 1.2.3\n\
                    memory [\"ram\", \"memory.offline\"] crate `named` 1.2.3\n\
                    found MemorySource\n\
                    Some(\"memory\")\n";

fn cargo(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--offline", "--color=never"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", &*TARGET)
        .env("CARGO_INCREMENTAL", "0")
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn run(profile: &str, bin: &str) -> String {
    stdout(&cargo(
        &FIXTURES,
        &["run", "--profile", profile, "-p", "apps", "--bin", bin],
    ))
}

fn built(profile: &str, file: &str) -> PathBuf {
    stdout(&cargo(&FIXTURES, &["build", "--profile", profile, "-p", "shared"]));
    TARGET.join(if profile == "dev" { "debug" } else { profile }).join(file)
}

/// Calls `report` of the shared library from a program that is not part of it.
fn loaded(profile: &str) -> String {
    let library = built(profile, "libshared.so");
    let arguments = ["run", "-p", "apps", "--bin", "load", "--"];
    let mut command = Command::new(env!("CARGO"));
    command
        .args(&arguments[..5])
        .args(["--offline", "--", library.to_str().unwrap()]);
    command
        .current_dir(&*FIXTURES)
        .env("CARGO_TARGET_DIR", &*TARGET)
        .env("CARGO_INCREMENTAL", "0");
    stdout(&command.output().unwrap())
}

#[test]
fn a_crate_that_nobody_names_registers_nothing() {
    let said = run("dev", "unnamed");
    assert!(said.starts_with("unknown store `memory`\n"), "{said}");
    assert!(said.contains("extern crate"), "{said}");
    assert!(said.contains("no store is compiled in"), "{said}");
}

#[test]
fn a_named_crate_registers_and_backends_are_sorted() {
    assert_eq!(run("dev", "named"), BOTH);
}

#[test]
fn link_time_optimization_drops_no_registration() {
    assert_eq!(run("lto", "named"), BOTH);
}

#[test]
fn a_false_name_is_caught_at_first_use() {
    let said = run("dev", "false_name");
    let expected = "store `file` of crate `liar` 1.2.3: its source type `liar::TableSource` calls itself `FileSource`\n  \
                    help: in liar, derive it: #[derive(DataSource)] on `TableSource`\n";
    assert!(said.ends_with(expected), "{said}");
}

#[test]
fn one_key_in_two_crates_does_not_link() {
    let output = cargo(&FIXTURES, &["build", "-p", "apps", "--bin", "twins"]);
    assert!(!output.status.success());
    let said = stderr(&output);
    // lld, GNU ld and Apple's linker say it each in their own words.
    let duplicate = ["duplicate symbol", "multiple definition"]
        .iter()
        .any(|words| said.contains(words));
    assert!(
        duplicate && said.contains("hybrid_offline_store_backend_memory"),
        "{said}"
    );
    assert!(said.contains("libnamed") && said.contains("libtwin"), "{said}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_shared_library_registers() {
    assert_eq!(loaded("dev"), "another\nmemory\n");
    assert_eq!(loaded("lto"), "another\nmemory\n");
}

#[test]
#[cfg(target_os = "linux")]
fn a_static_library_registers_what_its_code_names() {
    let folder = tempfile::tempdir().unwrap();
    let (source, program) = (folder.path().join("main.c"), folder.path().join("main"));
    fs::write(&source, "void report(void); int main(void) { report(); return 0; }").unwrap();
    for profile in ["dev", "lto"] {
        let mut cc = Command::new("cc");
        cc.arg(&source)
            .arg(built(profile, "libshared.a"))
            .arg("-o")
            .arg(&program);
        cc.args(["-Wl,--gc-sections", "-lpthread", "-ldl", "-lm"]);
        stdout(&cc.output().unwrap());
        assert_eq!(
            stdout(&Command::new(&program).output().unwrap()),
            "another\nmemory\n",
            "{profile}"
        );
    }
}

#[test]
fn two_versions_of_core_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("core");
    fs::create_dir_all(other.join("src")).unwrap();
    fs::create_dir_all(folder.path().join("src")).unwrap();
    fs::write(other.join("src/lib.rs"), "").unwrap();
    fs::write(other.join("build.rs"), "fn main() {}").unwrap();
    let package = "[package]\nname = \"hybrid-core\"\nversion = \"0.0.9\"\nedition = \"2024\"\n";
    fs::write(
        other.join("Cargo.toml"),
        format!("{package}links = \"hybrid-core\"\nbuild = \"build.rs\"\n"),
    )
    .unwrap();
    fs::write(folder.path().join("src/main.rs"), "fn main() {}").unwrap();
    let manifest = format!(
        "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[dependencies]\n\
         hybrid-core = {{ path = {:?} }}\nolder = {{ package = \"hybrid-core\", path = \"core\" }}\n[workspace]\n",
        env!("CARGO_MANIFEST_DIR")
    );
    fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    fs::copy(WORKSPACE.join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
    let output = cargo(folder.path(), &["check"]);
    assert!(!output.status.success());
    let said = stderr(&output);
    assert!(said.contains("links to the native library `hybrid-core`"), "{said}");
}
