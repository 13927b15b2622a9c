use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind, Result};

/// `view:feature`, where the view may be an alias.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FeatureReference {
    /// The view's name or alias.
    pub view: String,
    /// The feature's name.
    pub feature: String,
}

impl FromStr for FeatureReference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some((view, feature)) if !view.is_empty() && !feature.is_empty() && !feature.contains(':') => Ok(Self {
                view: view.to_owned(),
                feature: feature.to_owned(),
            }),
            _ => Err(
                Error::new(ErrorKind::InvalidInput, format!("`{text}` is no feature reference"))
                    .with_help("a feature reference is view:feature, for example driver_stats:conv_rate"),
            ),
        }
    }
}

impl fmt::Display for FeatureReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.view, self.feature)
    }
}
