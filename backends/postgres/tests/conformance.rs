//! Every behaviour that a store must show, with entity rows in a temporary table and inside the statement.

mod common;

use common::PostgresFixture;
use hybrid_store_postgres::EntitySelectMode;

mod temp_table {
    use super::*;
    hybrid_conformance::suite!(PostgresFixture::new(EntitySelectMode::TempTable).await);
}

mod embed_query {
    use super::*;
    hybrid_conformance::suite!(PostgresFixture::new(EntitySelectMode::EmbedQuery).await);
}
