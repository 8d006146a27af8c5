//! The server's HTTP side, with real databases and a scripted terraform: each test on SQLite and on PostgreSQL.

mod access;
mod audit;
mod audit_coverage;
mod auto_destroy;
mod backup;
mod bodies;
mod columns;
mod configurations;
mod cutoff;
mod disk;
mod edge;
mod edges;
mod faults;
mod git;
mod harness;
mod hostile;
#[path = "../../../configuration/tests/it/hostile.rs"]
#[allow(dead_code, reason = "the large archives, and those for the control, are for the crate that unpacks them")]
mod hostile_archives;
mod in_chromium;
mod kept;
mod keys;
mod lists;
mod logins;
mod long_queue;
mod matrix;
mod organization_pages;
mod pages;
mod parked;
mod protection;
mod pushes;
mod rates;
mod restart;
mod run_page;
mod run_tokens;
mod run_triggers;
mod runs;
mod runs_again;
mod scenarios;
mod stack_pages;
mod stack_plans;
mod stacks;
mod states;
#[path = "../../../configuration/tests/it/tar.rs"]
mod tar;
mod teams;
mod tokens;
mod upkeep;
mod users;
mod variable_sets;
mod workspace_pages;
mod workspaces;
