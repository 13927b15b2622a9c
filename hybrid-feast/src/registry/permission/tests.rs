#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::proto;
use crate::registry::document::{Document, RecordKind};

fn document(records: &[(RecordKind, Json)]) -> Document {
    let mut document = Document::decode(&[]).unwrap();
    for (kind, spec) in records {
        let text = json!({ "spec": spec }).to_string();
        let message = proto::decode_json(kind.names().0, &text).unwrap();
        document.put(*kind, None, &message).unwrap();
    }
    document
}

fn permissions<const N: usize>(specs: [Json; N]) -> Permissions {
    let specs = specs.map(|mut spec| {
        spec["project"] = "p".into();
        (RecordKind::Permission, spec)
    });
    read(&document(&specs), "p").unwrap()
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

fn with_role(role: &str) -> Identity {
    Identity {
        roles: vec![role.to_owned()],
        ..Identity::new("ada")
    }
}

/// What Feast's client will show, or that it is granted.
fn decision(permissions: &Permissions, who: &Identity, kind: ResourceKind, name: &str, tags: &Tags) -> String {
    let resource = Resource { kind, name, tags };
    match permissions.check(who, &resource, Action::ReadOffline) {
        Ok(()) => "granted".to_owned(),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            error.message().replacen("Permission error:\n", "", 1)
        }
    }
}

fn on_view(permissions: &Permissions, who: &Identity, name: &str) -> String {
    decision(permissions, who, ResourceKind::FeatureView, name, &Tags::new())
}

#[test]
fn without_permissions_whoever_has_a_name_may_do_everything() {
    let none = permissions([]);
    assert_eq!((none.is_empty(), none.len()), (true, 0));
    assert_eq!(on_view(&none, &Identity::new("ada"), "v"), "granted");
    assert_eq!(
        on_view(&none, &Identity::anonymous(), "v"),
        "No permissions defined and no authenticated user context. Access denied."
    );
}

#[test]
fn what_no_permission_is_about_is_refused() {
    let readers = json!({"name": "readers", "types": [0], "actions": [5], "policy": {"role_based_policy": {"roles": ["reader"]}}});
    let permissions = permissions([readers]);
    assert_eq!(on_view(&permissions, &with_role("reader"), "v"), "granted");
    assert_eq!(
        decision(
            &permissions,
            &with_role("reader"),
            ResourceKind::DataSource,
            "s",
            &Tags::new()
        ),
        "No permissions defined to manage [<AuthzedAction.READ_OFFLINE: 'read_offline'>] on <class 'feast.data_source.DataSource'>/s."
    );
    let tags = Tags::new();
    let view = Resource {
        kind: ResourceKind::FeatureView,
        name: "v",
        tags: &tags,
    };
    let error = permissions
        .check(&with_role("reader"), &view, Action::WriteOffline)
        .unwrap_err();
    assert!(error.message().contains("WRITE_OFFLINE: 'write_offline'"), "{error}");
}

#[test]
fn one_that_admits_is_enough_and_all_that_refuse_are_told() {
    let by_role = |name: &str, role: &str| json!({"name": name, "actions": [5], "policy": {"role_based_policy": {"roles": [role, "it's"]}}});
    let permissions = permissions([by_role("a", "x"), by_role("b", "y")]);
    assert_eq!(on_view(&permissions, &with_role("y"), "v"), "granted");
    assert_eq!(
        on_view(&permissions, &with_role("z"), "v"),
        "Permission a denied execution of ['READ_OFFLINE'] to FeatureView:v: Requires roles ['x', \"it's\"],\
         Permission b denied execution of ['READ_OFFLINE'] to FeatureView:v: Requires roles ['y', \"it's\"]"
    );
}

#[test]
fn every_policy() {
    let ada = Identity {
        name: "ada".to_owned(),
        roles: vec!["r".to_owned()],
        groups: vec!["g".to_owned()],
        namespaces: vec!["n".to_owned()],
    };
    for (policy, admitted) in [
        (json!({}), true),
        (json!({"role_based_policy": {"roles": ["q", "r"]}}), true),
        (json!({"role_based_policy": {"roles": ["g"]}}), false),
        (json!({"role_based_policy": {}}), false),
        (json!({"group_based_policy": {"groups": ["g"]}}), true),
        (json!({"group_based_policy": {"groups": ["r", "n"]}}), false),
        (json!({"namespace_based_policy": {"namespaces": ["n"]}}), true),
        (json!({"namespace_based_policy": {"namespaces": ["g"]}}), false),
        (
            json!({"combined_group_namespace_policy": {"groups": ["g"], "namespaces": ["x"]}}),
            true,
        ),
        (
            json!({"combined_group_namespace_policy": {"groups": ["x"], "namespaces": ["n"]}}),
            true,
        ),
        (
            json!({"combined_group_namespace_policy": {"groups": ["n"], "namespaces": ["g"]}}),
            false,
        ),
    ] {
        let permissions = permissions([json!({"name": "p", "actions": [5], "policy": policy})]);
        assert_eq!(on_view(&permissions, &ada, "v") == "granted", admitted, "{policy}");
    }
}

