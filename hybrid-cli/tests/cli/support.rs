//! Runs the command in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use hybrid_offline_store::EntityFrame;
use tempfile::TempDir;

/// What most tests ask for.
pub const FEATURES: &str = "driver_stats:conv_rate,driver_stats:acc_rate";

/// A folder in which commands run; relative paths start there.
pub struct Place {
    folder: TempDir,
    temporary: TempDir,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    pub fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            temporary: tempfile::tempdir().unwrap(),
        }
    }

    /// With the sample project in it.
    pub fn with_project() -> Self {
        let place = Self::empty();
        place.run(&["init", "."]).succeeded();
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Replaces text that is there exactly once.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert_eq!(text.matches(from).count(), 1, "`{from}` in {text}");
        fs::write(self.path(name), text.replace(from, to)).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names in a folder, sorted.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hybrid"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command.env("TMPDIR", self.temporary.path()).env("RUST_BACKTRACE", "0");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    /// Whether the temporary files of every command are gone.
    pub fn is_tidy(&self) -> bool {
        fs::read_dir(self.temporary.path()).unwrap().next().is_none()
    }

    /// All rows of a file, as one batch.
    pub fn rows(&self, name: &str) -> RecordBatch {
        rows(&self.path(name))
    }
}

/// All rows of a file, as one batch.
pub fn rows(path: &Path) -> RecordBatch {
    let EntityFrame::Rows(stream) = EntityFrame::from_path(path).unwrap() else {
        panic!("{} holds no rows", path.display());
    };
    let schema = stream.schema().clone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let batches = runtime.block_on(stream.collect()).unwrap();
    concat_batches(&schema, &batches).unwrap()
}

impl Ended {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        assert!(!self.stderr.contains("error:"), "{self:#?}");
        self
    }

    /// Failed with 1, nothing on standard output, and an error that says each of `words`.
    #[track_caller]
    pub fn failed(self, words: &[&str]) -> Self {
        assert_eq!(self.stdout, "", "{self:#?}");
        self.reported(words)
    }

    /// Failed with 1 and an error that says each of `words`.
    #[track_caller]
    pub fn reported(self, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(1), "{self:#?}");
        assert!(self.stderr.contains("error: "), "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` in {self:#?}");
        }
        self
    }
}
