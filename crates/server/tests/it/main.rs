//! The server's HTTP side, with real databases and a scripted terraform: each test on SQLite and on PostgreSQL.

mod access;
mod auto_destroy;
mod configurations;
mod cutoff;
mod edge;
mod edges;
mod git;
mod harness;
mod long_queue;
mod matrix;
mod pages;
mod parked;
mod protection;
mod pushes;
mod restart;
mod run_tokens;
mod run_triggers;
mod runs;
mod runs_again;
mod scenarios;
mod stacks;
mod states;
mod teams;
mod tokens;
mod variable_sets;
mod workspaces;
