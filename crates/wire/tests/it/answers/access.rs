//! Documents of teams, of what they may do, and of who belongs to an organization.

use expect_test::expect_file;
use wire::organization_memberships::{
    OrganizationMembership, OrganizationMembershipAttributes, OrganizationMembershipRelationships,
};
use wire::team_access::{
    ProjectAccess, TeamProject, TeamProjectAttributes, TeamProjectRelationships, TeamWorkspace,
    TeamWorkspaceAttributes, TeamWorkspaceRelationships, WorkspaceAccess,
};
use wire::teams::{Team, TeamAttributes, TeamPermissions, TeamRelationships};
use wire::{Document, Linked, ToMany, ToOne, kind};

use super::{at, check};

#[test]
fn a_team() {
    let attributes = TeamAttributes {
        name: "crew".to_owned(),
        visibility: "secret".to_owned(),
        users_count: 1,
        organization_access: [("manage-teams".to_owned(), true), ("read-projects".to_owned(), false)].into(),
        permissions: TeamPermissions::all(true),
        ..Default::default()
    };
    let team = Team::new("team-1", attributes).related(TeamRelationships {
        organization: ToOne::new(kind::ORGANIZATIONS, "fancycorp"),
        users: ToMany::new(kind::USERS, ["user-1"]),
        organization_memberships: ToMany::new(kind::ORGANIZATION_MEMBERSHIPS, ["ou-1"]),
        authentication_token: Linked::related("/api/v2/teams/team-1/authentication-token"),
    });
    check(&Document::new(team.linked("self", "/api/v2/teams/team-1")), expect_file!["../../golden/team.json"]);
}

#[test]
fn what_a_team_may_do_on_a_workspace_and_on_a_project() {
    let attributes = TeamWorkspaceAttributes {
        access: "plan".to_owned(),
        runs: "plan".to_owned(),
        variables: "read".to_owned(),
        state_versions: "read".to_owned(),
        sentinel_mocks: "none".to_owned(),
        ..Default::default()
    };
    let on_workspace = TeamWorkspace::new("tws-1", attributes).related(TeamWorkspaceRelationships {
        team: ToOne::new(kind::TEAMS, "team-1"),
        workspace: ToOne::new(kind::WORKSPACES, "ws-1"),
    });
    check(&Document::new(on_workspace), expect_file!["../../golden/team_workspace.json"]);
    let attributes = TeamProjectAttributes {
        access: "custom".to_owned(),
        project_access: ProjectAccess {
            settings: Some("read".to_owned()),
            teams: Some("none".to_owned()),
            variable_sets: Some("read".to_owned()),
        },
        workspace_access: WorkspaceAccess { create: Some(true), relocate: Some(false), ..Default::default() },
    };
    let on_project = TeamProject::new("tprj-1", attributes).related(TeamProjectRelationships {
        team: ToOne::new(kind::TEAMS, "team-1"),
        project: ToOne::new(kind::PROJECTS, "prj-1"),
    });
    check(&Document::new(on_project), expect_file!["../../golden/team_project.json"]);
}

#[test]
fn a_membership() {
    let attributes = OrganizationMembershipAttributes {
        status: "active".to_owned(),
        email: "owner@fancycorp.example".to_owned(),
        username: "owner".to_owned(),
        created_at: at(0),
        invitation_link: None,
    };
    let membership = OrganizationMembership::new("ou-1", attributes).related(OrganizationMembershipRelationships {
        organization: ToOne::new(kind::ORGANIZATIONS, "fancycorp"),
        user: ToOne::new(kind::USERS, "user-1"),
        teams: ToMany::new(kind::TEAMS, ["team-1"]),
    });
    check(&Document::new(membership), expect_file!["../../golden/organization_membership.json"]);
}
