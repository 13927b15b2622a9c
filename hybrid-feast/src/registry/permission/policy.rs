use super::resource::{Identity, python_list};

/// Whom a permission admits.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Policy {
    Everyone,
    Roles(Vec<String>),
    Groups(Vec<String>),
    Namespaces(Vec<String>),
    GroupsOrNamespaces(Vec<String>, Vec<String>),
    /// A kind that is not known here, or none at all.
    Nobody,
}

impl Policy {
    /// Why it does not admit `who`; `None` when it does.
    pub(super) fn refusal(&self, who: &Identity) -> Option<String> {
        let (admitted, reason) = match self {
            Self::Everyone => (true, ""),
            Self::Roles(roles) => {
                let reason = || format!("Requires roles {}", python_list(roles.iter().map(String::as_str)));
                return (!meet(roles, &who.roles)).then(reason);
            }
            Self::Groups(groups) => (meet(groups, &who.groups), "User is not added into the permitted groups"),
            Self::Namespaces(namespaces) => (
                meet(namespaces, &who.namespaces),
                "User is not added into the permitted namespaces",
            ),
            Self::GroupsOrNamespaces(groups, namespaces) => (
                meet(groups, &who.groups) || meet(namespaces, &who.namespaces),
                "User must be in at least one of the permitted groups or namespaces",
            ),
            Self::Nobody => (false, "its policy is of no kind that is known here"),
        };
        (!admitted).then(|| reason.to_owned())
    }
}

/// Whether one is in both.
fn meet(wanted: &[String], own: &[String]) -> bool {
    wanted.iter().any(|it| own.contains(it))
}
