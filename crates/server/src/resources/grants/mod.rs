//! Grants: what a team may do on one workspace (`team-workspaces`) or on one project and everything in it
//! (`team-projects`). The API has two resources, which differ in nothing but what they are about.

mod api;
mod custom;
pub mod service;
mod store;

pub use api::routes;
pub use store::{Model as Grant, delete_of, delete_of_team};
