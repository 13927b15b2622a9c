use super::Reader;
use crate::canonical::canonical_key_type;
use crate::config::fields::Fields;
use crate::config::node::Node;
use crate::{FeatureRegistry, Field, Source, ValueType};

impl Reader<'_> {
    /// The features of a view. Users of Feast list join keys too: those are no features, and give
    /// their entity its type where it has none.
    pub(super) fn schema(
        &mut self,
        fields: &mut Fields<'_>,
        entities: &[String],
        source: Option<&Source>,
        registry: &mut FeatureRegistry,
    ) -> Vec<Field> {
        let listed = self.schema_key(fields);
        let names = listed.iter().filter_map(|field| field.get("name"));
        self.report_repeated_names("feature", names);
        let mut schema = Vec::new();
        for node in listed {
            let Some(field) = self.field(node) else { continue };
            if !self.take_key(node, &field, entities, registry) {
                self.report_time(node, &field.name, source);
                schema.push(field);
            }
        }
        schema
    }

    /// The fields at `schema`, or at its other name `features`.
    fn schema_key<'n>(&mut self, fields: &mut Fields<'n>) -> &'n [Node] {
        let schema = fields.list("schema", &mut self.problems);
        let features = fields.list("features", &mut self.problems);
        if !schema.is_empty() && !features.is_empty() {
            let error = fields
                .node
                .key_error("features", "`schema` and `features` are both given");
            self.problems
                .push(error.with_help("they are two names for one thing: write one of them"));
        }
        if schema.is_empty() { features } else { schema }
    }

    fn field(&mut self, node: &Node) -> Option<Field> {
        let mut fields = Fields::of(node, "a feature", &mut self.problems)?;
        let name = self.name(&mut fields, "a feature");
        let dtype = match fields.get("dtype") {
            Some(at) => self.parsed(at, "dtype", str::parse),
            None => {
                let error = node.error("a feature has no `dtype`");
                self.problems.push(error.with_help("for example `dtype: Float32`"));
                None
            }
        };
        let description = fields.read("description", &mut self.problems).unwrap_or_default();
        let tags = fields.read("tags", &mut self.problems).unwrap_or_default();
        fields.finish(&mut self.problems);
        Some(Field {
            name: name?,
            dtype: dtype.unwrap_or(ValueType::String),
            description,
            tags,
        })
    }

    /// Whether `field` is a join key of the view; its type must be that of the entity.
    fn take_key(&mut self, node: &Node, field: &Field, entities: &[String], registry: &mut FeatureRegistry) -> bool {
        let mut of_view = registry
            .entities
            .iter_mut()
            .filter(|entity| entities.contains(&entity.name));
        let Some(entity) = of_view.find(|entity| entity.join_key == field.name) else {
            return false;
        };
        // A dtype that cannot be read is a problem already.
        let Some(at) = node.get("dtype").filter(|at| at.as_str().is_some_and(is_type)) else {
            return true;
        };
        let known = entity.value_type.get_or_insert_with(|| field.dtype.clone());
        if key_type(known) != key_type(&field.dtype) {
            let message = format!(
                "join key `{}` is {} here, and {known} by entity `{}`",
                field.name, field.dtype, entity.name
            );
            let error = at.error(message);
            self.problems
                .push(error.with_help("a join key needs no field: its type stands at the entity"));
        }
        true
    }

    /// Reports a feature that is named like a timestamp of the view.
    fn report_time(&mut self, node: &Node, name: &str, source: Option<&Source>) {
        let Some(source) = source else { return };
        let columns = [Some(&source.timestamp_field), source.created_timestamp_column.as_ref()];
        let mut times = columns.into_iter().flatten().map(|column| source.name_of(column));
        if times.any(|time| time == name) {
            let at = node.get("name").unwrap_or(node);
            let error = at.error(format!(
                "feature `{name}` is named like a timestamp of the view's source"
            ));
            self.problems.push(error.with_help("a timestamp needs no field"));
        }
    }
}

fn is_type(text: &str) -> bool {
    text.parse::<ValueType>().is_ok()
}

/// What keys are compared as: integers of any width are one type.
fn key_type(value_type: &ValueType) -> Result<arrow::datatypes::DataType, &ValueType> {
    canonical_key_type(&value_type.to_arrow()).ok_or(value_type)
}
