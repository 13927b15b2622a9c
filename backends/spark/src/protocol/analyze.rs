use prost::{Message, Oneof};

use super::{DataType, Plan, UserContext};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AnalyzeRequest {
    #[prost(string, tag = "1")]
    pub(crate) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) user_context: Option<UserContext>,
    #[prost(string, optional, tag = "3")]
    pub(crate) client_type: Option<String>,
    #[prost(string, optional, tag = "17")]
    pub(crate) observed: Option<String>,
    #[prost(oneof = "Analysis", tags = "4, 5, 10")]
    pub(crate) analysis: Option<Analysis>,
}

/// What is asked of a plan.
#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Analysis {
    #[prost(message, tag = "4")]
    Schema(OfPlan),
    #[prost(message, tag = "5")]
    Explain(Explain),
    #[prost(message, tag = "10")]
    Version(Version),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct OfPlan {
    #[prost(message, optional, tag = "1")]
    pub(crate) plan: Option<Plan>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Explain {
    #[prost(message, optional, tag = "1")]
    pub(crate) plan: Option<Plan>,
    #[prost(int32, tag = "2")]
    pub(crate) mode: i32,
}

/// The operators first, then their details by number.
pub(crate) const EXPLAIN_FORMATTED: i32 = 5;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Version {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AnalyzeResponse {
    #[prost(string, tag = "15")]
    pub(crate) server_session: String,
    #[prost(oneof = "Analyzed", tags = "2, 3, 8")]
    pub(crate) analyzed: Option<Analyzed>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Analyzed {
    #[prost(message, tag = "2")]
    Schema(SchemaOfPlan),
    #[prost(message, tag = "3")]
    Explain(Text),
    #[prost(message, tag = "8")]
    Version(Text),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SchemaOfPlan {
    #[prost(message, optional, tag = "1")]
    pub(crate) schema: Option<DataType>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Text {
    #[prost(string, tag = "1")]
    pub(crate) text: String,
}
