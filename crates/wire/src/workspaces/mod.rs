//! Workspaces: a state, the code and variables that make it, and the runs that change it.

mod request;

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Linked, Resource, ToMany, ToOne, null_as_default};
use crate::flags::flags;
use crate::words::{ExecutionMode, RunTriggerMode, WorkspaceSource};
use crate::{Timestamp, kind};

pub use request::{
    SettingOverwritesRequest, SshKeyBody, SshKeyRequest, VcsRepoRequest, WorkspaceBody, WorkspaceRequest,
    WorkspaceRequestRelationships,
};

/// A workspace as the API answers it. Links `self` (`/api/v2/organizations/O/workspaces/N`) and `self-html`
/// (`/app/O/workspaces/N`), of which the provider reads the latter.
pub type Workspace = Resource<WorkspaceAttributes, WorkspaceRelationships>;

/// What a workspace says of itself. The provider takes any setting that does not come back as it was sent for drift.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct WorkspaceAttributes {
    /// Unique in the organization.
    pub name: String,
    /// Words for people; null when there are none.
    pub description: Option<String>,
    /// Always `default`; of old.
    pub environment: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its settings last changed.
    pub updated_at: Timestamp,
    /// When anything about it last changed, its runs among it.
    pub latest_change_at: Timestamp,

    /// Where terraform runs.
    pub execution_mode: ExecutionMode,
    /// Whether runs happen on the server: true unless the execution mode is local; of old.
    pub operations: bool,
    /// Which settings are its own and which the project's or the organization's.
    pub setting_overwrites: SettingOverwrites,
    /// The version that runs use.
    pub terraform_version: String,
    /// Folder in the configuration where terraform runs; null for its root.
    pub working_directory: Option<String>,
    /// Whether a plan with changes is applied without asking.
    pub auto_apply: bool,
    /// The same for runs that another workspace's run caused.
    pub auto_apply_run_trigger: bool,
    /// When run triggers start its runs; not in HCP Terraform.
    pub run_trigger_mode: RunTriggerMode,
    /// Whether run triggers start no run that would have nothing new to go by; not in HCP Terraform.
    pub run_trigger_cutoff: bool,
    /// Whether a run may destroy everything.
    pub allow_destroy_plan: bool,
    /// Whether a workspace without configuration queues runs.
    pub queue_all_runs: bool,
    /// Whether plans that can never be applied are made for pull requests.
    pub speculative_enabled: bool,
    /// Whether the CLI renders the plan itself. It decides whether logs are JSON lines.
    pub structured_run_output_enabled: bool,
    /// Whether every workspace of the organization may read the state.
    pub global_remote_state: bool,
    /// Whether every workspace of the project may read the state.
    pub project_remote_state: bool,
    /// Whether health assessments run.
    pub assessments_enabled: bool,
    /// When the last health assessment ended.
    pub last_assessment_result_at: Option<Timestamp>,

    /// When it will be destroyed; null for never.
    pub auto_destroy_at: Option<Timestamp>,
    /// How long it may lie idle before it is destroyed (`14d`); null for ever.
    pub auto_destroy_activity_duration: Option<String>,
    /// Where that destruction stands.
    pub auto_destroy_status: Option<String>,
    /// Whether the two above come from the project.
    pub inherits_project_auto_destroy: bool,

    /// Whether only changed files under the prefixes or patterns queue a run.
    pub file_triggers_enabled: bool,
    /// Folders whose changes queue a run.
    pub trigger_prefixes: Vec<String>,
    /// Patterns of files whose changes queue a run.
    pub trigger_patterns: Vec<String>,
    /// The connected repository; null when there is none. The CLI refuses `apply` when there is one.
    pub vcs_repo: Option<VcsRepo>,
    /// `owner/name` of the connected repository.
    pub vcs_repo_identifier: Option<String>,
    /// Name of the connection to the repository's host.
    pub oauth_client_name: Option<String>,

    /// Whether it is locked.
    pub locked: bool,
    /// Why it is locked; null or empty when nobody said.
    pub locked_reason: Option<String>,

    /// What made it.
    pub source: WorkspaceSource,
    /// Name of the tool that made it.
    pub source_name: Option<String>,
    /// Where that tool lives.
    pub source_url: Option<String>,
    /// Its flat tags: the keys of its tag bindings without a value. The CLI compares both.
    #[serde(deserialize_with = "null_as_default")]
    pub tag_names: Vec<String>,

    /// How many resources the current state has. The provider deletes safely only at 0.
    pub resource_count: u64,
    /// Mean time of an apply in milliseconds.
    pub apply_duration_average: Option<f64>,
    /// Mean time of a plan in milliseconds.
    pub plan_duration_average: Option<f64>,
    /// Policy checks that failed in the last 30 days.
    pub policy_check_failures: Option<u64>,
    /// Runs that failed in the last 30 days.
    pub run_failures: Option<u64>,
    /// Runs in the last 30 days.
    pub workspace_kpis_runs_count: Option<u64>,
    /// Whether a newer no-code module is there.
    pub no_code_upgrade_available: bool,

    /// What can be done in this state. The CLI dereferences it without looking.
    pub actions: WorkspaceActions,
    /// What the caller may do. The CLI dereferences it without looking.
    pub permissions: WorkspacePermissions,
}

