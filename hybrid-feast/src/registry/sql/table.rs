use super::super::document::RecordKind;

/// A table of definitions.
#[derive(Debug)]
pub(super) struct Table {
    /// Its name.
    pub(super) name: &'static str,
    /// What its rows are.
    pub(super) kind: RecordKind,
    /// The column with the definition's name.
    pub(super) id: &'static str,
    /// The column with its message.
    pub(super) message: &'static str,
    /// Whether a registry has it whatever version of Feast made it.
    pub(super) needed: bool,
}

const fn table(name: &'static str, kind: RecordKind, id: &'static str, message: &'static str, needed: bool) -> Table {
    Table {
        name,
        kind,
        id,
        message,
        needed,
    }
}

/// The tables that definitions are in.
#[rustfmt::skip]
pub(super) const TABLES: [Table; 10] = [
    table("projects",                RecordKind::Project,             "project_name",         "project_proto",         false),
    table("entities",                RecordKind::Entity,              "entity_name",          "entity_proto",          true),
    table("data_sources",            RecordKind::DataSource,          "data_source_name",     "data_source_proto",     true),
    table("feature_views",           RecordKind::FeatureView,         "feature_view_name",    "feature_view_proto",    true),
    table("stream_feature_views",    RecordKind::StreamFeatureView,   "feature_view_name",    "feature_view_proto",    false),
    table("on_demand_feature_views", RecordKind::OnDemandFeatureView, "feature_view_name",    "feature_view_proto",    false),
    table("label_views",             RecordKind::LabelView,           "feature_view_name",    "feature_view_proto",    false),
    table("feature_services",        RecordKind::FeatureService,      "feature_service_name", "feature_service_proto", true),
    table("saved_datasets",          RecordKind::SavedDataset,        "saved_dataset_name",   "saved_dataset_proto",   false),
    table("permissions",             RecordKind::Permission,          "permission_name",      "permission_proto",      false),
];

/// The tables that change together with definitions.
pub(super) const METADATA: &str = "feast_metadata";
pub(super) const HISTORY: &str = "feature_view_version_history";

impl Table {
    /// The table of `name`.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        const { &TABLES }.iter().find(|table| table.name == name)
    }

    /// Which of its rows matter, where `$1` is the project. Of projects, all: they are told where one is wrong.
    pub(super) fn condition(&self) -> &'static str {
        match self.kind {
            RecordKind::Project => "$1 = $1",
            _ => "project_id = $1",
        }
    }

    /// Puts a row: name, project, seconds and message are `$1` to `$4`. Columns that Feast fills stay as they are.
    pub(super) fn upsert(&self) -> String {
        let Self { name, id, message, .. } = self;
        let key = match self.kind {
            RecordKind::Project => "project_id".to_owned(),
            _ => format!("{id}, project_id"),
        };
        format!(
            "INSERT INTO {name} ({id}, project_id, last_updated_timestamp, {message}) VALUES ($1, $2, $3, $4) \
             ON CONFLICT ({key}) DO UPDATE SET last_updated_timestamp = excluded.last_updated_timestamp, \
             {message} = excluded.{message}"
        )
    }

    /// Deletes a row: name and project are `$1` and `$2`.
    pub(super) fn delete(&self) -> String {
        format!("DELETE FROM {} WHERE {} = $1 AND project_id = $2", self.name, self.id)
    }

    /// Whether its rows are views, of which Feast keeps every version.
    pub(super) fn has_versions(&self) -> bool {
        self.id == "feature_view_name"
    }
}
