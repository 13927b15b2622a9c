//! Permission objects of a registry file, as Feast's server would enforce them.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use hybrid_feast::{Action, Identity, Resource, ResourceKind};
use support::Repo;

/// Registry { permissions: [{ spec: { name: "n", project: "p", actions: [READ_OFFLINE], policy: { role_based_policy: { roles: [ROLE] } } } }] }
fn registry(role: u8) -> Vec<u8> {
    let policy = [0x1a, 3, 0x0a, 1, role];
    let mut spec = vec![0x0a, 1, b'n', 0x12, 1, b'p', 0x32, 1, 5, 0x3a, 5];
    spec.extend(policy);
    let record = [&[0x0a, 16], spec.as_slice()].concat();
    [&[0x82, 1, 18], record.as_slice()].concat()
}

async fn may_read(repo: &Repo, role: &str) -> bool {
    let who = Identity {
        roles: vec![role.to_owned()],
        ..Identity::new("ada")
    };
    let resource = Resource {
        kind: ResourceKind::FeatureView,
        name: "v",
        tags: &Default::default(),
    };
    let permissions = repo.store.permissions().await.unwrap();
    permissions.check(&who, &resource, Action::ReadOffline).is_ok()
}

#[tokio::test]
async fn a_permission_counts_from_the_moment_it_is_in_the_registry() {
    let repo = Repo::new("p");
    assert!(may_read(&repo, "b").await);
    std::fs::write(&repo.path, registry(b'a')).unwrap();
    assert_eq!((may_read(&repo, "a").await, may_read(&repo, "b").await), (true, false));
    std::fs::write(&repo.path, registry(b'b')).unwrap();
    assert_eq!((may_read(&repo, "a").await, may_read(&repo, "b").await), (false, true));
}

#[tokio::test]
async fn permissions_of_another_project_do_not_count() {
    let repo = Repo::new("q");
    std::fs::write(&repo.path, registry(b'a')).unwrap();
    assert!(repo.store.permissions().await.unwrap().is_empty());
}
