use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_core::{Call, Explain, OfflineStore};
use hybrid_store_postgres::{EntitySelectMode, PostgresSource};

use super::pair::Pair;
use crate::common::request::history;
use crate::common::{PostgresFixture, store};

/// A table with an index, large enough that the index is worth it.
const STATS: &str = "CREATE TABLE stats AS SELECT n % 1000 AS id, TIMESTAMPTZ '2024-04-01Z' + n * INTERVAL '1 minute' AS ts, \
                     n::float8 AS v FROM generate_series(1, 20000) AS n";

/// Entity rows are in the statement here, without being told.
#[tokio::test(flavor = "multi_thread")]
async fn every_behaviour_but_writing_is_that_of_a_primary() {
    let pair = Pair::shared();
    let mut fixture = PostgresFixture::between(pair.primary(), pair.standby()).await;
    fixture.writes = false;
    let report = hybrid_conformance::run_all(&fixture).await;
    assert!(report.is_success(), "{report}");
}

#[tokio::test]
async fn statistics_plans_and_columns_are_those_of_the_primary() {
    let pair = Pair::shared();
    pair.on_primary(&[STATS, "CREATE INDEX ON stats (id, ts)", "ANALYZE stats"])
        .await;
    let mut answers = Vec::new();
    for mode in [EntitySelectMode::TempTable, EntitySelectMode::EmbedQuery] {
        let mut config = pair.standby();
        config.entity_select_mode = mode;
        let store = store(config).await;
        let told = OfflineStore::ping(&store).await.unwrap();
        assert!(told.contains(", a standby"), "{told}");
        let schema = OfflineStore::source_schema(&store, &PostgresSource::table("stats")).await;
        assert_eq!(schema.unwrap().fields().len(), 3);
        let session = store.session().await.unwrap();
        let estimate = session.row_estimate(&["public".to_owned(), "stats".to_owned()]).await;
        assert_eq!(estimate.unwrap(), Some(20_000));
        session.close().await.unwrap();
        let plan = OfflineStore::explain(&store, Explain::Historical(history("stats", None))).await;
        let plan = plan.unwrap();
        assert!(
            plan.contains("view view: Lateral") && plan.contains("unnest("),
            "{plan}"
        );
        let rows = OfflineStore::get_historical_features(&store, history("stats", None), &Call::default()).await;
        answers.push(rows.unwrap().rows.collect().await.unwrap());
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0][0].num_rows(), 1);
}
