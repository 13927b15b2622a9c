use std::collections::BTreeMap;

use hybrid_core::FeatureProjection;
use hybrid_core::config::SchemaMode;

use crate::database::Database;
use crate::support::definitions::{definitions, views};

#[tokio::test]
async fn the_first_apply_makes_the_tables_that_feast_makes() {
    let database = Database::absent();
    let store = database.store("p");
    let applied = store.apply(definitions("a"), false).await.unwrap();
    let added = [
        "entity driver",
        "source a_source",
        "feature view a",
        "feature service a_service",
    ];
    assert_eq!(applied.added, added);
    let read = store.registry().await.unwrap();
    assert_eq!(read.feature_view("a").unwrap(), &definitions("a").feature_views[0]);
    let all = FeatureProjection::new("a").with_features(["x", "tags"]);
    assert_eq!(read.feature_service("a_service").unwrap().features, [all]);

    let schema = "SELECT name || ':' || sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name";
    let plain =
        |texts: Vec<String>| -> Vec<String> { texts.iter().map(|text| text.split_whitespace().collect()).collect() };
    assert_eq!(plain(database.texts(schema)), plain(Database::of_feast().texts(schema)));
    let keys = database.texts("SELECT metadata_key FROM feast_metadata WHERE project_id = 'p' ORDER BY 1");
    assert_eq!(keys, ["last_updated_timestamp", "project_uuid"]);
    assert_eq!(
        database.texts("SELECT project_id || project_name FROM projects"),
        ["pp"]
    );
}

#[tokio::test]
async fn what_stays_as_it_was_is_not_written() {
    let database = Database::absent();
    let store = database.store("p");
    store.apply(definitions("a"), false).await.unwrap();
    let before = std::fs::read(&database.path).unwrap();
    let applied = store.apply(definitions("a"), false).await.unwrap();
    assert_eq!((applied.unchanged, std::fs::read(&database.path).unwrap()), (4, before));
}

/// Every row of Feast's tables of definitions, by table and key.
fn rows(database: &Database) -> BTreeMap<String, String> {
    let connection = database.connection();
    let mut all = BTreeMap::new();
    for (table, id, message) in [
        ("entities", "entity_name", "entity_proto"),
        ("data_sources", "data_source_name", "data_source_proto"),
        ("feature_views", "feature_view_name", "feature_view_proto"),
        ("stream_feature_views", "feature_view_name", "feature_view_proto"),
        ("on_demand_feature_views", "feature_view_name", "feature_view_proto"),
        ("feature_services", "feature_service_name", "feature_service_proto"),
    ] {
        let query = format!("SELECT project_id || '/' || {id}, hex({message}) || last_updated_timestamp FROM {table}");
        let mut statement = connection.prepare(&query).unwrap();
        let mut found = statement.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            all.insert(
                format!("{table}/{}", row.get::<_, String>(0).unwrap()),
                row.get(1).unwrap(),
            );
        }
    }
    all
}

#[tokio::test]
async fn only_what_differs_is_written_and_unknown_fields_survive() {
    let database = Database::of_feast();
    // A field that no version knows, at the end of the message; and columns that only Feast fills.
    database
        .connection()
        .execute_batch(
            "UPDATE feature_views SET feature_view_proto = feature_view_proto || x'9a3e0378797a', \
             user_metadata = x'01', materialized_intervals = x'02' WHERE feature_view_name = 'driver_stats'",
        )
        .unwrap();
    let before = rows(&database);
    let store = database.store("demo");
    let mut changed = (*store.registry().await.unwrap()).clone();
    changed.feature_views.retain(|view| view.name == "driver_stats");
    changed.feature_views[0].owner = "us".to_owned();
    changed.feature_services.clear();
    changed.unsupported_views.clear();
    changed.sources.clear();
    changed.entities.retain(|entity| entity.name == "driver");
    let applied = store.apply(changed, false).await.unwrap();
    assert_eq!(applied.updated, ["feature view driver_stats"]);
    let mut after = rows(&database);
    let written = after.insert(
        "feature_views/demo/driver_stats".to_owned(),
        before["feature_views/demo/driver_stats"].clone(),
    );
    assert_eq!(
        before, after,
        "every other row as it was, those of another project among them"
    );
    assert!(written.unwrap().contains("9A3E0378797A"));
    let kept = "SELECT hex(user_metadata) || hex(materialized_intervals) FROM feature_views WHERE feature_view_name = 'driver_stats'";
    assert_eq!(database.texts(kept), ["0102"]);
}

#[tokio::test]
async fn prune_deletes_rows_and_the_versions_that_feast_kept_of_them() {
    let database = Database::of_feast();
    let store = database.store("demo");
    let mut left = (*store.registry().await.unwrap()).clone();
    left.feature_views.retain(|view| view.name == "types");
    left.feature_services.clear();
    left.sources.clear();
    left.unsupported_views.clear();
    left.entities.retain(|entity| entity.name == "customer");
    let applied = store.apply(left, true).await.unwrap();
    assert!(
        applied.deleted.contains(&"feature view bq_view".to_owned()),
        "{applied:?}"
    );
    let stream = ["stream", "types"];
    assert_eq!(
        views(&store.registry().await.unwrap()),
        stream,
        "and what only Feast can define"
    );
    let versions = database.texts("SELECT DISTINCT feature_view_name FROM feature_view_version_history ORDER BY 1");
    assert!(
        !versions.contains(&"bq_view".to_owned()) && versions.contains(&"types".to_owned()),
        "{versions:?}"
    );
    assert_eq!(
        database.texts("SELECT entity_name FROM entities WHERE project_id = 'other'"),
        ["driver"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_at_the_same_time_lose_nothing() {
    let database = Database::absent();
    let apply = |n: usize| {
        let store = database.patient_store("p");
        tokio::spawn(async move {
            for round in 0..5 {
                let view = definitions(&format!("view_{n}_{round}"));
                store.apply(view, false).await.unwrap();
            }
        })
    };
    let writers: Vec<_> = (0..4).map(apply).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let read = database.store("p").registry().await.unwrap();
    assert_eq!(
        (
            read.feature_views.len(),
            read.feature_services.len(),
            read.entities.len()
        ),
        (20, 20, 1)
    );
}

#[tokio::test]
async fn problems_are_reported_together_and_nothing_is_written() {
    let database = Database::absent();
    let mut wrong = definitions("a");
    wrong.feature_views[0].entities = vec!["drver".to_owned()];
    let error = database.store("p").apply(wrong, false).await.unwrap_err();
    assert!(error.to_string().contains("entity `drver` does not exist"), "{error}");
    let size = std::fs::metadata(&database.path).map_or(0, |metadata| metadata.len());
    assert_eq!(size, 0);
    assert!(database.store("p").registry().await.unwrap().feature_views.is_empty());
}

#[tokio::test]
async fn feast_metadata_out_of_use_stays_out_of_use() {
    let database = Database::absent();
    let mut config = database.config();
    config.purge_feast_metadata = true;
    database
        .store_with(config, "p")
        .apply(definitions("a"), false)
        .await
        .unwrap();
    assert!(database.texts("SELECT metadata_key FROM feast_metadata").is_empty());
    let mut config = database.config();
    config.schema_mode = SchemaMode::Verify;
    assert_eq!(
        views(&database.store_with(config, "p").registry().await.unwrap()),
        ["a"]
    );
}
