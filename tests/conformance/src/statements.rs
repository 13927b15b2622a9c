//! The statements that a dialect leads to, as texts to be reviewed: every formulation on views of
//! every shape. No engine is asked: a [`Recorder`] says that its sources have the columns of
//! [`columns`], and keeps what it would have run.

mod cases;
mod recorder;

use std::path::Path;

use arrow::datatypes::SchemaRef;
use hybrid_core::ErrorKind;
use hybrid_core::sql::{Dialect, Formulation};

pub use cases::{Case, all, columns, columns_of};
pub use recorder::Recorder;

/// Compares every statement with the file of its name in `folder`; sources have the columns of
/// `columns`. With the environment variable
/// `UPDATE_STATEMENTS` set it writes them instead, for a review of the difference. A configured formulation is what joins.
///
/// # Panics
/// When a statement is not the one in its file, or a file belongs to none, or a view is joined by another formulation:
/// this is for tests.
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
    check_formulations(dialect, columns);
}

/// A configured formulation is what joins, in the same way where the statement has the entity rows in it; one that the
/// dialect does not have is refused, with the names of those that it has.
#[allow(clippy::panic, clippy::expect_used)]
fn check_formulations(dialect: fn() -> Box<dyn Dialect>, columns: &SchemaRef) {
    let offered = Formulation::offered(&*dialect());
    let names: Vec<&str> = offered.iter().map(|offered| offered.name()).collect();
    let help = format!("use one of {}, or leave it out", names.join(", "));
    for formulation in Formulation::ALL {
        let text = |embedded| {
            let case = Case::by(formulation, embedded);
            crate::block_on(case.statement(dialect(), columns.clone()))
        };
        let (told, sql) = (text(false), text(true));
        if !offered.contains(&formulation) {
            for refused in [told, sql] {
                let error = refused.expect_err("the dialect does not have it");
                assert_eq!(error.kind(), ErrorKind::Config, "{error}");
                assert_eq!(error.help(), [help.as_str()], "{error}");
            }
            continue;
        }
        let (told, sql) = (told.expect("it is offered"), sql.expect("it is offered"));
        let begin = format!("view stats_by_driver_id: {formulation:?}, as configured\n\nWITH ");
        let rest = told.strip_prefix(&begin).unwrap_or_else(|| panic!("{told}"));
        let embedded = rest.replace("entity_rows", &dialect().quote("__hybrid_entities"));
        assert!(sql.ends_with(&embedded), "{formulation:?}: {sql}");
    }
}
