//! Every behaviour that a store must show, on each layout that a source can have.

#![allow(clippy::unwrap_used)]

mod common;

use common::{FileFixture, Layout};

mod one_parquet_file {
    use super::*;
    hybrid_conformance::suite!(FileFixture::new(Layout::ParquetFile).await);
}

mod parquet_folder {
    use super::*;
    hybrid_conformance::suite!(FileFixture::new(Layout::ParquetFolder).await);
}

mod one_csv_file {
    use super::*;
    hybrid_conformance::suite!(FileFixture::new(Layout::CsvFile).await);
}
