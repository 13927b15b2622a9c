//! What a caller gets wrong is an error that names it, lists what exists, and comes before any
//! store is asked: the sources of these scenes do not exist, so that a store that is asked anyway
//! complains of that instead.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::common::*;

/// Tells the tables of behaviours that run at once apart.
static GONE: AtomicU64 = AtomicU64::new(0);

/// Asks for `references` of a view over a table that is not there.
async fn asked(fixture: &dyn Fixture, scene: Scene, words: &[&str]) -> Verdict {
    let mut registry = scene.entities();
    for view in &scene.views {
        // A source with the right options, whose table is gone.
        let batches = view.table.batches(view.batch_rows)?;
        let name = format!("conformance_gone_{}_{}_{}", std::process::id(), GONE.fetch_add(1, Relaxed), view.name);
        let source = created(fixture.create(&name, view.table.schema(), batches).await)?;
        fixture.drop(&name).await?;
        registry.feature_views.push(view.definition(view.dressed(source)));
    }
    let asked = scene.ask(fixture, &registry, scene.entity_frame()?).await;
    refused("this mistake", asked, CALLERS, words)
}

fn scene(frame: Table) -> Scene {
    Scene::new([stats(rows![])], frame)
}

/// A view that does not exist: the error names it and lists those that do.
pub async fn unknown_view(fixture: &dyn Fixture) -> Verdict {
    asked(fixture, scene(drivers(rows![])).asking(&["stat:v"]), &["stat", "stats"]).await
}

/// A feature that does not exist: the error names it and lists the view's.
pub async fn unknown_feature(fixture: &dyn Fixture) -> Verdict {
    asked(fixture, scene(drivers(rows![])).asking(&["stats:velocity"]), &["velocity", "v"]).await
}

/// A feature service that does not exist.
pub async fn unknown_service(fixture: &dyn Fixture) -> Verdict {
    let scene = scene(drivers(rows![])).through([FeatureProjection::new("stats")]);
    let mut registry = scene.deploy(fixture).await?;
    registry.feature_services.clear();
    let asked = scene.ask(fixture, &registry, scene.entity_frame()?).await;
    refused("an unknown service", asked, CALLERS, &["asked"])
}

/// A frame without a join key's column: the error names the key and lists the frame's columns.
pub async fn missing_key_column(fixture: &dyn Fixture) -> Verdict {
    let frame = Table::new(&[("driver", DataType::Int64), ("event_timestamp", time())], rows![]);
    asked(fixture, scene(frame), &["driver_id", "driver", "event_timestamp"]).await
}

/// A key column of a type that cannot equal the key's: the error names the column.
pub async fn wrong_key_type(fixture: &dyn Fixture) -> Verdict {
    let frame = Table::new(&[("driver_id", DataType::Utf8), ("event_timestamp", time())], rows![]);
    asked(fixture, scene(frame), &["driver_id"]).await
}

/// What is no `view:feature` is refused where it is read.
pub async fn bad_reference(_: &dyn Fixture) -> Verdict {
    for text in ["stats", ":v", "stats:", "a:b:c", ""] {
        refused(text, text.parse::<hybrid_core::FeatureReference>(), CALLERS, &["view:feature"])?;
    }
    Ok(())
}
