//! The registry file as a place that holds definitions.

use std::time::SystemTime;

use hybrid_core::{Result, async_trait};

use super::backing::{Backing, Change, Loaded, Version};
use super::changes::Applied;
use super::file::{RegistryFile, Stamp};
use crate::blocking::blocking;

#[async_trait]
impl Backing for RegistryFile {
    async fn load(&self, known: Option<&Version>) -> Result<Option<Loaded>> {
        let (file, known) = (self.clone(), known.cloned());
        blocking(move || load(&file, known.as_ref())).await
    }

    async fn update(&self, change: Change) -> Result<Applied> {
        let file = self.clone();
        blocking(move || file.change(change)).await
    }
}

fn load(file: &RegistryFile, known: Option<&Version>) -> Result<Option<Loaded>> {
    if known.is_some() && known == Some(&version(file.stamp()?.as_ref())) {
        return Ok(None);
    }
    let read_at = SystemTime::now();
    let (stamp, document) = file.read()?;
    let settled = stamp.as_ref().is_none_or(|stamp| stamp.is_settled(read_at));
    Ok(Some(Loaded {
        version: settled.then(|| version(stamp.as_ref())),
        document,
        missing: None,
    }))
}

fn version(stamp: Option<&Stamp>) -> Version {
    format!("{stamp:?}")
}
