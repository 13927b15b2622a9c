use std::collections::BTreeMap;

use crate::definitions::{FeatureProjection, FeatureReference, FeatureRegistry};
use crate::{Error, ErrorKind, Result};

/// Which features a retrieval returns.
#[derive(Debug, Clone, PartialEq)]
pub enum FeatureSelection {
    /// `view:feature`, in output order.
    References(Vec<FeatureReference>),
    /// The name of a feature service.
    Service(String),
    /// Features of views, perhaps under aliases and on other entity columns.
    Projections(Vec<FeatureProjection>),
}

impl FeatureSelection {
    /// References from their texts.
    ///
    /// # Errors
    /// InvalidInput, naming every text that is no `view:feature`.
    pub fn references<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self> {
        let (mut references, mut problems) = (Vec::new(), Vec::new());
        for text in texts {
            match text.as_ref().trim().parse() {
                Ok(reference) => references.push(reference),
                Err(error) => problems.push(error),
            }
        }
        Error::from_problems(problems).map_or(Ok(Self::References(references)), Err)
    }

    /// Each single feature with the view it comes from, in output order.
    pub(super) fn chosen(&self, registry: &FeatureRegistry) -> Result<Vec<Chosen>> {
        match self {
            Self::References(references) => Ok(references.iter().map(Chosen::from).collect()),
            Self::Service(name) => projected(registry, &registry.feature_service(name)?.features),
            Self::Projections(projections) => projected(registry, projections),
        }
    }
}

/// One feature of one view under one name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chosen {
    pub(super) view: String,
    pub(super) name: String,
    pub(super) join_key_map: BTreeMap<String, String>,
    pub(super) feature: String,
}

impl From<&FeatureReference> for Chosen {
    fn from(reference: &FeatureReference) -> Self {
        Self {
            view: reference.view.clone(),
            name: reference.view.clone(),
            join_key_map: BTreeMap::new(),
            feature: reference.feature.clone(),
        }
    }
}

fn projected(registry: &FeatureRegistry, projections: &[FeatureProjection]) -> Result<Vec<Chosen>> {
    let (mut chosen, mut problems) = (Vec::new(), Vec::new());
    for projection in projections {
        match features_of(registry, projection) {
            Ok(features) => chosen.extend(features.into_iter().map(|feature| Chosen {
                view: projection.view.clone(),
                name: projection.name_to_use().to_owned(),
                join_key_map: projection.join_key_map.clone(),
                feature,
            })),
            Err(error) => problems.push(error),
        }
    }
    Error::from_problems(problems).map_or(Ok(chosen), Err)
}

/// The projection's features; all of the view's when it names none.
fn features_of(registry: &FeatureRegistry, projection: &FeatureProjection) -> Result<Vec<String>> {
    if !projection.features.is_empty() {
        return Ok(projection.features.clone());
    }
    let view = registry.feature_view(&projection.view)?;
    if view.schema.is_empty() {
        return Err(Error::new(
            ErrorKind::Definition,
            format!("feature view `{}` has no features", view.name),
        )
        .with_help("run `hybrid apply`, which infers them from the source"));
    }
    Ok(view.schema.iter().map(|field| field.name.clone()).collect())
}
