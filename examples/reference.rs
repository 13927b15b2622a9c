//! The complete example of Feast's documentation of the hybrid offline store, in Rust.
//!
//! `cargo run -p hybrid-offline-store --example reference`
//!
//! The files are made in a temporary folder. The BigQuery half shows the error of a store that is
//! configured and not compiled in; the file half works all the same.

#![allow(clippy::print_stdout)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use hybrid_offline_store::arrow::util::pretty::pretty_format_batches;
use hybrid_offline_store::file::FileSource;
use hybrid_offline_store::{
    Entity, EntityFrame, FeatureRegistry, FeatureSelection, FeatureStore, FeatureView, Field, Result, RetrievalOptions,
    Source, ValueType,
};

const CONFIGURATION: &str = "
project: my_project
registry: registry.db
provider: local
offline_store:
  type: feast.infra.offline_stores.hybrid_offline_store.HybridOfflineStore
  offline_stores:
    - type: bigquery
      dataset: feast_dataset
      project_id: gcp_project_id
    - type: file
";

const ACTIVITY: &str = "\
driver_id,event_timestamp,active_hours,driving_days
1001,2025-01-01T08:00:00Z,6.5,4
1002,2025-01-01T09:30:00Z,7.25,5
1001,2025-01-02T08:00:00Z,8.0,5
";

const ENTITIES: &str = "\
driver_id,event_timestamp,label
1001,2025-01-01T12:00:00Z,1
1002,2025-01-02T09:30:00Z,0
1001,2025-01-02T12:00:00Z,1
1002,2025-01-03T12:00:00Z,0
";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn definitions() -> FeatureRegistry {
    // Define an entity
    let driver = Entity::new("driver_id")
        .with_value_type(ValueType::Int64)
        .with_description("Driver ID");

    // BigQuery source; a typed `BigQuerySource` comes with its store
    let mut bq_source = Source::new("bigquery").with_event_timestamp_column("event_timestamp");
    let table = "my_project.my_dataset.driver_stats";
    bq_source.options.insert("table".to_owned(), table.into());

    // File source
    let file_source =
        Source::from(FileSource::new("driver_activity.csv")).with_event_timestamp_column("event_timestamp");

    // Feature view with BigQuery source
    let driver_stats_bq = FeatureView::new("driver_stats_bq", bq_source)
        .with_entities(["driver_id"])
        .with_ttl(DAY)
        .with_schema([
            Field::new("conv_rate", ValueType::Float32),
            Field::new("acc_rate", ValueType::Float32),
            Field::new("avg_daily_trips", ValueType::Int32),
        ]);

    // Feature view with File source
    let driver_activity_file = FeatureView::new("driver_activity_file", file_source)
        .with_entities(["driver_id"])
        .with_ttl(DAY)
        .with_schema([
            Field::new("active_hours", ValueType::Float32),
            Field::new("driving_days", ValueType::Int32),
        ]);

    let mut definitions = FeatureRegistry::new("my_project");
    definitions.entities = vec![driver];
    definitions.feature_views = vec![driver_stats_bq, driver_activity_file];
    definitions
}

/// Retrieves features for the entity rows and shows them, or the error.
async fn show(fs: &FeatureStore, repo: &Path, features: &[&str]) -> Result<()> {
    let references = features.iter().map(|name| name.parse()).collect::<Result<_>>()?;
    let features = FeatureSelection::References(references);
    let entity_df = EntityFrame::from_path(repo.join("entities.csv"))?;
    let job = fs
        .get_historical_features(entity_df, &features, RetrievalOptions::default())
        .await?;
    let training_df = job.to_arrow().await?;
    let table = pretty_format_batches(&training_df)?;
    println!("{table}");
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let repo = tempfile::tempdir()?;
    fs::write(repo.path().join("feature_store.yaml"), CONFIGURATION)?;
    fs::write(repo.path().join("driver_activity.csv"), ACTIVITY)?;
    fs::write(repo.path().join("entities.csv"), ENTITIES)?;

    // Apply feature views
    let fs = FeatureStore::open(repo.path())?;
    fs.apply(definitions(), false).await?;

    // Get historical features from BigQuery source
    let features = [
        "driver_stats_bq:conv_rate",
        "driver_stats_bq:acc_rate",
        "driver_stats_bq:avg_daily_trips",
    ];
    if let Err(error) = show(&fs, repo.path(), &features).await {
        println!("{error}\n");
    }

    // Get historical features from File source
    let features = ["driver_activity_file:active_hours", "driver_activity_file:driving_days"];
    show(&fs, repo.path(), &features).await
}
