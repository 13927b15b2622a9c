//! What the output's columns are called, and under which names columns are found.

use super::common::*;

/// A view of two features: driver_id, ts, v, w.
fn wide(name: &str, rows: Vec<Vec<Value>>) -> View {
    let columns = [("driver_id", DataType::Int64), ("ts", time()), ("v", DataType::Int64), ("w", DataType::Utf8)];
    View::new(name, &["driver_id"], Table::new(&columns, rows))
}

fn two_views() -> Scene {
    let columns = [("driver_id", DataType::Int64), ("ts", time()), ("x", DataType::Float64)];
    let other = View::new("other", &["driver_id"], Table::new(&columns, rows![[1, at(2.0), 0.5]]));
    Scene::new([wide("stats", rows![[1, at(1.0), 10, "a"]]), other], drivers(rows![[1, at(5.0)], [2, at(5.0)]]))
}

/// Features come in the order asked for, also where the views alternate.
pub async fn order_asked_for_is_kept(fixture: &dyn Fixture) -> Verdict {
    let scene = two_views().asking(&["stats:w", "other:x", "stats:v"]);
    scene.gives(fixture, rows![["a", 0.5, 10], [NULL, NULL, NULL]]).await
}

/// Only what is asked for comes back.
pub async fn one_feature_of_many(fixture: &dyn Fixture) -> Verdict {
    two_views().asking(&["stats:w"]).gives(fixture, rows![["a"], [NULL]]).await
}

/// With full_feature_names features are called `view__feature`, so that views may share names.
pub async fn full_names_carry_the_view(fixture: &dyn Fixture) -> Verdict {
    let views = [wide("stats", rows![[1, at(1.0), 10, "a"]]), wide("other", rows![[1, at(1.0), 11, "b"]])];
    let scene = Scene::new(views, drivers(rows![[1, at(5.0)]])).with_full_names();
    scene.gives(fixture, rows![[10, "a", 11, "b"]]).await
}

async fn collides(fixture: &dyn Fixture, scene: Scene, words: &[&str]) -> Verdict {
    let registry = scene.deploy(fixture).await?;
    let asked = scene.ask(fixture, &registry, scene.entity_frame()?).await;
    refused("two columns of one name", asked, CALLERS, words)
}

/// Two features that would get one name: an error that names both and offers full_feature_names.
pub async fn collision_of_features_is_an_error(fixture: &dyn Fixture) -> Verdict {
    let views = [wide("stats", rows![]), wide("other", rows![])];
    let scene = Scene::new(views, drivers(rows![])).asking(&["stats:v", "other:v"]);
    collides(fixture, scene, &["stats", "other", "view__feature"]).await
}

/// A feature that is called like a column of the frame: an error that names it.
pub async fn collision_with_the_frame_is_an_error(fixture: &dyn Fixture) -> Verdict {
    let columns = [("driver_id", DataType::Int64), ("event_timestamp", time()), ("v", DataType::Utf8)];
    let scene = Scene::new([wide("stats", rows![])], Table::new(&columns, rows![])).asking(&["stats:v"]);
    collides(fixture, scene, &["v"]).await
}

/// A feature service gives its features, in its order; a projection without names gives all.
pub async fn service_gives_its_features(fixture: &dyn Fixture) -> Verdict {
    let projections = [FeatureProjection::new("other"), FeatureProjection::new("stats").with_features(["w"])];
    two_views().through(projections).gives(fixture, rows![[0.5, "a"], [NULL, NULL]]).await
}

fn trips() -> Table {
    let columns = [("driver_id", DataType::Int64), ("buyer_id", DataType::Int64), ("event_timestamp", time())];
    Table::new(&columns, rows![[1, 2, at(5.0)], [2, 1, at(5.0)], [1, NULL, at(5.0)]])
}

/// Under an alias a view joins another column of the frame.
pub async fn alias_joins_another_column(fixture: &dyn Fixture) -> Verdict {
    let buyers = FeatureProjection::new("stats").with_alias("buyers").with_join_key("driver_id", "buyer_id");
    let view = wide("stats", rows![[1, at(1.0), 10, "a"], [2, at(1.0), 20, "b"]]);
    let scene = Scene::new([view], trips()).through([buyers]).with_full_names();
    scene.gives(fixture, rows![[20, "b"], [10, "a"], [NULL, NULL]]).await
}

/// One view used twice, on two columns of the frame, gives two sets of features.
pub async fn one_view_under_two_aliases(fixture: &dyn Fixture) -> Verdict {
    let usage = |alias: &str, column: &str| {
        let projection = FeatureProjection::new("stats").with_features(["v"]).with_alias(alias);
        projection.with_join_key("driver_id", column)
    };
    let view = wide("stats", rows![[1, at(1.0), 10, "a"], [2, at(1.0), 20, "b"]]);
    let scene = Scene::new([view], trips()).through([usage("sellers", "driver_id"), usage("buyers", "buyer_id")]);
    scene.with_full_names().gives(fixture, rows![[10, 20], [20, 10], [10, NULL]]).await
}

fn mapped(pairs: &[(&str, &str)], time_column: &str, created: Option<&str>, key: &str) -> Scene {
    let columns = [("src_id", DataType::Int64), ("src_ts", time()), ("src_created", time()), ("src_v", DataType::Int64)];
    let rows = rows![[1, at(1.0), at(8.0), 10], [1, at(1.0), at(7.0), 11], [2, at(9.0), at(9.0), 20]];
    let view = View::new("stats", &[key], Table::new(&columns, rows)).with_times(time_column, created);
    let frame = Table::new(&[(key, DataType::Int64), ("event_timestamp", time())], rows![[1, at(5.0)], [2, at(5.0)]]);
    Scene::new([view.with_mapping(pairs)], frame)
}

/// A feature is asked for and returned under its mapped name.
pub async fn field_mapping_of_features(fixture: &dyn Fixture) -> Verdict {
    let scene = mapped(&[("src_v", "v")], "src_ts", Some("src_created"), "src_id");
    scene.asking(&["stats:v"]).gives(fixture, rows![[10], [NULL]]).await
}

/// A join key is found in the frame under its mapped name.
pub async fn field_mapping_of_keys(fixture: &dyn Fixture) -> Verdict {
    let scene = mapped(&[("src_id", "driver_id")], "src_ts", Some("src_created"), "driver_id");
    scene.asking(&["stats:src_v"]).gives(fixture, rows![[10], [NULL]]).await
}

/// The timestamps of a source may be mapped too: they are read from the source's own columns.
pub async fn field_mapping_of_times(fixture: &dyn Fixture) -> Verdict {
    let pairs = [("src_ts", "event_timestamp"), ("src_created", "written"), ("src_id", "id"), ("src_v", "v")];
    let scene = mapped(&pairs, "src_ts", Some("src_created"), "id");
    scene.asking(&["stats:v"]).gives(fixture, rows![[10], [NULL]]).await
}
