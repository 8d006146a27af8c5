//! Who asks, and whether they may: the one question every use case puts first.
//!
//! What an actor may not see is "not found" for them; only a visible thing that may not be done is "forbidden". The facts
//! are read once, when the token is (`tokens::service::who`); the rules are `domain::roles`.

use std::collections::BTreeMap;
use std::panic::Location;

use crate::witness;
use domain::Problem;
pub use domain::roles::Action;
use domain::roles::{
    OrganizationAccess, Place, ProjectGrant, WorkspaceGrant, organization_token_may, run_may_in_organization,
    run_may_in_project, run_may_on_workspace,
};

use crate::storage::audit::{Act, Question, Who};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A user of this server.
    User(Box<UserActor>),
    /// A team, by one of its tokens.
    Team(Box<TeamActor>),
    /// An organization, by its own token: it sets things up, and runs nothing.
    Organization {
        /// Id of the organization.
        organization: String,
        /// Id of the service user in whose name it acts.
        user: String,
    },
    /// A run, by the token that its terraform was given. Lives as long as the run is in a phase.
    Run {
        /// Id of the run.
        run: String,
        /// Id of its workspace.
        workspace: String,
        /// Id of its workspace's project.
        project: String,
        /// Id of its organization.
        organization: String,
        /// Whether it is in its apply: a plan, and so every run that only plans, changes nothing.
        applies: bool,
    },
}

/// A person, and so what they may: everything as an administrator of the site, otherwise what their teams may together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserActor {
    /// Id of the user.
    pub id: String,
    /// Name of the user.
    pub name: String,
    /// Whether they administer the site, and so own every organization.
    pub admin: bool,
    /// One for each team that they belong to, and one without rights for each organization that they are a member of;
    /// none for an administrator, who needs none.
    pub teams: Vec<TeamActor>,
}

/// What a team's token needs to know of its team.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TeamActor {
    /// Id of the team.
    pub id: String,
    /// Id of its organization.
    pub organization: String,
    /// Id of the service user in whose name it acts.
    pub user: String,
    /// Whether it is the team that owns the organization.
    pub owners: bool,
    /// Its rights in the whole organization.
    pub access: OrganizationAccess,
    /// Its rights on single projects, by project.
    pub projects: BTreeMap<String, ProjectGrant>,
    /// Its rights on single workspaces, by workspace, with the id of the workspace's project.
    pub workspaces: BTreeMap<String, (String, WorkspaceGrant)>,
}

/// What it is to be done to.
#[derive(Debug, Clone, Copy)]
pub enum On<'a> {
    /// The server as a whole.
    Server,
    /// One organization.
    Organization(&'a str),
    /// One team.
    Team {
        /// Id of its organization.
        organization: &'a str,
        /// Its id.
        id: &'a str,
        /// Whether only few may see it.
        secret: bool,
        /// Whether it is the team that owns the organization.
        owners: bool,
    },
    /// One project.
    Project {
        /// Id of its organization.
        organization: &'a str,
        /// Its id.
        id: &'a str,
    },
    /// One workspace. `workspaces::service::on` and `place` make it of one that was read.
    Workspace {
        /// Id of its organization.
        organization: &'a str,
        /// Id of its project.
        project: &'a str,
        /// Its id.
        id: &'a str,
        /// Whether it shares its state with the workspace of the run that asks.
        shares: bool,
    },
}

impl On<'_> {
    /// Id of the organization that it is in, unless it is the server.
    fn organization(&self) -> Option<&str> {
        match self {
            Self::Server => None,
            Self::Organization(organization)
            | Self::Team { organization, .. }
            | Self::Project { organization, .. }
            | Self::Workspace { organization, .. } => Some(organization),
        }
    }
}

impl Actor {
    /// A user who administers the site.
    pub fn admin(id: String, name: String) -> Self {
        Self::User(Box::new(UserActor { id, name, admin: true, teams: Vec::new() }))
    }

    /// Whether it is a person who administers the site.
    pub fn is_admin(&self) -> bool {
        matches!(self, Self::User(user) if user.admin)
    }

    /// The teams whose rights it has by belonging to them.
    pub fn teams(&self) -> &[TeamActor] {
        match self {
            Self::User(user) => &user.teams,
            Self::Team(team) => std::slice::from_ref(team),
            _ => &[],
        }
    }

