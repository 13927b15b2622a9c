//! Every behaviour that a store must show, over the Data API with UNLOAD and COPY, and over a connection alone.

mod common;

use common::{RedshiftFixture, connection, data_api};

mod over_the_data_api {
    use super::*;
    hybrid_conformance::suite!(RedshiftFixture::new(data_api()).await);
}

mod over_a_connection {
    use super::*;
    hybrid_conformance::suite!(RedshiftFixture::new(connection()).await);
}
