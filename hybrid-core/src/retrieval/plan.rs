use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Field, FieldRef};

use super::selection::{Chosen, FeatureSelection};
use crate::definitions::{FeatureRegistry, FeatureView, not_found};
use crate::{Error, ErrorKind, Result, Source, ValueType};

/// What a retrieval returns and from where: made from definitions alone, without any I/O.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    views: Vec<PlannedView>,
    outputs: Vec<Output>,
}

/// One use of a view: two aliases of one view are two of these.
#[derive(Debug, Clone)]
pub(crate) struct PlannedView {
    /// The alias, else the view's name.
    pub(crate) name: String,
    /// The view's own name and how its keys are mapped: what the name stands for.
    origin: (String, BTreeMap<String, String>),
    pub(crate) source: Source,
    pub(crate) keys: Vec<PlannedKey>,
    pub(crate) ttl: Option<i64>,
    /// Feature name and type; the outputs' order within the view.
    pub(crate) features: Vec<PlannedFeature>,
}

#[derive(Debug, Clone)]
pub(crate) struct PlannedKey {
    /// The view's join key.
    pub(crate) name: String,
    /// The entity frame's column.
    pub(crate) entity: String,
    pub(crate) value_type: Option<ValueType>,
}

#[derive(Debug, Clone)]
pub(crate) struct PlannedFeature {
    pub(crate) feature: String,
    pub(crate) output: String,
    pub(crate) data_type: DataType,
}

/// One output column: the `feature`th of the `view`th planned view.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) view: usize,
    pub(crate) feature: usize,
}

impl Plan {
    /// Resolves every reference; all unknown names are reported at once.
    pub(crate) fn new(registry: &FeatureRegistry, selection: &FeatureSelection, full_names: bool) -> Result<Self> {
        let mut plan = Self {
            views: Vec::new(),
            outputs: Vec::new(),
        };
        let mut problems = Vec::new();
        for chosen in selection.chosen(registry)? {
            if let Err(error) = plan.add(registry, &chosen, full_names)
                && !problems.iter().any(|known: &Error| known.message() == error.message())
            {
                problems.push(error);
            }
        }
        if let Some(error) = Error::from_problems(problems) {
            return Err(error);
        }
        if plan.outputs.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "no features were asked for")
                .with_help("name some as view:feature, or a feature service"));
        }
        plan.check_names(full_names)?;
        Ok(plan)
    }

    pub(crate) fn views(&self) -> &[PlannedView] {
        &self.views
    }

    pub(crate) fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    pub(crate) fn feature(&self, output: Output) -> &PlannedFeature {
        &self.views[output.view].features[output.feature]
    }

    /// The output columns of the features, in the order asked for.
    pub(crate) fn output_fields(&self) -> impl Iterator<Item = FieldRef> {
        self.outputs.iter().map(|output| {
            let feature = self.feature(*output);
            Field::new(&feature.output, feature.data_type.clone(), true).into()
        })
    }

    fn add(&mut self, registry: &FeatureRegistry, chosen: &Chosen, full_names: bool) -> Result<()> {
        let view = registry.feature_view(&chosen.view)?;
        let Some(field) = view.field(&chosen.feature) else {
            let known: Vec<&str> = view.schema.iter().map(|field| field.name.as_str()).collect();
            return Err(not_found(
                &format!("feature view `{}`: feature", view.name),
                &chosen.feature,
                &known,
            ));
        };
        let planned = self.view_index(registry, view, chosen)?;
        let output = match full_names {
            true => format!("{}__{}", chosen.name, chosen.feature),
            false => chosen.feature.clone(),
        };
        let features = &mut self.views[planned].features;
        features.push(PlannedFeature {
            feature: chosen.feature.clone(),
            output,
            data_type: field.dtype.to_arrow(),
        });
        self.outputs.push(Output {
            view: planned,
            feature: features.len() - 1,
        });
        Ok(())
    }

    /// The planned view of that name, added when it is new.
    fn view_index(&mut self, registry: &FeatureRegistry, view: &FeatureView, chosen: &Chosen) -> Result<usize> {
        if let Some(index) = self.views.iter().position(|planned| planned.name == chosen.name) {
            if (&self.views[index].origin.0, &self.views[index].origin.1) == (&chosen.view, &chosen.join_key_map) {
                return Ok(index);
            }
            let message = format!("`{}` stands for two different uses of a feature view", chosen.name);
            return Err(Error::new(ErrorKind::InvalidInput, message).with_help("give each use an alias of its own"));
        }
        self.views.push(planned_view(registry, view, chosen)?);
        Ok(self.views.len() - 1)
    }

    fn check_names(&self, full_names: bool) -> Result<()> {
        let mut seen: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
        for output in &self.outputs {
            let view = self.views[output.view].name.as_str();
            let feature = self.feature(*output);
            if let Some((other, other_feature)) = seen.insert(&feature.output, (view, &feature.feature)) {
                let message = format!(
                    "`{other}:{other_feature}` and `{view}:{}` would both be named `{}`",
                    feature.feature, feature.output
                );
                let help = match full_names {
                    true => "name each feature once, or use the view under another alias",
                    false => "ask for full feature names (view__feature), or use an alias",
                };
                return Err(Error::new(ErrorKind::InvalidInput, message).with_help(help));
            }
        }
        Ok(())
    }
}

fn planned_view(registry: &FeatureRegistry, view: &FeatureView, chosen: &Chosen) -> Result<PlannedView> {
    let keys = registry.join_keys(view)?;
    if let Some(unknown) = chosen
        .join_key_map
        .keys()
        .find(|mapped| !keys.iter().any(|(key, _)| key == *mapped))
    {
        let known: Vec<&str> = keys.iter().map(|(key, _)| key.as_str()).collect();
        return Err(not_found(
            &format!("feature view `{}`: join key", view.name),
            unknown,
            &known,
        ));
    }
    let mut source = view.source.clone();
    if source.name.is_empty() {
        source.name.clone_from(&view.name);
    }
    if source.timestamp_field.is_empty() {
        let message = format!("the source of feature view `{}` has no timestamp_field", view.name);
        return Err(Error::new(ErrorKind::Definition, message)
            .with_help("name it in the definition, or run `hybrid apply`, which infers it"));
    }
    let planned_key = |(name, value_type): (String, Option<ValueType>)| PlannedKey {
        entity: chosen.join_key_map.get(&name).unwrap_or(&name).clone(),
        name,
        value_type,
    };
    Ok(PlannedView {
        name: chosen.name.clone(),
        origin: (chosen.view.clone(), chosen.join_key_map.clone()),
        source,
        keys: keys.into_iter().map(planned_key).collect(),
        ttl: ttl_micros(view)?,
        features: Vec::new(),
    })
}

/// The ttl in microseconds; none when absent or zero.
fn ttl_micros(view: &FeatureView) -> Result<Option<i64>> {
    let Some(ttl) = view.ttl.filter(|ttl| !ttl.is_zero()) else {
        return Ok(None);
    };
    // What is shorter than a microsecond is one, so that it does not become "any age".
    let micros = i64::try_from(ttl.as_micros().max(1)).map_err(|_| {
        Error::new(
            ErrorKind::Definition,
            format!("the ttl of feature view `{}` is out of range", view.name),
        )
    })?;
    Ok(Some(micros))
}
