use crate::{Error, ErrorKind, Result};

/// What a source is: a table, a user's SELECT, or a folder that rows are exported to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    /// The parts of a table's name, unquoted: catalog, schema and table, or fewer.
    Table(Vec<String>),
    /// A single SELECT, as the user wrote it.
    Query(String),
    /// A folder below the place in object storage that the configuration names for exports. Rows are persisted to it, and
    /// none are read.
    Export(String),
}

impl Relation {
    /// Which of the three a source names; blanks around it do not count, and a blank one is not named. `parts` are those of
    /// a table's whole name.
    ///
    /// # Errors
    /// Definition, when it names none or several; what `parts` says.
    pub fn one_of(
        table: Option<&str>,
        query: Option<&str>,
        export: Option<&str>,
        parts: impl FnOnce(&str) -> Result<Vec<String>>,
    ) -> Result<Self> {
        let given = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let definition = |message: &str| Error::new(ErrorKind::Definition, message);
        match (given(table), given(query), given(export)) {
            (Some(table), None, None) => Ok(Self::Table(parts(&table)?)),
            (None, Some(query), None) => Ok(Self::Query(query)),
            (None, None, Some(folder)) => Ok(Self::Export(folder)),
            (None, None, None) => Err(definition("the source names neither a `table` nor a `query`")),
            _ => {
                Err(definition("the source names more than one of `table`, `query` and `export`").with_help("keep one"))
            }
        }
    }
}