#[test]
fn what_is_not_understood_grants_nothing() {
    // The policy holds field 7 alone: a kind of a later version.
    let spec = [0x0a, 1, b'x', 0x12, 1, b'p', 0x32, 1, 5, 0x3a, 2, 0x3a, 0];
    let mut record = vec![0x0a, u8::try_from(spec.len()).unwrap()];
    record.extend(spec);
    let mut all = document(&[]);
    all.put(
        RecordKind::Permission,
        None,
        &proto::decode("Permission", &record, "it").unwrap(),
    )
    .unwrap();
    let unknown = read(&all, "p").unwrap();
    assert!(on_view(&unknown, &Identity::new("ada"), "v").contains("no kind that is known"));
    for spec in [
        json!({"name": "no policy", "actions": [5]}),
        json!({"name": "no action", "policy": {}}),
        json!({"name": "later action", "actions": [99, -1], "policy": {}}),
        json!({"name": "later kind", "types": [99, -1], "actions": [5], "policy": {}}),
        json!({"name": "pattern", "name_patterns": ["(?=v).*"], "actions": [5], "policy": {}}),
    ] {
        let permissions = permissions([spec.clone()]);
        assert_ne!(on_view(&permissions, &Identity::new("ada"), "v"), "granted", "{spec}");
    }
}

#[test]
fn names_and_tags_narrow_and_the_error_says_where_it_failed() {
    let ada = Identity::new("ada");
    let spec = json!({"name": "p", "actions": [5], "policy": {}, "name_patterns": [" a.* ", "b"], "required_tags": {" team ": " x "}});
    let permissions = permissions([spec]);
    let view = |name: &str, pairs: &[(&str, &str)]| {
        decision(&permissions, &ada, ResourceKind::FeatureView, name, &tags(pairs))
    };
    assert_eq!(view("ab", &[("team", "x"), ("other", "y")]), "granted");
    assert_eq!(view("b", &[("team", "x")]), "granted");
    assert_ne!(view("bb", &[("team", "x")]), "granted");
    assert_ne!(view("ab", &[("team", "y")]), "granted");
    let tags = Tags::new();
    let resource = Resource {
        kind: ResourceKind::FeatureView,
        name: "ab",
        tags: &tags,
    };
    let error = permissions.check(&ada, &resource, Action::ReadOffline).unwrap_err();
    assert_eq!(error.help(), ["permission p is for what has the tags team=x"]);
}

#[test]
fn kinds_include_those_that_inherit() {
    use ResourceKind::*;
    let ada = Identity::new("ada");
    let views = permissions([json!({"name": "p", "types": [0], "actions": [5], "policy": {}})]);
    let streams = permissions([json!({"name": "p", "types": [3], "actions": [5], "policy": {}})]);
    let granted = |permissions: &Permissions, kind| decision(permissions, &ada, kind, "n", &Tags::new()) == "granted";
    for (kind, by_view, by_stream) in [
        (FeatureView, true, false),
        (BatchFeatureView, true, false),
        (StreamFeatureView, true, true),
        (OnDemandFeatureView, false, false),
        (LabelView, false, false),
        (FeatureService, false, false),
    ] {
        assert_eq!(
            (granted(&views, kind), granted(&streams, kind)),
            (by_view, by_stream),
            "{kind:?}"
        );
    }
    assert!((0..12).all(|number| granted(
        &permissions([json!({"name": "p", "actions": [5], "policy": {}})]),
        ResourceKind::of_number(number).unwrap()
    )));
}

#[test]
fn views_know_their_kind_and_projects_their_own_permissions() {
    let spec = |name: &str, project: &str| json!({"name": name, "project": project});
    let all = document(&[
        (RecordKind::FeatureView, spec("plain", "p")),
        (RecordKind::StreamFeatureView, spec("stream", "p")),
        (RecordKind::StreamFeatureView, spec("plain", "p")),
        (RecordKind::Permission, spec("theirs", "q")),
        (RecordKind::Permission, spec("ours", "p")),
    ]);
    let permissions = read(&all, "p").unwrap();
    assert_eq!(permissions.len(), 1);
    let kind = |name: &str| {
        permissions
            .view(&FeatureView::new(name, hybrid_core::Source::new("file")))
            .kind
    };
    assert_eq!(kind("plain"), ResourceKind::FeatureView);
    assert_eq!(kind("stream"), ResourceKind::StreamFeatureView);
}

fn any_spec() -> impl Strategy<Value = Json> {
    let texts = |pool: &'static [&'static str]| prop::collection::vec(prop::sample::select(pool), 0..3);
    let policy = (0..5u8, texts(&["a", "b"])).prop_map(|(kind, names)| match kind {
        0 => json!({}),
        1 => json!({"role_based_policy": {"roles": names}}),
        2 => json!({"group_based_policy": {"groups": names}}),
        3 => json!({"namespace_based_policy": {"namespaces": names}}),
        _ => json!({"combined_group_namespace_policy": {"groups": names}}),
    });
    let numbers = || prop::collection::vec(-1..14i32, 0..4);
    (numbers(), numbers(), texts(&["v.*", "w", "(", ""]), policy).prop_map(|(types, actions, patterns, policy)| {
        json!({"name": "p", "types": types, "actions": actions, "name_patterns": patterns, "policy": policy})
    })
}

proptest! {
    /// What one permission grants, no other takes away; and several grant nothing that none of them grants.
    #[test]
    fn permissions_add_up(first in any_spec(), second in any_spec(), role in "[ab]", name in "[vw]x?") {
        let granted = |permissions: &Permissions| on_view(permissions, &with_role(&role), &name) == "granted";
        let alone = granted(&permissions([first.clone()])) || granted(&permissions([second.clone()]));
        prop_assert_eq!(granted(&permissions([first, second])), alone);
    }

    #[test]
    fn any_bytes_are_an_error_or_grant_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut registry = vec![0x82, 1, u8::try_from(bytes.len() & 0x7f).unwrap()];
        registry.extend(&bytes[..bytes.len() & 0x7f]);
        if let Ok(permissions) = crate::registry::read_permissions(&registry, "") {
            on_view(&permissions, &Identity::new("ada"), "v");
        }
    }
}
