//! The provider under the real `terraform`, against a scripted double of the API in this process.

mod double;
mod faults;
mod ground;
mod imports;
mod install;
mod line;
mod outputs;
mod resources;
mod scenarios;
mod sharing;
mod teams;
mod waiting;
mod workspace_run;
mod workspaces;
