//! A room per resource. In each: `mod.rs` says what it is and what other rooms may call, `service.rs` has the use cases,
//! `store.rs` the tables and queries, `api.rs` the HTTP side, `page.rs` the side for people with a browser.

pub mod audit;
pub mod comments;
pub mod configurations;
pub mod edges;
pub mod grants;
pub mod limits;
pub mod logins;
pub mod memberships;
pub mod oauth_clients;
pub mod organizations;
pub mod projects;
pub mod pushes;
pub mod repositories;
pub mod run_triggers;
pub mod runs;
pub mod sessions;
pub mod stack_plans;
pub mod stacks;
pub mod states;
pub mod teams;
pub mod tokens;
pub mod users;
pub mod variable_sets;
pub mod variables;
pub mod workspaces;
