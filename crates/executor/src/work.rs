//! The words between the executor and whoever gives it work.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
pub use configuration::preview::ReadBlock;
use domain::id::RunId;
use domain::planned::{PlannedOutput, PlannedOutputs};

use crate::keeper::Keeper;
use crate::memory::Memory;
use crate::sandbox::Sandbox;

/// Which half of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// `init` and `plan`.
    Plan,
    /// `apply` of the plan that was made.
    Apply,
}

/// Everything one phase of one run needs. The plan phase and the apply phase of a run get the same folder.
#[derive(Clone)]
pub struct Work {
    /// The run.
    pub run: RunId,
    /// The run's own durable folder (absolute); made by the plan phase, reused by the apply phase, rebuilt from `source`,
    /// `state` and `plan_file` if it is gone.
    pub folder: PathBuf,
    /// Folder in which what `init` made is kept for other runs that ask for the same (absolute, made when it is needed); `None` keeps
    /// nothing.
    pub initialised: Option<PathBuf>,
    /// The Terraform code.
    pub source: Source,
    /// Folder of the root module inside the source, relative; empty for the top.
    pub working_directory: String,
    /// The terraform or tofu executable: a path, or a name that is looked up on PATH.
    pub terraform: PathBuf,
    /// What to do.
    pub operation: Operation,
    /// Names that the run may know of itself (`TFC_WORKSPACE_NAME` and so on); `TF_WORKSPACE` is `names.workspace`.
    pub names: Names,
    /// Whether multispace holds the state or the root's own backend does.
    pub backend: Backend,
    /// The state before this run, byte for byte; `None` when there is none or the backend is the root's own.
    pub state: Option<Bytes>,
    /// Plan file, needed by the apply phase only when the folder is gone.
    pub plan_file: Option<Bytes>,
    /// Variables in order of precedence, lowest first: a later one of the same key and category wins.
    pub variables: Vec<Variable>,
    /// Outputs of upstreams whose `data "terraform_remote_state"` or `data "tfe_outputs"` blocks are answered from here.
    pub upstream_outputs: Vec<UpstreamOutputs>,
    /// Variables of the root whose values are planned outputs of upstreams; only for a scratch plan. What is known as a
    /// whole may as well stand in `variables`.
    pub planned_variables: BTreeMap<String, PlannedOutput>,
    /// Base environment: the only variables a child sees besides those the executor and `variables` add.
    pub environment: Vec<(String, String)>,
    /// Tokens and other secrets in what the run is given, beside sensitive variables: kept out of all that is said of it.
    pub secrets: Vec<String>,
    /// Text of the CLI configuration file (`TF_CLI_CONFIG_FILE`): credentials, hosts, provider mirrors.
    pub cli_config: String,
    /// How terraform's output reaches the log.
    pub output: Output,
    /// How long an interrupted terraform may take before all of its processes are killed.
    pub grace: Duration,
    /// The walls around terraform and all that it starts; `None` where the code is trusted like its caller.
    pub sandbox: Option<Sandbox>,
    /// What keeps a large state while terraform changes it; `None` leaves every state to terraform's local backend.
    pub keeper: Option<Keeper>,
    /// What this run and others may need together: its terraform is started when there is room.
    pub memory: Memory,
}

/// Where the Terraform code comes from.
#[derive(Clone)]
pub enum Source {
    /// A gzip-compressed tar archive, as `terraform` and go-slug make it; unpacked defensively.
    Archive(Bytes),
}

/// What the run is asked to do. Source: attributes of `POST /runs`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operation {
    /// Destroy everything.
    pub destroy: bool,
    /// Only bring the state up to date.
    pub refresh_only: bool,
    /// Read the real objects before planning (`-refresh`); true unless turned off.
    pub refresh: bool,
    /// `-target` addresses.
    pub targets: Vec<String>,
    /// `-replace` addresses.
    pub replaces: Vec<String>,
    /// `-generate-config-out` for import blocks.
    pub generate_config: bool,
    /// A plan that is only looked at: it may stand on planned outputs, it is made in a folder of its own that is gone when
    /// it was read, there is no plan file of it, and nothing can apply it.
    pub scratch: bool,
    /// Whether somebody may want to read what is planned. Where nobody does, a process is saved: `terraform show` costs almost as much as
    /// a small plan.
    pub described: bool,
}

/// What a run is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Name of the organization.
    pub organization: String,
    /// Name of the project.
    pub project: String,
    /// Name of the workspace.
    pub workspace: String,
    /// Id of the workspace.
    pub workspace_id: String,
}

/// Who keeps the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// multispace does: `cloud {}` or any `backend` is replaced with a local one.
    Held,
    /// The root's own backend does: nothing is replaced, no state is taken.
    Own,
}

/// Terraform input or environment variable.
#[derive(Clone)]
pub struct Variable {
    /// Name.
    pub key: String,
    /// Value: text, or an HCL expression when `hcl`.
    pub value: String,
    /// Which of the two.
    pub category: VariableCategory,
    /// The value is HCL (only for terraform variables).
    pub hcl: bool,
    /// The value is a secret.
    pub sensitive: bool,
}

/// Kind of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableCategory {
    /// Input variable of the root module.
    Terraform,
    /// Environment variable of the process.
    Env,
}

/// The outputs of one upstream, for the blocks that read it.
#[derive(Clone)]
pub struct UpstreamOutputs {
    /// Folder of the module that has the block, relative to the top of the source (the root module or one it calls).
    pub module: String,
    /// Sort of the block.
    pub block: ReadBlock,
    /// Name of the data block (`data "terraform_remote_state" "NAME"`).
    pub name: String,
    /// The key of the block's `for_each` that this upstream answers; `None` for a block without one.
    pub instance: Option<String>,
    /// The outputs.
    pub answer: Answer,
}

