//! End to end: the `multispace` binary as a process, the real `terraform`, and the files in `examples/`.
//!
//! A test starts what it needs and leaves nothing behind. Nothing here sleeps to wait: a test waits for a line, a file
//! or an exit, with a deadline that only a failure reaches.

#![allow(clippy::print_stderr, reason = "a failing test says what it saw")]

mod harness;

mod audit_command;
mod canary;
mod cloud_changes;
mod cloud_live;
mod cloud_state;
mod cloud_workflow;
mod cloud_workspaces;
mod contain;
mod crash;
mod elsewhere;
mod in_chromium;
mod jailbreak;
mod large;
mod login;
mod patterns;
mod pictures;
mod platform;
mod preview_corpus;
mod provider_install;
mod pytfe;
mod remote_backend;
mod run_commands;
mod serve;
mod stack;
mod stack_ahead;
mod stack_approval;
mod stack_at_once;
mod stack_changed;
mod stack_commands;
mod stack_own_backend;
mod stack_plan;
mod stack_selection;
mod stack_settings;
mod starts;
mod upkeep;
mod wrong_input;
