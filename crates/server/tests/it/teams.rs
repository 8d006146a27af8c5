//! Teams, and what they may do where.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, ORGANIZATION, Server, archive, on_both};

/// Asks with the token of a team.
struct Team<'a> {
    server: &'a Server,
    token: String,
}

impl Team<'_> {
    async fn get(&self, path: &str) -> Answer {
        self.server.request(Method::GET, path).token(&self.token).send().await
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        self.server.request(method, path).token(&self.token).json(&body).send().await
    }

    async fn run(&self, workspace: &str, attributes: Value) -> Answer {
        let workspace = json!({ "data": { "type": "workspaces", "id": workspace } });
        let body = json!({ "data": { "attributes": attributes, "relationships": { "workspace": workspace } } });
        self.send(Method::POST, "/runs", body).await
    }
}

fn attributes(attributes: Value) -> Value {
    json!({ "data": { "attributes": attributes } })
}

on_both! {
    async fn each_organization_has_owners_that_stay_as_they_are(server) {
        let found = server.get(&format!("/organizations/{ORGANIZATION}/teams?filter[names]=owners")).await.is(200);
        let path = format!("/teams/{}", found.ids()[0]);
        let owners = server.get(&format!("{path}?include=users")).await.is(200);
        assert_eq!(owners.at("/data/attributes/users-count"), 1);
        assert_eq!(owners.at("/included/0/attributes/username"), "owner");
        assert_eq!(owners.at("/data/attributes/organization-access/manage-workspaces"), true);
        assert_eq!(owners.at("/data/attributes/permissions/can-destroy"), false);
        server.delete(&path).await.refuses(403, "team/owners");
        server.patch(&path, attributes(json!({ "name": "bosses" }))).await.refuses(403, "team/owners");
        server.patch(&path, attributes(json!({ "name": "owners" }))).await.is(200);
        let nobody = json!({ "data": [{ "type": "users", "id": "owner" }] });
        let users = format!("{path}/relationships/users");
        server.request(Method::DELETE, &users).json(&nobody).send().await.refuses(403, "team/owners");
        server.get("/organizations/other/teams").await.is(404);
    }

    async fn a_team_is_made_changed_and_deleted(server) {
        let path = format!("/organizations/{ORGANIZATION}/teams");
        let wanted = json!({ "name": "crew", "organization-access": { "manage-vcs-settings": true, "unknown": true } });
        let made = server.post(&path, attributes(wanted.clone())).await.is(201);
        assert_eq!(made.at("/data/attributes/visibility"), "secret");
        assert_eq!(made.at("/data/attributes/organization-access/manage-vcs-settings"), true);
        assert_eq!(made.at("/data/attributes/organization-access/manage-teams"), false);
        server.post(&path, attributes(wanted)).await.refuses(422, "team/name-taken");
        server.post(&path, attributes(json!({ "name": "a b" }))).await.refuses(422, "team/name");
        let wrong = attributes(json!({ "name": "x", "visibility": "loud" }));
        server.post(&path, wrong).await.refuses(422, "team/visibility");
        let team = format!("/teams/{}", made.id());
        let edit = json!({ "visibility": "organization", "organization-access": { "manage-teams": true } });
        let edited = server.patch(&team, attributes(edit)).await.is(200);
        assert_eq!(edited.at("/data/attributes/name"), "crew");
        assert_eq!(edited.at("/data/attributes/organization-access/manage-vcs-settings"), true);
        assert_eq!(edited.at("/data/attributes/organization-access/manage-teams"), true);

        let members = server.get(&format!("/organizations/{ORGANIZATION}/organization-memberships")).await.is(200);
        let member = json!({ "data": [{ "type": "organization-memberships", "id": members.ids()[0] }] });
        let memberships = format!("{team}/relationships/organization-memberships");
        server.post(&memberships, member).await.is(204);
        assert_eq!(server.get(&memberships).await.is(200).ids(), members.ids());
        let owner = json!({ "data": [{ "type": "users", "id": "owner" }] });
        let users = format!("{team}/relationships/users");
        server.request(Method::DELETE, &users).json(&owner).send().await.is(204);
        assert!(server.get(&memberships).await.is(200).ids().is_empty());
        let nobody = json!({ "data": [{ "type": "users", "id": "nobody" }] });
        server.post(&users, nobody).await.refuses(404, "team/member-not-found");

        server.delete(&team).await.is(204);
        server.get(&team).await.refuses(404, "team/not-found");
    }

    async fn a_membership_is_read_and_that_of_the_last_owner_stays(server) {
        let path = format!("/organizations/{ORGANIZATION}/organization-memberships");
        let found = server.get(&format!("{path}?filter[email]=owner@localhost&include=user")).await.is(200);
        assert_eq!(found.at("/included/0/attributes/username"), "owner");
        assert!(server.get(&format!("{path}?filter[email]=other@localhost")).await.is(200).ids().is_empty());
        assert_eq!(server.get("/organization-memberships").await.is(200).ids(), found.ids());
        let one = format!("/organization-memberships/{}", found.ids()[0]);
        assert_eq!(server.get(&one).await.is(200).at("/data/attributes/status"), "active");
        server.delete(&one).await.refuses(403, "team/owners");
        server.get("/organization-memberships/ou-x").await.refuses(404, "membership/not-found");
    }

    async fn a_team_that_plans_plans_and_does_not_apply(server) {
        let workspace = server.workspace_with(json!({ "name": "own", "auto-apply": true })).await;
        let other = server.workspace("other").await;
        server.configuration(&workspace, false).await;
        let id = server.team("planners").await;
        server.team_on_workspace(&id, &workspace, "plan").await;
        let team = Team { server: &server, token: server.team_token(&id).await };

        let seen = team.get(&format!("/organizations/{ORGANIZATION}/workspaces")).await.is(200);
        assert_eq!(seen.ids(), std::slice::from_ref(&workspace));
        for (permission, has) in [("queue-run", true), ("queue-apply", false), ("lock", false), ("read-variable", true)] {
            assert_eq!(seen.at(&format!("/data/0/attributes/permissions/can-{permission}")), has, "{permission}");
        }
        team.get(&format!("/workspaces/{other}")).await.is(404);
        team.run(&other, json!({})).await.is(404);

        // Neither the workspace's setting nor the client's wish applies what the team may only plan.
        let run = team.run(&workspace, json!({ "auto-apply": true })).await.is(201);
        assert_eq!(run.at("/data/attributes/permissions/can-apply"), false);
        let created_by = run.text_at("/data/relationships/created-by/data/id");
        let user = server.get(&format!("/users/{created_by}")).await.is(200);
        assert_eq!(user.at("/data/attributes/is-service-account"), true);
        let run = run.id();
        server.until(&run, "planned").await;
        for action in ["apply", "discard", "cancel"] {
            team.send(Method::POST, &format!("/runs/{run}/actions/{action}"), json!({})).await.is(404);
        }
        server.act(&run, "discard").await.is(202);

        // Nor does an upload that starts a run.
        let configuration = attributes(json!({ "auto-queue-runs": true }));
        let path = format!("/workspaces/{workspace}/configuration-versions");
        let made = team.send(Method::POST, &path, configuration).await.is(201);
        let put = server.request(Method::PUT, made.text_at("/data/attributes/upload-url"));
        put.anonymous().bytes(archive(&[("main.tf", "")])).send().await.is(200);
        let runs = server.get(&format!("/workspaces/{workspace}/runs")).await.is(200);
        assert_eq!(server.until(&runs.ids()[0], "planned").await.at("/data/attributes/auto-apply"), false);

        let variable = attributes(json!({ "key": "a", "category": "env" }));
        team.send(Method::POST, &format!("/workspaces/{workspace}/vars"), variable).await.is(404);
        team.send(Method::PATCH, &format!("/workspaces/{workspace}"), attributes(json!({}))).await.is(404);
    }

    async fn a_role_on_a_project_reaches_every_workspace_in_it(server) {
        let (project, apart) = (server.project("ours").await, server.project("apart").await);
        let workspace = server.workspace_in(&project, "one").await;
        server.configuration(&workspace, false).await;
        let id = server.team("crew").await;
        let grant = format!("/team-projects/{}", server.team_on_project(&id, &project, "maintain").await);
        let team = Team { server: &server, token: server.team_token(&id).await };
        let workspaces = format!("/organizations/{ORGANIZATION}/workspaces");
        let in_project = |name: &str, project: &str| {
            let project = json!({ "project": { "data": { "type": "projects", "id": project } } });
            json!({ "data": { "attributes": { "name": name }, "relationships": project } })
        };

        team.send(Method::POST, &workspaces, in_project("two", &project)).await.is(201);
        team.send(Method::POST, &workspaces, in_project("three", &apart)).await.refuses(404, "project/not-found");
        team.send(Method::POST, &workspaces, attributes(json!({ "name": "three" }))).await.is(404);
        let run = team.run(&workspace, json!({ "auto-apply": true })).await.is(201).id();
        server.until(&run, "applied").await;
        let projects = team.get(&format!("/organizations/{ORGANIZATION}/projects")).await.is(200);
        assert_eq!(projects.ids(), std::slice::from_ref(&project));
        assert_eq!(projects.at("/data/0/attributes/permissions/can-create-workspace"), true);
        assert_eq!(projects.at("/data/0/attributes/permissions/can-update"), false);
        team.send(Method::DELETE, &format!("/projects/{project}"), json!({})).await.is(404);

        let custom = json!({ "access": "custom", "workspace-access": { "runs": "plan", "state-versions": "read-outputs" } });
        let custom = server.patch(&grant, attributes(custom)).await.is(200);
        assert_eq!(custom.at("/data/attributes/workspace-access/runs"), "plan");
        assert_eq!(custom.at("/data/attributes/project-access/settings"), "read");
        assert_eq!(custom.at("/data/attributes/workspace-access/create"), false);
        team.get(&format!("/workspaces/{workspace}/current-state-version-outputs")).await.is(200);
        team.get(&format!("/workspaces/{workspace}/current-state-version")).await.is(404);
        team.get(&format!("/workspaces/{workspace}/vars")).await.is(404);
        team.send(Method::POST, &workspaces, in_project("four", &project)).await.is(404);
        let level = json!({ "workspace-access": { "runs": "all" } });
        server.patch(&grant, attributes(level)).await.refuses(422, "grant/level");

        server.delete(&grant).await.is(204);
        server.get(&grant).await.refuses(404, "grant/not-found");
        team.get(&format!("/workspaces/{workspace}")).await.is(404);
    }

    async fn access_to_a_workspace_is_given_once_and_says_what_it_implies(server) {
        let workspace = server.workspace("own").await;
        let id = server.team("crew").await;
        let grant = server.team_on_workspace(&id, &workspace, "write").await;
        let listed = server.get(&format!("/team-workspaces?filter[workspace][id]={workspace}")).await.is(200);
        assert_eq!(listed.ids(), std::slice::from_ref(&grant));
        for (attribute, value) in [
            ("access", json!("write")),
            ("runs", json!("apply")),
            ("variables", json!("write")),
            ("state-versions", json!("write")),
            ("sentinel-mocks", json!("read")),
            ("workspace-locking", json!(true)),
            ("run-tasks", json!(false)),
        ] {
            assert_eq!(listed.at(&format!("/data/0/attributes/{attribute}")), value, "{attribute}");
        }
        let relationships = json!({
            "team": { "data": { "type": "teams", "id": id } },
            "workspace": { "data": { "type": "workspaces", "id": workspace } },
        });
        let again = json!({ "data": { "attributes": { "access": "read" }, "relationships": relationships } });
        server.post("/team-workspaces", again).await.refuses(422, "grant/taken");
        let role = attributes(json!({ "access": "maintain" }));
        server.patch(&format!("/team-workspaces/{grant}"), role).await.refuses(422, "grant/role");
        server.get("/team-workspaces").await.refuses(422, "grant/incomplete");

        // Whoever may work in a workspace does not thereby say who else may.
        let team = Team { server: &server, token: server.team_token(&id).await };
        team.get(&format!("/team-workspaces/{grant}")).await.is(200);
        let more = attributes(json!({ "access": "admin" }));
        team.send(Method::PATCH, &format!("/team-workspaces/{grant}"), more).await.is(404);
        server.delete(&format!("/workspaces/{workspace}")).await.is(204);
        server.get(&format!("/team-workspaces/{grant}")).await.is(404);
    }

    async fn nobody_gives_a_team_more_than_they_have(server) {
        let body = json!({ "name": "leads", "organization-access": {
            "manage-teams": true, "manage-organization-access": true, "read-workspaces": true,
        }});
        let path = format!("/organizations/{ORGANIZATION}/teams");
        let leads = server.post(&path, attributes(body)).await.is(201).id();
        let hidden = server.team("hidden").await;
        let crew = server.team("crew").await;
        let lead = Team { server: &server, token: server.team_token(&leads).await };
        let team = Team { server: &server, token: server.team_token(&crew).await };

        let reads = json!({ "organization-access": { "read-workspaces": true } });
        lead.send(Method::PATCH, &format!("/teams/{hidden}"), attributes(reads)).await.is(200);
        let more = json!({ "organization-access": { "manage-workspaces": true } });
        lead.send(Method::PATCH, &format!("/teams/{hidden}"), attributes(more)).await.refuses(403, "team/rights");
        let owners = server.get(&format!("{path}?filter[names]=owners")).await.is(200).ids()[0].clone();
        lead.send(Method::POST, &format!("/teams/{owners}/authentication-token"), json!({ "data": {} })).await.is(404);

        team.get(&format!("/teams/{crew}")).await.is(200);
        team.get(&format!("/teams/{owners}")).await.is(200);
        team.get(&format!("/teams/{hidden}")).await.refuses(404, "team/not-found");
        assert_eq!(team.get(&path).await.is(200).ids().len(), 2);
        team.send(Method::POST, &path, attributes(json!({ "name": "mine" }))).await.is(404);
    }
}
