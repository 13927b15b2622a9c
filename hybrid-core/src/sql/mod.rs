//! What SQL backends share. A backend brings a [`Dialect`] (how its engine writes things) and an
//! [`SqlStore`] with its [`SqlSession`] (how its engine is reached); core brings the texts of the
//! operations, the choice among formulations of the point-in-time join, the staging of entity rows
//! and the clean-up, and makes every [`SqlStore`] an [`OfflineStore`](crate::OfflineStore).

mod choose;
mod cleanup;
mod dialect;
mod embed;
mod exact;
mod fit;
mod frame;
mod historical;
mod lexical;
mod literal;
mod name;
mod operations;
mod partition;
mod prepare;
mod pull;
mod relation;
mod select;
mod store;
mod support;
mod swap;
mod table;
mod text;
mod write;

pub use crate::store::{SQL_TYPE, sql_type_of};
pub use cleanup::Cleanup;
pub use dialect::{Dialect, Formulation};
pub use exact::exact;
pub use literal::literal;
pub use name::{folded_name_parts, name_parts};
pub use relation::Relation;
pub use select::{check_select, parsed_select};
pub use store::{Append, Mode, SqlSession, SqlStore};
pub use support::{blocking, jittered, status_line};
pub use swap::{Run, Swap, sibling};

/// For the grammar of a [`Dialect`].
pub use sqlparser;
