use bytes::Bytes;
use prost::{Message, Oneof};

/// What is to be run: a relation whose rows come back, or a command.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Plan {
    #[prost(oneof = "PlanKind", tags = "1, 2")]
    pub(crate) kind: Option<PlanKind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum PlanKind {
    #[prost(message, tag = "1")]
    Root(Relation),
    #[prost(message, tag = "2")]
    Command(Command),
}

impl Plan {
    /// The rows of a query.
    pub(crate) fn query(sql: &str) -> Self {
        Self {
            kind: Some(PlanKind::Root(Relation::sql(sql))),
        }
    }

    /// A command.
    pub(crate) fn command(kind: CommandKind) -> Self {
        Self {
            kind: Some(PlanKind::Command(Command { kind: Some(kind) })),
        }
    }

    /// A statement that gives no rows.
    pub(crate) fn statement(sql: &str) -> Self {
        Self::command(CommandKind::Sql(SqlCommand {
            input: Some(Relation::sql(sql)),
        }))
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Relation {
    #[prost(oneof = "RelationKind", tags = "10, 11, 37, 45")]
    pub(crate) kind: Option<RelationKind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum RelationKind {
    #[prost(message, tag = "10")]
    Sql(Sql),
    #[prost(message, tag = "11")]
    Local(LocalRelation),
    #[prost(message, tag = "37")]
    Remote(RemoteRelation),
    #[prost(message, tag = "45")]
    Cached(CachedRelation),
}

impl Relation {
    pub(crate) fn sql(query: &str) -> Self {
        RelationKind::Sql(Sql {
            query: query.to_owned(),
        })
        .into()
    }
}

impl From<RelationKind> for Relation {
    fn from(kind: RelationKind) -> Self {
        Self { kind: Some(kind) }
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Sql {
    #[prost(string, tag = "1")]
    pub(crate) query: String,
}

/// Rows as one Arrow stream, inside the plan.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct LocalRelation {
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub(crate) data: Option<Bytes>,
}

/// A relation that the server keeps for its session.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RemoteRelation {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
}

/// Rows as several Arrow streams, each an artifact `cache/NAME` of the session.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CachedRelation {
    #[prost(string, repeated, tag = "1")]
    pub(crate) names: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Command {
    #[prost(oneof = "CommandKind", tags = "2, 3, 5, 14")]
    pub(crate) kind: Option<CommandKind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum CommandKind {
    #[prost(message, tag = "2")]
    Write(Write),
    #[prost(message, tag = "3")]
    View(View),
    #[prost(message, tag = "5")]
    Sql(SqlCommand),
    #[prost(message, tag = "14")]
    Checkpoint(Checkpoint),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SqlCommand {
    #[prost(message, optional, tag = "6")]
    pub(crate) input: Option<Relation>,
}

/// Names a relation for the rest of the session.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct View {
    #[prost(message, optional, tag = "1")]
    pub(crate) input: Option<Relation>,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(bool, tag = "3")]
    pub(crate) is_global: bool,
    #[prost(bool, tag = "4")]
    pub(crate) replace: bool,
}

/// Runs a relation once and keeps its rows on the executors.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Checkpoint {
    #[prost(message, optional, tag = "1")]
    pub(crate) relation: Option<Relation>,
    #[prost(bool, tag = "2")]
    pub(crate) local: bool,
    #[prost(bool, tag = "3")]
    pub(crate) eager: bool,
}

/// Writes a relation to a folder of files.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Write {
    #[prost(message, optional, tag = "1")]
    pub(crate) input: Option<Relation>,
    #[prost(string, optional, tag = "2")]
    pub(crate) source: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) path: Option<String>,
    #[prost(enumeration = "SaveMode", tag = "5")]
    pub(crate) mode: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum SaveMode {
    Unspecified = 0,
    Append = 1,
    Overwrite = 2,
    ErrorIfExists = 3,
}
