//! Reads Terraform code: which folders are root modules, how their workspaces depend on one another, what `multispace.hcl`
//! adds; packs the code for runs, and unpacks it defensively.
//!
//! Code is parsed, never searched with patterns, and every statement about it has a place in a file. Absent: running
//! Terraform, evaluating what only Terraform can know, a database, an async runtime, printing.

mod archive;
mod asked;
mod backend;
mod changed;
mod diagnostic;
mod edges;
mod evaluate;
mod extent;
mod files;
mod installation;
mod json;
mod keep;
mod locked;
mod module;
mod names;
mod own_files;
mod owners;
mod pack;
mod part;
pub mod preview;
mod reads;
mod roots;
mod settings;
mod stack;
mod tfvars;
mod tree;
mod value;

pub use archive::{Contents, Limits, check, unpack};
pub use asked::{asked_of_init, asks_nothing_of_init};
pub use backend::{BackendSetting, CloudSetting};
pub use changed::workspaces_of_changes;
pub use diagnostic::{Diagnostic, Notice, NoticeKind, Place};
pub use extent::{Extent, extent};
pub use files::files_by_workspace;
pub use installation::{folders_of_providers, says_where_providers_are, tokens, with_mirror};
pub use locked::{Locked, locked, without_hashes};
pub use names::is_valid as is_valid_workspace_name;
pub use own_files::reads_its_own_files;
pub use pack::{pack, pack_folder};
pub use part::Parts;
pub use reads::{OutputRead, Reading, outputs_used, read_outputs};
pub use settings::{Approve, OutputReference, RunSettings, SETTINGS_FILE, StackSettings, Step, WorkspaceSettings};
pub use stack::{DeclaredVariable, Edge, Reader, Reason, Root, Stack, read_stack};
pub use value::Value;
