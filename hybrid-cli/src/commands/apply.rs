//! `hybrid apply`: from features.yaml into the registry.

use hybrid_offline_store::Applied;
use hybrid_offline_store::config::load_definitions;

use crate::outcome::Outcome;
use crate::output::print;
use crate::session::Session;

/// Applies the definitions and prints what changed.
pub async fn run(session: &Session, prune: bool) -> Outcome {
    let store = session.store()?;
    let definitions = load_definitions(store.config())?;
    let applied = store.apply(definitions, prune).await?;
    session.mark_applied(store);
    print(changes(&applied))
}

fn changes(applied: &Applied) -> String {
    let kinds = [
        ("added", &applied.added),
        ("updated", &applied.updated),
        ("deleted", &applied.deleted),
    ];
    let named = kinds
        .iter()
        .flat_map(|(kind, names)| names.iter().map(move |name| format!("{kind} {name}")));
    let mut lines: Vec<String> = named.collect();
    if applied.unchanged > 0 {
        lines.push(format!("unchanged: {}", applied.unchanged));
    }
    if lines.is_empty() {
        lines.push("nothing is defined".to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_a_line() {
        let applied = Applied {
            added: vec!["entity driver".to_owned()],
            deleted: vec!["feature view old".to_owned()],
            unchanged: 2,
            ..Applied::default()
        };
        assert_eq!(
            changes(&applied),
            "added entity driver\ndeleted feature view old\nunchanged: 2"
        );
        assert_eq!(changes(&Applied::default()), "nothing is defined");
    }
}
