//! The types of the provider, one file each, and the list of them.

mod run;
mod workspace_run;

use crate::provider::{DataSource, Resource};

/// Every resource type.
pub fn resources() -> Vec<Box<dyn Resource>> {
    vec![Box::new(workspace_run::WorkspaceRun)]
}

/// Every type of data source.
pub fn data_sources() -> Vec<Box<dyn DataSource>> {
    Vec::new()
}

/// Every type of ephemeral resource.
pub fn ephemerals() -> Vec<Box<dyn DataSource>> {
    Vec::new()
}
