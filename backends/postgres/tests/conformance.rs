//! Every behaviour that a store must show, with entity rows in a temporary table and inside the statement; by
//! each formulation, what depends on how rows are joined.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::PostgresFixture;
use hybrid_core::sql::Formulation;
use hybrid_store_postgres::EntitySelectMode;

mod temp_table {
    use super::*;
    hybrid_conformance::suite!(PostgresFixture::new(EntitySelectMode::TempTable).await);
}

mod embed_query {
    use super::*;
    hybrid_conformance::suite!(PostgresFixture::new(EntitySelectMode::EmbedQuery).await);
}

mod ranked {
    use super::*;
    hybrid_conformance::suite!(PostgresFixture::by(Formulation::Ranked).await; keys, times, winner, random);
}

mod running_time {
    use super::*;
    hybrid_conformance::suite!(PostgresFixture::by(Formulation::RunningTime).await; keys, times, winner, random);
}

mod lateral {
    use super::*;
    hybrid_conformance::suite!(PostgresFixture::by(Formulation::Lateral).await; keys, times, winner, random);
}
