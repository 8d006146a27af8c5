//! Data sources, and the ephemeral resource that reads the same.

mod named;
mod outputs;
mod workspace_ids;

use crate::provider::DataSource;

/// Every type of data source.
pub(super) fn sources() -> Vec<Box<dyn DataSource>> {
    let mut all: Vec<Box<dyn DataSource>> = vec![Box::new(outputs::Outputs), Box::new(workspace_ids::WorkspaceIds)];
    all.extend(named::all().into_iter().map(|one| Box::new(one) as Box<dyn DataSource>));
    all
}

/// Every type of ephemeral resource.
pub(super) fn ephemerals() -> Vec<Box<dyn DataSource>> {
    vec![Box::new(outputs::Outputs)]
}
