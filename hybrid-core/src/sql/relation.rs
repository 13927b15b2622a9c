/// What a source reads from: a table, or a user's SELECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    /// The parts of a table's name, unquoted: catalog, schema and table, or fewer.
    Table(Vec<String>),
    /// A single SELECT, as the user wrote it.
    Query(String),
}
