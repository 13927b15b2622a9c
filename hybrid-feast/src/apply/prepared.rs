//! Definitions as an apply would write them, and what speaks against it.

use arrow::datatypes::SchemaRef;
use hybrid_core::{Entity, Error, FeatureRegistry, FeatureView, Result, Source};

use super::infer::{Unasked, called, infer, unasked};
use super::names::collect_sources;
use super::{columns, validate};
use crate::registry::{self, Applied, Document};

/// What a check of definitions found.
#[derive(Debug, Default)]
pub struct Checked {
    /// What an apply refuses the definitions for, one by one.
    pub problems: Vec<Error>,
    /// The sources that told their columns: name, and how many there are.
    pub sources: Vec<(String, usize)>,
    /// The sources whose store could not be asked, and which are not checked for that reason: the
    /// store's key, and why. An apply goes on where nothing is to be inferred from them.
    pub unchecked: Vec<(String, Error)>,
}

/// Definitions in which nothing is left to infer.
pub(crate) struct Prepared {
    pub(super) definitions: FeatureRegistry,
    pub(super) checked: Checked,
}

impl Checked {
    /// Notes a source that told its columns, once.
    fn told(&mut self, source: &Source, columns: usize) {
        if !self.sources.iter().any(|(name, _)| *name == source.name) {
            self.sources.push((source.name.clone(), columns));
        }
    }
}

impl Prepared {
    /// Infers what `definitions` leave out and checks the views against `schemas`, those of their
    /// sources in order; `known` is what the registry holds. Sources have names already.
    pub(crate) fn new(
        mut definitions: FeatureRegistry,
        known: &FeatureRegistry,
        schemas: Vec<Result<SchemaRef>>,
    ) -> Self {
        let mut checked = Checked {
            problems: infer(&mut definitions, known, &schemas),
            ..Checked::default()
        };
        for (view, schema) in definitions.feature_views.iter().zip(schemas) {
            match schema {
                Ok(schema) => {
                    let found = columns::problems(view, &entities(view, &definitions, known), &schema);
                    let found = found.into_iter().map(|problem| problem.within(&called(view)));
                    checked.problems.extend(found);
                    checked.told(&view.source, schema.fields().len());
                }
                Err(error) => match unasked(view, &definitions, known, error) {
                    Unasked::Problem(error) => checked.problems.push(error),
                    Unasked::Unchecked(error) => checked.unchecked.push((view.source.key.clone(), error)),
                },
            }
        }
        collect_sources(&mut definitions);
        Self { definitions, checked }
    }

    /// Brings the definitions into `document`, unless something speaks against it.
    ///
    /// # Errors
    /// Every problem.
    pub(crate) fn bring(&mut self, document: &mut Document, prune: bool) -> Result<(Applied, bool)> {
        let merged = registry::merged(document, &self.definitions, prune)?;
        let mut problems = std::mem::take(&mut self.checked.problems);
        problems.extend(validate::problems(&self.definitions, &merged));
        Error::from_problems(problems).map_or(Ok(()), Err)?;
        registry::apply(document, &self.definitions, prune)
    }

    /// What speaks against bringing the definitions into `document`, which is thrown away.
    pub(crate) fn check(mut self, mut document: Document) -> Checked {
        let refused = self.bring(&mut document, false).err();
        self.checked.problems = refused.map(Error::into_problems).unwrap_or_default();
        self.checked
    }
}

/// The entities of `view` that exist.
fn entities<'a>(view: &FeatureView, definitions: &'a FeatureRegistry, known: &'a FeatureRegistry) -> Vec<&'a Entity> {
    let find = |name: &String| {
        let all = definitions.entities.iter().chain(&known.entities);
        all.into_iter().find(|entity| entity.name == *name)
    };
    view.entities.iter().filter_map(find).collect()
}
