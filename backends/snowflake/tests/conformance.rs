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

/// Through a proxy that says ASOF JOIN as the engine below the emulator does.
mod as_of {
    use super::*;
    hybrid_conformance::suite!(SnowflakeFixture::new(EntitySelect::Auto, Formulation::AsOf).await);
}

mod staged {
    use super::*;
    hybrid_conformance::suite!(SnowflakeFixture::new(EntitySelect::TempTable, Formulation::Ranked).await);
}
