//! `multispace.hcl`: what Terraform code cannot say about a stack. Strict: a word that is not known, or a value of the
//! wrong type, is an error at its place.
//!
//! ```hcl
//! terraform_version = "1.11.4"            # or: terraform = "tofu", a name on PATH or a path
//! concurrency       = 4
//! variables         = { region = "eu" }   # for every workspace that declares them
//! environment       = { AWS_PROFILE = "x" }
//!
//! workspace "network" {
//!   path        = "live/network"          # default: the workspace's name
//!   depends_on  = ["bootstrap"]
//!   variables   = { size = 3 }
//!   environment = { TF_LOG = "info" }
//!   apply {
//!     manual_confirm = true
//!     retry_attempts = 5
//!   }
//!   destroy {
//!     retry = false
//!   }
//! }
//! ```
//!
//! The words of `apply` and `destroy`, their types and defaults are those of `tfe_workspace_run`, backoff in seconds.
//! Absent: whether paths and names exist; `crate::stack` knows the folders and checks them.

mod approve;
mod blocks;
mod reference;
mod values;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

pub use approve::Approve;
pub use reference::{OutputReference, Step};

use crate::diagnostic::{Diagnostic, Text};
use crate::module;
use crate::value::Value;

/// Name of the settings file.
pub const SETTINGS_FILE: &str = "multispace.hcl";

/// Settings of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackSettings {
    /// The terraform or tofu to run: a name on PATH, or a path relative to the stack's folder.
    pub terraform: Option<String>,
    /// Version of terraform for every workspace.
    pub terraform_version: Option<String>,
    /// How many runs may be under way at once.
    pub concurrency: Option<u32>,
    /// Terraform variables for every workspace that declares them.
    pub variables: BTreeMap<String, Value>,
    /// Those of them whose value is an output of a workspace.
    pub references: BTreeMap<String, OutputReference>,
    /// Environment variables for every run.
    pub environment: BTreeMap<String, String>,
    /// Which plans are approved without asking; `None` when each is asked about.
    pub approve: Option<Approve>,
    /// Settings by name of the workspace; a workspace that is not named has the defaults.
    pub workspaces: BTreeMap<String, WorkspaceSettings>,
}

/// Settings of one workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkspaceSettings {
    /// Names of the workspaces that come first, besides those the code reads.
    pub depends_on: Vec<String>,
    /// Terraform variables; they win over those of the stack.
    pub variables: BTreeMap<String, Value>,
    /// Those of them whose value is an output of another workspace.
    pub references: BTreeMap<String, OutputReference>,
    /// Environment variables; they win over those of the stack.
    pub environment: BTreeMap<String, String>,
    /// Version of terraform; wins over that of the stack.
    pub terraform_version: Option<String>,
    /// When its plan is approved without asking; wins over that of the stack.
    pub approve: Option<Approve>,
    /// How the workspace is applied.
    pub apply: RunSettings,
    /// How the workspace is destroyed.
    pub destroy: RunSettings,
}

/// How a run is confirmed and retried. Source: the `apply` and `destroy` blocks of `tfe_workspace_run`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunSettings {
    /// A person confirms this workspace's plan; default false.
    pub manual_confirm: bool,
    /// Try again when a run fails; default true.
    pub retry: bool,
    /// Further attempts after the first; default 3.
    pub retry_attempts: u32,
    /// Pause before the first further attempt; default 1 second.
    pub retry_backoff_min: Duration,
    /// Longest pause; default 30 seconds.
    pub retry_backoff_max: Duration,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            manual_confirm: false,
            retry: true,
            retry_attempts: 3,
            retry_backoff_min: Duration::from_secs(1),
            retry_backoff_max: Duration::from_secs(30),
        }
    }
}

const MAX_CONCURRENCY: u64 = 1_000;
const MAX_RETRY_ATTEMPTS: u64 = 100;
const MAX_BACKOFF_SECONDS: u64 = 86_400;

/// The settings file with the places of everything that must be checked against the folders.
pub(crate) struct SettingsFile {
    pub(crate) text: Text,
    pub(crate) stack: StackSettings,
    pub(crate) workspaces: Vec<WorkspaceBlock>,
    /// Names of the stack-wide variables, with their places.
    pub(crate) variables: Vec<Named>,
    /// Names of workspaces that may be approved without asking, with their places.
    pub(crate) only: Vec<Named>,
}

/// A name with its place in the settings file.
#[derive(Clone)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) span: Option<Range<usize>>,
}

/// `workspace "NAME" { ... }`.
pub(crate) struct WorkspaceBlock {
    pub(crate) label: Named,
    pub(crate) path: Option<Named>,
    pub(crate) depends_on: Vec<Named>,
    pub(crate) variables: Vec<Named>,
    pub(crate) settings: WorkspaceSettings,
}

/// Reads the settings file of a folder; `None` when there is none, or when it cannot be read (then `problems` says why).
pub(crate) fn read(folder: &Path, problems: &mut Vec<Diagnostic>) -> Option<SettingsFile> {
    let path = folder.join(SETTINGS_FILE);
    if !path.exists() {
        return None;
    }
    let text = Text::new(SETTINGS_FILE.to_owned(), module::read_text(&path, SETTINGS_FILE.to_owned(), problems)?);
    match hcl_edit::parser::parse_body(&text.text) {
        Ok(body) => Some(blocks::Reader { text: &text, problems }.file(&body)),
        Err(error) => {
            problems.push(module::syntax_error(&text, &error).advice(""));
            None
        }
    }
}
