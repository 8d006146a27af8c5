//! The provider under the real `terraform`, against a scripted double of the API in this process.

mod double;
mod ground;
mod install;
mod resources;
mod workspace_run;