impl UpstreamOutputs {
    /// How many bytes the answer has as a file; none where it has no file.
    pub(crate) fn bytes(&self) -> u64 {
        match &self.answer {
            Answer::State(state) => state.len() as u64,
            Answer::Planned(_) => 0,
        }
    }
}

/// What is known of an upstream's outputs.
#[derive(Clone)]
pub enum Answer {
    /// A state file (version 4) with outputs and no resources.
    State(Bytes),
    /// What a plan of the upstream says they will be; only for a scratch plan.
    Planned(PlannedOutputs),
}

/// How terraform's output reaches the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// `-json` lines as they are: for clients with structured run output.
    Json,
    /// Text for people: the plan as terraform renders it; the apply run with `-json` and rendered from its lines.
    Human,
}

/// Where output and state go while terraform runs. Both calls may wait: a slow receiver slows the reading of files, never
/// terraform itself.
#[async_trait]
pub trait Upstream: Send + Sync + 'static {
    /// Output, in order, as it was written (whole lines where possible).
    async fn log(&self, bytes: Bytes);
    /// `init` has run, and what it made is kept for others that ask the same of it.
    async fn initialised(&self) {}
    /// Terraform has planned this and applies it now: what is logged from here on is of the apply. Told when it plans and applies in one
    /// process and has something to do; with the names of the outputs that will be others.
    async fn planned(&self, _foreseen: Foreseen, _outputs: &[String]) {}
    /// A state that terraform saved while it runs; newer ones replace older ones that were not yet sent.
    async fn snapshot(&self, state: Bytes);
}

/// How many resource instances a plan or apply touches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// To add or added.
    pub additions: u32,
    /// To change or changed in place.
    pub changes: u32,
    /// To destroy or destroyed.
    pub destructions: u32,
    /// To import or imported.
    pub imports: u32,
}

/// What terraform planned, as far as it says so while it goes on to apply that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Foreseen {
    /// Whether applying it does anything (resources or outputs).
    pub has_changes: bool,
    /// Counts of resource instances.
    pub counts: Counts,
}

/// A plan that succeeded.
#[derive(Clone)]
pub struct Planned {
    /// Whether applying it would do anything (resources, outputs, or drift of a refresh-only plan).
    pub has_changes: bool,
    /// Counts of resource instances.
    pub counts: Counts,
    /// The plan file, opaque; `None` for a scratch plan.
    pub plan_file: Option<Bytes>,
    /// What it says; `None` where [`Operation::described`] did not ask for it, unless it is a scratch plan that changes something.
    pub description: Option<Description>,
    /// Version of the terraform that made it.
    pub terraform_version: String,
    /// Generated configuration was written (`-generate-config-out`).
    pub generated_configuration: bool,
    /// The outputs that the workspace will have when this is applied; only of a scratch plan.
    pub outputs: PlannedOutputs,
}

/// A plan in words of JSON.
#[derive(Clone)]
pub struct Description {
    /// `terraform show -json` of the plan, with secrets.
    pub json: Bytes,
    /// The redacted form that the CLI renders: no value that terraform marks sensitive, with provider schemas.
    pub redacted: Bytes,
}

/// An apply that succeeded.
#[derive(Clone)]
pub struct Applied {
    /// The state afterwards, byte for byte; `None` when the backend is the root's own.
    pub state: Option<Bytes>,
    /// Counts of resource instances.
    pub counts: Counts,
}

/// A phase that did not succeed, with what was saved.
#[derive(Clone)]
pub struct Failure {
    /// What happened.
    pub kind: FailureKind,
    /// One sentence for a person; terraform's own words are in the log.
    pub message: String,
    /// What the folder still holds.
    pub recovery: Recovery,
}

/// Why a phase did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureKind {
    /// Terraform said no (exit code, configuration, provider).
    Terraform,
    /// It was interrupted on request.
    Canceled,
    /// The executor could not do its part: no such executable, bad archive, disk.
    Executor,
    /// A scratch plan that Terraform cannot make before what it stands on is applied.
    Deferred(Deferred),
}

/// Why a scratch plan has to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferred {
    /// What Terraform cannot do yet, in its own words, with the place: one sentence.
    pub reason: String,
    /// The unknown outputs that it would have to know: those that the message speaks of, or all that the workspace reads when it
    /// speaks of none.
    pub unknowns: Vec<UnknownOutput>,
}

/// An output that is known when the upstream is applied.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnknownOutput {
    /// What reads it: `data.terraform_remote_state.NAME`, `data.tfe_outputs.NAME` or `var.NAME`.
    pub reader: String,
    /// Folder of the module that has the reader, as [`UpstreamOutputs::module`]; that of the root for a variable.
    pub module: String,
    /// As [`UpstreamOutputs::instance`].
    pub instance: Option<String>,
    /// Name of the output; `None` for a variable.
    pub output: Option<String>,
}

/// What was saved when an apply did not end well.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    /// The newest state that parses and continues the one before; `None` when nothing newer than the start was saved.
    pub state: Option<Bytes>,
    /// Resources that terraform reported as done and that are not in `state`.
    pub unsaved: Vec<Unsaved>,
    /// Resources that terraform began and never reported as done: the platform may or may not hold them.
    pub in_doubt: Vec<InDoubt>,
}

/// A resource that was made and is not in the recovered state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsaved {
    /// Its address.
    pub address: String,
    /// Name of the attribute that identifies it, as terraform's `apply_complete` line has it.
    pub id_key: String,
    /// Its value.
    pub id_value: String,
    /// What was done (`create`, `update`, `delete`).
    pub action: String,
}

/// A resource whose fate is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InDoubt {
    /// Its address.
    pub address: String,
    /// What was begun (`create`, `update`, `delete`).
    pub action: String,
}
