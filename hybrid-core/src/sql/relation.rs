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