    /// Whether it has these rights in the whole of an organization, and so may give them away.
    pub fn has_access(&self, organization: &str, wanted: &OrganizationAccess) -> bool {
        let mut own = OrganizationAccess::default();
        match self {
            Self::User(user) if !user.admin => {}
            Self::Team(_) => {}
            _ => return true,
        }
        for team in self.teams().iter().filter(|team| team.organization == organization) {
            if team.owners {
                return true;
            }
            own.0.extend(team.access.0.iter().copied());
        }
        own.covers(wanted)
    }

    /// Id of the user in whose name it acts: the user's own, or the service user's of a team or organization.
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::User(user) => Some(&user.id),
            Self::Team(team) => Some(&team.user),
            Self::Organization { user, .. } => Some(user),
            Self::Run { .. } => None,
        }
    }

    /// Id of the run, if it is one.
    pub fn run(&self) -> Option<&str> {
        match self {
            Self::Run { run, .. } => Some(run),
            _ => None,
        }
    }

    /// Id of the project that workspaces go to which this actor makes without naming one, if it has such.
    pub fn project(&self) -> Option<&str> {
        match self {
            Self::Run { project, .. } => Some(project),
            _ => None,
        }
    }

    /// Whether this actor may do `action` on `on`.
    #[track_caller]
    pub fn can(&self, action: Action, on: On<'_>) -> bool {
        let allowed = witness::said(Location::caller(), self.answer(action, on));
        let organization = on.organization().map(str::to_owned);
        Act::asked(Question { action: format!("{action:?}"), organization, allowed });
        allowed
    }

    /// Who it is, as the audit log has it.
    pub fn who(&self) -> Who {
        match self {
            Self::User(user) => Who { name: Some(user.name.clone()), ..Who::new("user", &user.id) },
            Self::Team(team) => Who::new("team", &team.id),
            Self::Organization { organization, .. } => Who::new("organization", organization),
            Self::Run { run, .. } => Who { name: Some(run.clone()), ..Who::new("run", run) },
        }
    }

    fn answer(&self, action: Action, on: On<'_>) -> bool {
        match self {
            Self::User(user) if user.admin => true,
            Self::User(_) | Self::Team(_) => match on {
                On::Server => action == Action::ReadOrganization,
                _ => self
                    .teams()
                    .iter()
                    .any(|team| on.organization() == Some(&team.organization) && (team.owners || team.can(action, on))),
            },
            Self::Organization { organization, .. } => match on {
                On::Server => action == Action::ReadOrganization,
                _ => on.organization() == Some(organization) && organization_token_may(action),
            },
            Self::Run { organization, .. } => on.organization() == Some(organization) && self.run_can(action, on),
        }
    }

    /// The same question with a "not found" for an answer that is no.
    ///
    /// # Errors
    /// `access/not-found`, worded so that it does not tell whether the thing exists.
    #[track_caller]
    pub fn may(&self, action: Action, on: On<'_>) -> Result<(), Problem> {
        if self.can(action, on) {
            return Ok(());
        }
        Err(Problem::not_found("access/not-found", "There is no such thing, or this token may not see it.")
            .advice("Check the name or id, and use a token that may see it."))
    }

    fn run_can(&self, action: Action, on: On<'_>) -> bool {
        let Self::Run { workspace, project, applies, .. } = self else { return false };
        match on {
            On::Server => false,
            On::Organization(_) => run_may_in_organization(action),
            On::Team { secret, .. } => action == Action::ReadTeam && !secret,
            On::Project { id, .. } => run_may_in_project(action, id == project, *applies),
            On::Workspace { project: its, id, shares, .. } => {
                let place = Place { own: id == workspace, same_project: its == project, shares };
                run_may_on_workspace(action, place, *applies)
            }
        }
    }
}

