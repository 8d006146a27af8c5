//! Who asks, and whether they may: the one question every use case puts first.
//!
//! What an actor may not see is "not found" for them; only a visible thing that may not be done is "forbidden".

use domain::Problem;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A user of this server. Each is an owner of every organization: the server has no teams.
    User {
        /// Id of the user.
        id: String,
        /// Name of the user.
        name: String,
    },
    /// A run, by the token that its terraform was given. Lives as long as the run is in a phase.
    Run {
        /// Id of the run.
        run: String,
        /// Id of its workspace.
        workspace: String,
        /// Id of its organization.
        organization: String,
    },
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// See an organization, its projects, workspaces and queue.
    ReadOrganization,
    /// Make or change organizations and projects.
    ManageOrganization,
    /// See a workspace and its settings.
    ReadWorkspace,
    /// Make, change, lock or delete workspaces, their tags and variables.
    ManageWorkspace,
    /// Read the outputs of a workspace's state.
    ReadOutputs,
    /// Read a workspace's whole state.
    ReadState,
    /// Write a workspace's state.
    WriteState,
    /// See runs, plans, applies and logs.
    ReadRun,
    /// Start runs, upload configurations.
    StartRun,
    /// Confirm, discard or cancel runs.
    DecideRun,
}

/// What it is to be done to.
#[derive(Debug, Clone, Copy)]
pub enum On<'a> {
    /// The server as a whole.
    Server,
    /// One organization.
    Organization(&'a str),
    /// One workspace.
    Workspace {
        /// Id of its organization.
        organization: &'a str,
        /// Its id.
        id: &'a str,
        /// Whether it shares its state with the workspace of the run that asks.
        shares: bool,
    },
}

impl Actor {
    /// Id of the user, if it is one.
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::User { id, .. } => Some(id),
            Self::Run { .. } => None,
        }
    }

    /// Whether this actor may do `action` on `on`.
    pub fn can(&self, action: Action, on: On<'_>) -> bool {
        match self {
            Self::User { .. } => true,
            Self::Run { workspace, organization, .. } => match on {
                On::Server => false,
                On::Organization(id) => id == organization && action == Action::ReadOrganization,
                On::Workspace { organization: its, id, shares } => {
                    its == organization
                        && match action {
                            Action::ReadWorkspace => id == workspace || shares,
                            Action::ReadOutputs | Action::ReadState => id == workspace || shares,
                            Action::ReadRun => id == workspace,
                            _ => false,
                        }
                }
            },
        }
    }

    /// The same question with a "not found" for an answer that is no.
    ///
    /// # Errors
    /// `access/not-found`, worded so that it does not tell whether the thing exists.
    pub fn may(&self, action: Action, on: On<'_>) -> Result<(), Problem> {
        if self.can(action, on) {
            return Ok(());
        }
        Err(Problem::not_found("access/not-found", "There is no such thing, or this token may not see it.")
            .advice("Check the name or id, and use a token that may see it."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Actor {
        Actor::Run { run: "run-1".into(), workspace: "ws-1".into(), organization: "org-1".into() }
    }

    #[test]
    fn a_run_reads_its_own_workspace_and_those_that_share_with_it() {
        let own = On::Workspace { organization: "org-1", id: "ws-1", shares: false };
        let sharer = On::Workspace { organization: "org-1", id: "ws-2", shares: true };
        let stranger = On::Workspace { organization: "org-1", id: "ws-3", shares: false };
        for action in [Action::ReadWorkspace, Action::ReadOutputs, Action::ReadState] {
            assert!(run().can(action, own) && run().can(action, sharer) && !run().can(action, stranger), "{action:?}");
        }
    }

    #[test]
    fn a_run_starts_nothing_changes_nothing_and_sees_no_other_organization() {
        let own = On::Workspace { organization: "org-1", id: "ws-1", shares: true };
        for action in [Action::ManageWorkspace, Action::WriteState, Action::StartRun, Action::DecideRun] {
            assert!(!run().can(action, own), "{action:?}");
        }
        assert!(!run().can(Action::ReadOrganization, On::Organization("org-2")));
        assert!(!run().can(Action::ManageOrganization, On::Organization("org-1")));
    }

    #[test]
    fn no_is_not_found_so_that_nothing_is_given_away() {
        let problem = run().may(Action::ReadState, On::Workspace { organization: "org-2", id: "ws-9", shares: false });
        assert_eq!(problem.unwrap_err().fault, domain::Fault::NotFound);
    }
}