impl Attributes for WorkspaceAttributes {
    const KIND: &'static str = kind::WORKSPACES;
}

flags! {
    /// What can be done with a workspace in this state.
    WorkspaceActions { is_destroyable, }
}

flags! {
    /// What the caller may do with a workspace. The CLI wants `can-queue-run` to plan, `can-queue-apply` or `can-update`
    /// to apply, and deletes safely only where the key `can-force-delete` is there at all.
    WorkspacePermissions {
        can_update,
        can_destroy,
        can_queue_run,
        can_queue_apply,
        can_queue_destroy,
        can_read_run,
        can_read_variable,
        can_update_variable,
        can_read_state_versions,
        can_read_state_outputs,
        can_create_state_versions,
        can_lock,
        can_unlock,
        can_force_unlock,
        can_read_settings,
        can_manage_tags,
        can_manage_run_tasks,
        can_force_delete,
        can_manage_assessments,
        can_manage_ephemeral_workspaces,
        can_read_assessment_results,
    }
}

flags! {
    /// Which settings a workspace sets itself.
    SettingOverwrites { execution_mode, agent_pool, }
}

/// A connected repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct VcsRepo {
    /// Empty for the repository's default branch.
    #[serde(deserialize_with = "null_as_default")]
    pub branch: String,
    /// `owner/name` for people.
    pub display_identifier: String,
    /// `owner/name`.
    pub identifier: String,
    /// Whether submodules are fetched.
    pub ingress_submodules: bool,
    /// The token that reads it (`ot-…`).
    pub oauth_token_id: Option<String>,
    /// The GitHub app installation that reads it.
    pub github_app_installation_id: Option<String>,
    /// Where people find it.
    pub repository_http_url: String,
    /// Kind of host (`github`).
    pub service_provider: String,
    /// Which tags queue a run; null when commits do.
    pub tags_regex: Option<String>,
    /// Where the host tells of commits.
    pub webhook_url: Option<String>,
}

/// What a workspace points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct WorkspaceRelationships {
    /// Whose it is. The provider dereferences it without looking.
    pub organization: ToOne,
    /// The project it is in.
    pub project: ToOne,
    /// The run that holds it or is next to; never a speculative one.
    pub current_run: ToOne,
    /// The same as `current-run`; of old.
    pub latest_run: ToOne,
    /// The state that is current.
    pub current_state_version: ToOne,
    /// The configuration that runs use which name none.
    pub current_configuration_version: ToOne,
    /// Who holds the lock: a user, a team or a run.
    pub locked_by: ToOne,
    /// The agents that run terraform.
    pub agent_pool: ToOne,
    /// The key for private modules.
    pub ssh_key: ToOne,
    /// The readme of its configuration.
    pub readme: ToOne,
    /// Outputs of the current state, as `workspace-outputs`.
    pub outputs: ToMany,
    /// Its variables.
    pub vars: ToMany,
    /// Where the workspaces are read that may read its state.
    pub remote_state_consumers: Linked,
    /// Where its tag bindings are read.
    pub tag_bindings: Linked,
    /// Where its tag bindings with inherited ones are read; data when included.
    pub effective_tag_bindings: Linked,
}
