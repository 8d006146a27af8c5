//! The types of the provider, one file each, and the list of them.

mod data;
mod multispace_run;
mod oauth_client;
mod organization;
mod project;
mod run;
mod run_trigger;
mod table;
mod team;
mod variable;
mod variable_set;
mod workspace;
mod workspace_run;

use crate::provider::{DataSource, Resource};

/// Every resource type.
pub fn resources() -> Vec<Box<dyn Resource>> {
    vec![
        Box::new(workspace_run::WorkspaceRun),
        Box::new(multispace_run::MultispaceRun),
        Box::new(workspace::Workspace::new()),
        Box::new(workspace::Settings),
        Box::new(project::resource()),
        Box::new(variable::resource()),
        Box::new(variable_set::resource()),
        Box::new(variable_set::Assignment::WORKSPACE),
        Box::new(variable_set::Assignment::PROJECT),
        Box::new(run_trigger::resource()),
        Box::new(team::team()),
        Box::new(team::access()),
        Box::new(team::token()),
        Box::new(organization::resource()),
        Box::new(oauth_client::resource()),
    ]
}

/// Every type of data source.
pub fn data_sources() -> Vec<Box<dyn DataSource>> {
    data::sources()
}

/// Every type of ephemeral resource.
pub fn ephemerals() -> Vec<Box<dyn DataSource>> {
    data::ephemerals()
}
