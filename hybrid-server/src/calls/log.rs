//! write_logged_features.

use hybrid_core::{BatchStream, Call, Error, ErrorKind, Result, Source};

use hybrid_feast::{Action, Resource, ResourceKind};

use super::Desk;
use crate::command::Log;
use crate::flight::Body;
use crate::status::{FeastClass, as_feast};

impl Desk<'_> {
    pub(super) async fn log(&self, command: &Log, rows: Option<BatchStream>) -> Result<()> {
        let service = self.registry.feature_service(&command.feature_service_name);
        let service = service.map_err(|error| as_feast(error, FeastClass::FeatureService))?;
        let resource = Resource {
            kind: ResourceKind::FeatureService,
            name: &service.name,
            tags: &service.tags,
        };
        self.may_resource(&resource, Action::WriteOffline)?;
        let Some(destination) = &service.logging_destination else {
            let message = format!(
                "feature service `{}` does not say where its features are logged",
                service.name
            );
            let error = Error::new(ErrorKind::Definition, message);
            return Err(error.with_help("give it a logging_config, and apply it"));
        };
        let rows = Body::required(rows)?;
        let store = self.calls.store.offline_store();
        match store.source_schema(destination).await {
            // The first rows make the table; a folder of files is made by whoever appends.
            Err(error) if error.kind() == ErrorKind::NotFound && !is_files(destination) => {
                store.persist(destination, rows, false).await?;
            }
            _ => {
                store.append(destination, rows, &Call::default()).await?;
            }
        }
        Ok(())
    }
}

fn is_files(source: &Source) -> bool {
    source.options.contains_key("path")
}
