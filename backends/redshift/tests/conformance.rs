//! Every behaviour that a store must show, over the Data API with UNLOAD and COPY, and over a connection, alone and with them; by
//! each formulation, what depends on how rows are joined.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{RedshiftFixture, connection, connection_and_s3, data_api};
use hybrid_core::sql::Formulation;

mod over_the_data_api {
    use super::*;
    hybrid_conformance::suite!(RedshiftFixture::new(data_api()).await);
}

mod over_a_connection {
    use super::*;
    hybrid_conformance::suite!(RedshiftFixture::new(connection()).await);
}

/// What depends on how rows travel.
mod over_a_connection_and_s3 {
    use super::*;
    hybrid_conformance::suite!(RedshiftFixture::new(connection_and_s3()).await; rows, keys, times, types, write, persist, random);
}

mod ranked {
    use super::*;
    hybrid_conformance::suite!(RedshiftFixture::by(Formulation::Ranked).await; winner, random);
}

mod running_time {
    use super::*;
    hybrid_conformance::suite!(RedshiftFixture::by(Formulation::RunningTime).await; winner, random);
}
