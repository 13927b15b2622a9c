use hybrid_core::definitions::Tags;

/// Who asks, as Feast's policies see them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The user's or the service's name; empty: nobody was asked.
    pub name: String,
    /// For policies by role.
    pub roles: Vec<String>,
    /// For policies by group.
    pub groups: Vec<String>,
    /// For policies by namespace.
    pub namespaces: Vec<String>,
}

impl Identity {
    /// Somebody without a name, who is in no group.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Somebody of that name, who has no role and is in no group.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Whether nobody was asked who they are.
    pub fn is_anonymous(&self) -> bool {
        self.name.is_empty()
    }
}

/// A definition that permissions are about.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'a> {
    /// What it is.
    pub kind: ResourceKind,
    /// Its own name, not an alias.
    pub name: &'a str,
    /// What required tags are compared with.
    pub tags: &'a Tags,
}

/// What a [`Resource`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum ResourceKind {
    FeatureView,
    OnDemandFeatureView,
    BatchFeatureView,
    StreamFeatureView,
    Entity,
    FeatureService,
    DataSource,
    ValidationReference,
    SavedDataset,
    Permission,
    Project,
    LabelView,
}

/// Feast's classes, in the order of their numbers in PermissionSpec.Type.
const KINDS: [(ResourceKind, &str, &str); 12] = [
    (ResourceKind::FeatureView, "feast.feature_view", "FeatureView"),
    (
        ResourceKind::OnDemandFeatureView,
        "feast.on_demand_feature_view",
        "OnDemandFeatureView",
    ),
    (
        ResourceKind::BatchFeatureView,
        "feast.batch_feature_view",
        "BatchFeatureView",
    ),
    (
        ResourceKind::StreamFeatureView,
        "feast.stream_feature_view",
        "StreamFeatureView",
    ),
    (ResourceKind::Entity, "feast.entity", "Entity"),
    (ResourceKind::FeatureService, "feast.feature_service", "FeatureService"),
    (ResourceKind::DataSource, "feast.data_source", "DataSource"),
    (
        ResourceKind::ValidationReference,
        "feast.saved_dataset",
        "ValidationReference",
    ),
    (ResourceKind::SavedDataset, "feast.saved_dataset", "SavedDataset"),
    (ResourceKind::Permission, "feast.permissions.permission", "Permission"),
    (ResourceKind::Project, "feast.project", "Project"),
    (ResourceKind::LabelView, "feast.labeling.label_view", "LabelView"),
];

impl ResourceKind {
    pub(super) fn all() -> Vec<Self> {
        KINDS.iter().map(|kind| kind.0).collect()
    }

    pub(super) fn of_number(number: i32) -> Option<Self> {
        KINDS.get(usize::try_from(number).ok()?).map(|kind| kind.0)
    }

    fn row(self) -> (&'static str, &'static str) {
        let row = KINDS.iter().find(|kind| kind.0 == self);
        row.map_or(("", ""), |(_, module, name)| (*module, *name))
    }

    pub(super) fn module(self) -> &'static str {
        self.row().0
    }

    /// The class of Feast that it is.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// Whether its class is `other`'s or inherits from it.
    pub(super) fn is_a(self, other: Self) -> bool {
        let inherits = matches!(self, Self::BatchFeatureView | Self::StreamFeatureView);
        self == other || (inherits && other == Self::FeatureView)
    }
}

/// What is done with a [`Resource`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Action {
    Create,
    Describe,
    Update,
    Delete,
    ReadOnline,
    ReadOffline,
    WriteOnline,
    WriteOffline,
}

/// In the order of their numbers in PermissionSpec.AuthzedAction.
const ACTIONS: [(Action, &str); 8] = [
    (Action::Create, "CREATE"),
    (Action::Describe, "DESCRIBE"),
    (Action::Update, "UPDATE"),
    (Action::Delete, "DELETE"),
    (Action::ReadOnline, "READ_ONLINE"),
    (Action::ReadOffline, "READ_OFFLINE"),
    (Action::WriteOnline, "WRITE_ONLINE"),
    (Action::WriteOffline, "WRITE_OFFLINE"),
];

impl Action {
    pub(super) fn of_number(number: i32) -> Option<Self> {
        ACTIONS.get(usize::try_from(number).ok()?).map(|action| action.0)
    }

    /// The name that Feast gives it.
    pub fn name(self) -> &'static str {
        let row = ACTIONS.iter().find(|action| action.0 == self);
        row.map_or("", |(_, name)| *name)
    }
}

/// Texts as Python shows a list of them.
pub(super) fn python_list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let quoted = texts.into_iter().map(|text| {
        let quote = if text.contains('\'') && !text.contains('"') {
            '"'
        } else {
            '\''
        };
        let mut shown = String::from(quote);
        for character in text.chars() {
            match character {
                '\\' => shown.push_str("\\\\"),
                '\n' => shown.push_str("\\n"),
                '\r' => shown.push_str("\\r"),
                '\t' => shown.push_str("\\t"),
                it if it == quote => shown.extend(['\\', it]),
                it => shown.push(it),
            }
        }
        shown.push(quote);
        shown
    });
    format!("[{}]", quoted.collect::<Vec<_>>().join(", "))
}
