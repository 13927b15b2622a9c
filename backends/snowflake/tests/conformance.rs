//! Every behaviour that a store must show, by each way that entity rows travel and by each formulation that the
//! emulator runs.

#![allow(clippy::unwrap_used)]

mod common;

use common::SnowflakeFixture;
use hybrid_core::sql::Formulation;
use hybrid_store_snowflake::EntitySelect;

mod embedded {
    use super::*;
    hybrid_conformance::suite!(SnowflakeFixture::new(EntitySelect::Auto, Formulation::RunningTime).await);
}

mod staged {
    use super::*;
    hybrid_conformance::suite!(SnowflakeFixture::new(EntitySelect::TempTable, Formulation::Ranked).await);
}