impl TeamActor {
    /// Within its own organization, and without what it may as the team that owns it.
    fn can(&self, action: Action, on: On<'_>) -> bool {
        match on {
            On::Server => false,
            On::Organization(_) => self.access.allows(action),
            On::Team { id, secret, owners, .. } => {
                (action == Action::ReadTeam && id == self.id) || self.access.allows_on_team(action, secret, owners)
            }
            On::Project { id, .. } => {
                // Who has access to a workspace sees the project that it is in.
                let inside = action == Action::ReadProject && self.workspaces.values().any(|(its, _)| its == id);
                inside || self.on_project(id).any(|grant| grant.allows(action))
            }
            On::Workspace { project, id, .. } => {
                self.on_project(project).any(|grant| grant.workspaces.allows(action))
                    || self.workspaces.get(id).is_some_and(|(_, grant)| grant.allows(action))
            }
        }
    }

    fn on_project(&self, id: &str) -> impl Iterator<Item = ProjectGrant> {
        self.access.every_project().into_iter().chain(self.projects.get(id).copied())
    }
}

#[cfg(test)]
mod tests {
    use domain::roles::{Flag, ProjectRole, WorkspaceRole};

    use super::*;

    fn run(applies: bool) -> Actor {
        Actor::Run {
            run: "run-1".into(),
            workspace: "ws-1".into(),
            project: "prj-1".into(),
            organization: "org-1".into(),
            applies,
        }
    }

    fn workspace<'a>(project: &'a str, id: &'a str) -> On<'a> {
        On::Workspace { organization: "org-1", project, id, shares: false }
    }

    fn team() -> TeamActor {
        TeamActor { id: "team-1".into(), organization: "org-1".into(), user: "user-t".into(), ..TeamActor::default() }
    }

    fn person(teams: Vec<TeamActor>) -> Actor {
        Actor::User(Box::new(UserActor { id: "user-1".into(), name: "ada".into(), admin: false, teams }))
    }

    fn all_on() -> [On<'static>; 4] {
        [
            On::Organization("org-1"),
            On::Team { organization: "org-1", id: "team-9", secret: true, owners: true },
            On::Project { organization: "org-1", id: "prj-1" },
            workspace("prj-1", "ws-1"),
        ]
    }

    #[test]
    fn a_run_reads_its_own_workspace_and_those_that_share_with_it() {
        let own = workspace("prj-1", "ws-1");
        let sharer = On::Workspace { organization: "org-1", project: "prj-2", id: "ws-2", shares: true };
        let stranger = workspace("prj-2", "ws-3");
        for action in [Action::ReadWorkspace, Action::ReadOutputs, Action::ReadState] {
            let run = run(false);
            assert!(run.can(action, own) && run.can(action, sharer) && !run.can(action, stranger), "{action:?}");
        }
    }

    #[test]
    fn a_run_starts_others_of_its_project_while_it_applies_and_never_itself() {
        let (own, sibling, stranger) =
            (workspace("prj-1", "ws-1"), workspace("prj-1", "ws-2"), workspace("prj-2", "ws-3"));
        assert!(run(true).can(Action::StartRun, sibling));
        assert!(!run(false).can(Action::StartRun, sibling));
        assert!(!run(true).can(Action::StartRun, own));
        assert!(!run(true).can(Action::StartRun, stranger));
        assert!(!run(true).can(Action::ManageOrganization, On::Organization("org-1")));
        let seen = On::Team { organization: "org-1", id: "team-1", secret: false, owners: true };
        assert!(run(false).can(Action::ReadTeam, seen) && !run(true).can(Action::ManageTeamTokens, seen));
    }

    #[test]
    fn nobody_but_an_administrator_sees_an_organization_that_they_are_not_in() {
        let owners = TeamActor { owners: true, access: OrganizationAccess::all(), ..team() };
        let token = Actor::Organization { organization: "org-1".into(), user: "user-o".into() };
        for actor in [Actor::Team(Box::new(owners.clone())), person(vec![owners]), person(vec![]), token, run(true)] {
            for action in Action::ALL {
                let elsewhere = On::Workspace { organization: "org-2", project: "prj-1", id: "ws-1", shares: true };
                assert!(!actor.can(*action, elsewhere) && !actor.can(*action, On::Organization("org-2")), "{action:?}");
            }
        }
    }

