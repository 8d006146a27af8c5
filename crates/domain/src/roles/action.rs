//! [`Action`]: everything that somebody may be allowed to do.

/// What is to be done. Whether it is an organization, a project, a team or a workspace it is done to, stands with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// See, invite, suspend and delete the users of the server as a whole.
    ManageUsers,

    /// See an organization and its queue; on the server as a whole: see users and the own account.
    ReadOrganization,
    /// Change or delete an organization; on the server as a whole: make one.
    ManageOrganization,
    /// Make and take back the organization's token.
    ManageOrganizationToken,
    /// Say which organization-wide flags a team has.
    ManageOrganizationAccess,
    /// See and change who belongs to an organization.
    ManageMembership,
    /// Make teams in an organization.
    CreateTeam,
    /// Connect an organization to where its repositories are.
    ManageVcs,

    /// See a team.
    ReadTeam,
    /// Change or delete a team, and say who belongs to it.
    ManageTeam,
    /// See, make and take back a team's tokens.
    ManageTeamTokens,

    /// Make projects in an organization.
    CreateProject,
    /// See a project.
    ReadProject,
    /// Change a project.
    ManageProject,
    /// Delete a project.
    DeleteProject,
    /// See which teams have access to a project.
    ReadProjectAccess,
    /// Say which teams have access to a project.
    ManageProjectAccess,
    /// See variable sets, of an organization or a project.
    ReadVariableSets,
    /// Make, change or delete variable sets, of an organization or a project.
    ManageVariableSets,
    /// Make workspaces in a project.
    CreateWorkspace,

    /// See a workspace and its settings.
    ReadWorkspace,
    /// Change a workspace's settings, tags, readers and run triggers.
    ManageWorkspace,
    /// Delete a workspace.
    DeleteWorkspace,
    /// Move a workspace to another project, where one must be allowed to make workspaces.
    MoveWorkspace,
    /// See and say which teams have access to a workspace.
    ManageWorkspaceAccess,
    /// Lock a workspace, and unlock what one has locked.
    LockWorkspace,
    /// Break the lock of somebody else.
    ForceUnlockWorkspace,
    /// See variables; values that are sensitive are never seen.
    ReadVariables,
    /// Make, change and delete variables.
    WriteVariables,
    /// Read the outputs of a workspace's state.
    ReadOutputs,
    /// Read a workspace's whole state.
    ReadState,
    /// Write a workspace's state.
    WriteState,
    /// See runs, plans, applies and logs.
    ReadRun,
    /// Read a plan as JSON with every value in clear.
    ReadPlanJson,
    /// Start runs, upload configurations. A run of who may not decide waits for somebody who may.
    StartRun,
    /// Confirm, discard or cancel runs.
    DecideRun,
    /// Kill the terraform of a run that was canceled.
    ForceCancelRun,
}

impl Action {
    /// Every action.
    pub const ALL: &'static [Self] = &[
        Self::ManageUsers,
        Self::ReadOrganization,
        Self::ManageOrganization,
        Self::ManageOrganizationToken,
        Self::ManageOrganizationAccess,
        Self::ManageMembership,
        Self::CreateTeam,
        Self::ManageVcs,
        Self::ReadTeam,
        Self::ManageTeam,
        Self::ManageTeamTokens,
        Self::CreateProject,
        Self::ReadProject,
        Self::ManageProject,
        Self::DeleteProject,
        Self::ReadProjectAccess,
        Self::ManageProjectAccess,
        Self::ReadVariableSets,
        Self::ManageVariableSets,
        Self::CreateWorkspace,
        Self::ReadWorkspace,
        Self::ManageWorkspace,
        Self::DeleteWorkspace,
        Self::MoveWorkspace,
        Self::ManageWorkspaceAccess,
        Self::LockWorkspace,
        Self::ForceUnlockWorkspace,
        Self::ReadVariables,
        Self::WriteVariables,
        Self::ReadOutputs,
        Self::ReadState,
        Self::WriteState,
        Self::ReadRun,
        Self::ReadPlanJson,
        Self::StartRun,
        Self::DecideRun,
        Self::ForceCancelRun,
    ];
}
