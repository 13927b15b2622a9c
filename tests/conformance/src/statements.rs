//! The statements that a dialect leads to, as texts to be reviewed: every formulation on views of
//! every shape. No engine is asked: a [`Recorder`] says that its sources have the columns of
//! [`columns`], and keeps what it would have run.

mod cases;
mod recorder;

use std::path::Path;

use arrow::datatypes::SchemaRef;
use hybrid_core::sql::Dialect;

pub use cases::{Case, all, columns, columns_of};
pub use recorder::Recorder;

/// Compares every statement with the file of its name in `folder`; sources have the columns of
/// `columns`. With the environment variable
/// `UPDATE_STATEMENTS` set it writes them instead, for a review of the difference.
///
/// # Panics
/// When a statement is not the one in its file, or a file belongs to none: this is for tests.
#[allow(clippy::panic, clippy::expect_used)]
pub fn check(dialect: fn() -> Box<dyn Dialect>, columns: &SchemaRef, folder: &Path) {
    let update = std::env::var_os("UPDATE_STATEMENTS").is_some();
    let mut wrong = Vec::new();
    let mut names = Vec::new();
    for case in all(&*dialect()) {
        let path = folder.join(format!("{}.sql", case.name));
        let text = crate::block_on(case.statement(dialect(), columns.clone()))
            .unwrap_or_else(|error| format!("error: {error}\n"));
        if update {
            std::fs::create_dir_all(folder).expect("the folder of the statements can be made");
            std::fs::write(&path, &text).expect("a statement can be written");
        } else if std::fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            wrong.push(format!("{} should be:\n{text}", path.display()));
        }
        names.push(path);
    }
    let files = std::fs::read_dir(folder).expect("the folder of the statements is there");
    for file in files
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| !names.contains(path))
    {
        wrong.push(format!("{} belongs to no statement", file.display()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