    #[test]
    fn the_owners_may_all_in_their_organization_and_nothing_on_the_server() {
        let owners = Actor::Team(Box::new(TeamActor { owners: true, ..team() }));
        for on in all_on() {
            assert!(Action::ALL.iter().all(|action| owners.can(*action, on)), "{on:?}");
        }
        assert!(!owners.can(Action::ManageOrganization, On::Server));
        assert!(owners.can(Action::ReadOrganization, On::Server));
    }

    #[test]
    fn a_team_may_on_a_workspace_what_its_workspace_its_project_or_its_organization_gives_it() {
        let planner = ("prj-1".to_owned(), WorkspaceRole::Plan.grant(WorkspaceGrant::default()));
        let single = TeamActor { workspaces: BTreeMap::from([("ws-1".to_owned(), planner)]), ..team() };
        let project = ProjectRole::Write.grant(ProjectGrant::default());
        let wide = TeamActor { projects: BTreeMap::from([("prj-1".to_owned(), project)]), ..team() };
        let everywhere = TeamActor { access: OrganizationAccess([Flag::ReadWorkspaces].into()), ..team() };
        for (team, on, starts, decides, reads) in [
            (&single, workspace("prj-1", "ws-1"), true, false, true),
            (&single, workspace("prj-1", "ws-2"), false, false, false),
            (&wide, workspace("prj-1", "ws-2"), true, true, true),
            (&wide, workspace("prj-2", "ws-2"), false, false, false),
            (&everywhere, workspace("prj-2", "ws-2"), false, false, true),
        ] {
            let actor = Actor::Team(Box::new(team.clone()));
            let may = [Action::StartRun, Action::DecideRun, Action::ReadRun].map(|action| actor.can(action, on));
            assert_eq!(may, [starts, decides, reads], "{team:?} {on:?}");
        }
        let actor = Actor::Team(Box::new(single));
        assert!(actor.can(Action::ReadProject, On::Project { organization: "org-1", id: "prj-1" }));
        assert!(!actor.can(Action::ReadProject, On::Project { organization: "org-1", id: "prj-2" }));
    }

    #[test]
    fn a_user_may_what_one_of_their_teams_may_and_each_in_its_own_organization() {
        let writer = TeamActor {
            projects: BTreeMap::from([("prj-1".to_owned(), ProjectRole::Write.grant(ProjectGrant::default()))]),
            ..team()
        };
        let reader = TeamActor { access: OrganizationAccess([Flag::ReadWorkspaces].into()), ..team() };
        let abroad = TeamActor { organization: "org-2".into(), owners: true, ..team() };
        let both = person(vec![writer, reader, abroad]);
        assert!(both.can(Action::StartRun, workspace("prj-1", "ws-1")));
        assert!(both.can(Action::ReadRun, workspace("prj-2", "ws-2")));
        assert!(!both.can(Action::StartRun, workspace("prj-2", "ws-2")));
        assert!(both.can(Action::ManageOrganization, On::Organization("org-2")));
        assert!(!both.can(Action::ManageOrganization, On::Organization("org-1")));
        assert!(!both.can(Action::ManageUsers, On::Server) && !both.can(Action::ManageOrganization, On::Server));
        let given = |flag| both.has_access("org-1", &OrganizationAccess([flag].into()));
        assert!(given(Flag::ReadWorkspaces) && !given(Flag::ManageTeams));
        assert!(both.has_access("org-2", &OrganizationAccess::all()));
        assert!(!person(vec![]).has_access("org-1", &OrganizationAccess::all()));
    }

    #[test]
    fn the_site_is_administered_by_its_administrators_alone() {
        let owners = TeamActor { owners: true, access: OrganizationAccess::all(), ..team() };
        let token = Actor::Organization { organization: "org-1".into(), user: "user-o".into() };
        for actor in [Actor::Team(Box::new(owners.clone())), person(vec![owners]), token, run(true)] {
            assert!(!actor.can(Action::ManageUsers, On::Server), "{actor:?}");
        }
        assert!(Actor::admin("user-1".into(), "owner".into()).can(Action::ManageUsers, On::Server));
    }

    #[test]
    fn no_is_not_found_so_that_nothing_is_given_away() {
        let on = On::Workspace { organization: "org-2", project: "prj-9", id: "ws-9", shares: false };
        assert_eq!(run(false).may(Action::ReadState, on).unwrap_err().fault, domain::Fault::NotFound);
    }
}
