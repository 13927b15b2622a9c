//! Every behaviour that a store must show, over the Data API with UNLOAD and COPY, and over a connection, alone and with them.

mod common;

use common::{RedshiftFixture, connection, connection_and_s3, data_api};

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
    hybrid_conformance::suite!(RedshiftFixture::new(connection_and_s3()).await; rows, keys, times, types, write, random);
}
