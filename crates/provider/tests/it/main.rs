//! The provider under the real `terraform`, against a scripted double of the API in this process.

mod double;
mod faults;
mod ground;
mod install;
mod line;
mod resources;
mod waiting;
mod workspace_run;
