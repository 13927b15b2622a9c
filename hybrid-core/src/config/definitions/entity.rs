use super::Reader;
use crate::Entity;
use crate::config::fields::Fields;
use crate::config::node::Node;

impl Reader<'_> {
    pub(super) fn entity(&mut self, node: &Node) -> Option<Entity> {
        let mut fields = Fields::of(node, "an entity", &mut self.problems)?;
        let name = self.name(&mut fields, "an entity");
        let join_key = self.join_key(&mut fields);
        let value_type = fields
            .get("value_type")
            .and_then(|at| self.parsed(at, "value_type", str::parse));
        let description = fields.read("description", &mut self.problems).unwrap_or_default();
        let owner = fields.read("owner", &mut self.problems).unwrap_or_default();
        let tags = fields.read("tags", &mut self.problems).unwrap_or_default();
        fields.finish(&mut self.problems);
        let name = name?;
        Some(Entity {
            join_key: join_key.unwrap_or_else(|| name.clone()),
            name,
            value_type,
            description,
            owner,
            tags,
        })
    }

    /// `join_key`, or Feast's `join_keys` with one element.
    fn join_key(&mut self, fields: &mut Fields<'_>) -> Option<String> {
        let one = fields.optional_text("join_key", &mut self.problems);
        let Some(listed) = fields.get("join_keys") else {
            return one;
        };
        if fields.node.get("join_key").is_some() {
            let error = fields
                .node
                .key_error("join_keys", "`join_key` and `join_keys` are both given");
            self.problems.push(error.with_help("write one of them"));
            return one;
        }
        let keys: Vec<String> = self.problems.keep_all(listed.read(Some("join_keys")))?;
        match <[String; 1]>::try_from(keys) {
            Ok([key]) if !key.trim().is_empty() => Some(key),
            Ok(_) => {
                self.problems.push(listed.error("a join key must not be empty"));
                None
            }
            Err(keys) => {
                let message = format!("`join_keys` must have one element, not {}", keys.len());
                self.problems.push(
                    listed
                        .error(message)
                        .with_help("an entity has one join key; a view may have several entities"),
                );
                None
            }
        }
    }
}
