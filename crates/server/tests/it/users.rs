//! Users: invited, let in, shut out, and what each of them sees.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, ORGANIZATION, PASSWORD, Server, on_both};

const JOIN: &str = "/app/settings/join";

fn attributes(attributes: Value) -> Value {
    json!({ "data": { "attributes": attributes } })
}

async fn ask(server: &Server, token: &str, path: &str) -> Answer {
    server.request(Method::GET, path).token(token).send().await
}

async fn owners(server: &Server) -> String {
    server.get(&format!("/organizations/{ORGANIZATION}/teams?q=owners")).await.is(200).ids()[0].clone()
}

on_both! {
    async fn who_was_invited_comes_in_by_a_link_that_works_once_and_sees_what_their_team_may(server) {
        let own = server.workspace("own").await;
        server.workspace("other").await;
        let team = server.team("planners").await;
        server.team_on_workspace(&team, &own, "plan").await;
        let (membership, key) = server.invited_to(ORGANIZATION, "ada", &[&team]).await;
        let membership = format!("/organization-memberships/{membership}");
        let invited = server.get(&format!("{membership}?include=user")).await.is(200);
        assert_eq!(invited.at("/data/attributes/status"), "invited");
        assert_eq!(invited.at("/data/attributes/email"), "ada@example.com");
        assert_eq!(invited.at("/data/attributes/invitation-link"), Value::Null, "a link is shown once");
        assert_eq!(invited.at("/data/relationships/teams/data/0/id"), team.as_str());
        assert_eq!(invited.at("/included/0/id"), invited.at("/data/relationships/user/data/id"));

        let mut browser = server.browser();
        let page = browser.page(&format!("{JOIN}?key={key}")).await;
        assert!(page.contains("The organization acme invites you") && page.contains("value=\"ada@example.com\""), "{page}");
        let short = browser.come_in(&key, "ada", "short").await.is(422).text();
        assert!(short.contains("A password has 12 to 512 characters.") && short.contains("value=\"ada\""), "{short}");
        browser.come_in(&key, "owner", PASSWORD).await.is(422);
        let before = browser.cookie.clone();
        assert_eq!(browser.come_in(&key, "ada", PASSWORD).await.is(303).header("location"), "/app");
        assert_ne!(browser.cookie, before, "what the browser had before is not what is signed in");
        assert!(browser.page("/app").await.contains("/app/acme/workspaces"));
        server.browser().come_in(&key, "eve", PASSWORD).await.is(404);
        server.browser().get(&format!("{JOIN}?key={key}")).await.is(404);
        assert_eq!(server.get(&membership).await.is(200).at("/data/attributes/status"), "active");

        let id = server.get(&membership).await.text_at("/data/relationships/user/data/id").to_owned();
        let made = browser.send_form("/app/settings/tokens/make", &[("description", "mine")]).await.is(200).text();
        let token = made.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
        assert_eq!(ask(&server, &token, "/account/details").await.is(200).id(), id);
        let seen = ask(&server, &token, &format!("/organizations/{ORGANIZATION}/workspaces")).await.is(200);
        assert_eq!(seen.ids(), std::slice::from_ref(&own));
        assert_eq!(seen.at("/data/0/attributes/permissions/can-queue-run"), true);
        assert_eq!(seen.at("/data/0/attributes/permissions/can-queue-apply"), false);
        for hidden in ["/admin/users", &format!("/organizations/{ORGANIZATION}/organization-memberships"), "/organizations/other"] {
            ask(&server, &token, hidden).await.is(404);
        }
        let own_tokens = format!("/users/{id}/authentication-tokens");
        assert_eq!(ask(&server, &token, &own_tokens).await.is(200).ids().len(), 1);
        server.get(&own_tokens).await.refuses(404, "user/not-found");
        let second = server.request(Method::POST, &own_tokens).token(&token).json(&attributes(json!({ "description": "second" })));
        let second = second.send().await.is(201).text_at("/data/attributes/token").to_owned();
        ask(&server, &second, "/organizations").await.is(200);

        server.delete(&membership).await.is(204);
        assert!(ask(&server, &token, "/organizations").await.is(200).ids().is_empty());
        ask(&server, &token, &format!("/organizations/{ORGANIZATION}")).await.is(404);
        ask(&server, &token, &format!("/workspaces/{own}")).await.is(404);
    }

    async fn a_name_and_a_password_sign_in_and_a_wrong_one_says_nothing_of_the_name(server) {
        let ada = server.person("ada", &[]).await;
        let mut browser = server.browser();
        let wrong = browser.sign_in_as("ada", "another horse battery").await.is(422).text();
        let unknown = browser.sign_in_as("nobody", PASSWORD).await.is(422).text();
        let told = |text: &str| text.split("role=\"alert\" id=\"wrong\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
        assert_eq!(told(&wrong), told(&unknown));
        browser.sign_in_as("owner", "").await.is(422);
        assert!(wrong.contains("value=\"ada\"") && !wrong.contains("another horse"), "{wrong}");
        for name in ["ada", "ADA", "ada@example.com"] {
            let mut browser = server.browser();
            browser.sign_in_as(name, PASSWORD).await.is(303);
            assert!(browser.page("/app").await.contains("<span>ada</span>"), "{name}");
        }
        // A service user has no password, and nobody becomes one by its name.
        server.team_token(&server.team("crew").await).await;
        browser.sign_in_as("api-x", PASSWORD).await.is(422);
        let rename = attributes(json!({ "username": "api-x" }));
        let rename = server.request(Method::PATCH, "/account/update").token(&ada.token).json(&rename).send().await;
        rename.refuses(422, "user/name-taken");
    }

    async fn whoever_is_suspended_or_deleted_is_out_at_once(server) {
        let ada = server.person("ada", &[]).await;
        let mut browser = server.browser();
        browser.sign_in_as("ada", PASSWORD).await.is(303);
        let mut by_token = server.signed_in(&ada.token).await;
        let one = format!("/admin/users/{}", ada.id);
        let suspended = server.post(&format!("{one}/actions/suspend"), Value::Null).await.is(200);
        assert_eq!(suspended.at("/data/attributes/is-suspended"), true);
        server.post(&format!("{one}/actions/suspend"), Value::Null).await.refuses(409, "user/status");
        assert_eq!(server.get("/admin/users?filter[suspended]=true").await.is(200).ids(), [ada.id.as_str()]);
        for browser in [&mut browser, &mut by_token] {
            assert!(browser.get("/app").await.is(303).header("location").starts_with("/sign-in"));
        }
        ask(&server, &ada.token, "/organizations").await.refuses(401, "access/unauthorized");
        server.browser().sign_in_as("ada", PASSWORD).await.is(422);
        server.browser().sign_in(&ada.token, "/app").await.is(422);

        server.post(&format!("{one}/actions/unsuspend"), Value::Null).await.is(200);
        ask(&server, &ada.token, "/organizations").await.is(200);
        assert!(browser.get("/app").await.is(303).header("location").starts_with("/sign-in"), "the session has ended");

        server.delete(&one).await.is(204);
        ask(&server, &ada.token, "/organizations").await.refuses(401, "access/unauthorized");
        server.browser().sign_in_as("ada", PASSWORD).await.is(422);
        server.delete(&one).await.refuses(404, "user/not-found");
        assert_eq!(server.get("/admin/users").await.is(200).ids().len(), 1);
        // The name of somebody who is gone is nobody else's.
        let (_, key) = server.invited_to(ORGANIZATION, "second", &[]).await;
        server.browser().come_in(&key, "ada", PASSWORD).await.is(422);
    }

    async fn the_site_keeps_an_administrator_and_an_organization_an_owner(server) {
        let me = server.get("/account/details").await.id();
        let own = format!("/admin/users/{me}");
        server.post(&format!("{own}/actions/suspend"), Value::Null).await.refuses(409, "user/last-admin");
        server.post(&format!("{own}/actions/revoke_admin"), Value::Null).await.refuses(409, "user/last-admin");
        server.delete(&own).await.refuses(409, "user/last-admin");
        let ada = server.person("ada", &[&owners(&server).await]).await;
        assert_eq!(ask(&server, &ada.token, &format!("/organizations/{ORGANIZATION}")).await.is(200).at("/data/attributes/permissions/can-update"), true);
        ask(&server, &ada.token, "/admin/users").await.is(404);
        let members = ask(&server, &ada.token, &format!("/organizations/{ORGANIZATION}/organization-memberships?filter[email]=owner@localhost")).await.is(200);
        let (first, second) = (members.ids()[0].clone(), ada.membership.clone());
        let remove = |id: String| server.request(Method::DELETE, &format!("/organization-memberships/{id}")).token(&ada.token).send();
        remove(first).await.is(204);
        remove(second).await.refuses(403, "team/owners");

        let one = format!("/admin/users/{}", ada.id);
        server.post(&format!("{one}/actions/grant_admin"), Value::Null).await.is(200);
        ask(&server, &ada.token, "/admin/users").await.is(200);
        server.post(&format!("{one}/actions/revoke_admin"), Value::Null).await.is(200);
        ask(&server, &ada.token, "/admin/users").await.is(404);
    }

    async fn an_invitation_is_taken_with_the_account_that_somebody_has(server) {
        let ada = server.person("ada", &[]).await;
        server.post("/organizations", attributes(json!({ "name": "elsewhere", "email": "a@b.example" }))).await.is(201);
        // Whatever address was written down, the link counts: who opens it comes in, and nobody else gets anything by the address.
        let (_, key) = server.invited_to("elsewhere", "somebody", &[]).await;
        let mut browser = server.browser();
        browser.sign_in_as("ada", PASSWORD).await.is(303);
        let page = browser.page(&format!("{JOIN}?key={key}")).await;
        assert!(page.contains("Come in as ada"), "{page}");
        browser.send_form(&format!("{JOIN}/accept-as"), &[("key", &key)]).await.is(303);
        browser.send_form(&format!("{JOIN}/accept-as"), &[("key", &key)]).await.is(404);
        assert_eq!(ask(&server, &ada.token, "/organizations").await.is(200).ids(), ["acme", "elsewhere"]);
        assert_eq!(ask(&server, &ada.token, "/organization-memberships").await.is(200).ids().len(), 2);

        let (_, stale) = server.invited_to("elsewhere", "third", &[]).await;
        let found = server.get("/organizations/elsewhere/organization-memberships?filter[email]=third@example.com").await;
        let path = "/organizations/elsewhere/organization-memberships".to_owned();
        server.post(&path, attributes(json!({ "email": "third@example.com" }))).await.refuses(422, "membership/taken");
        server.post(&path, attributes(json!({ "email": "no address" }))).await.refuses(422, "user/email");
        let mut owner = server.signed_in(&server.token).await;
        let again = format!("/app/elsewhere/settings/members/{}/link", found.ids()[0]);
        let link = owner.send_form(&again, &[]).await.is(200).text();
        assert!(link.contains("/app/settings/join?key=") && !link.contains(&stale), "{link}");
        server.browser().come_in(&stale, "third", PASSWORD).await.is(404);
        server.delete(&format!("/organization-memberships/{}", found.ids()[0])).await.is(204);
        assert_eq!(server.get("/admin/users").await.is(200).ids().len(), 2, "who never came is forgotten");
    }

    async fn a_password_is_set_changed_and_reset(server) {
        let mut browser = server.signed_in(&server.token).await;
        let page = "/app/settings/account";
        assert!(browser.page(page).await.contains("You have none yet"));
        let set = async |browser: &mut crate::harness::Browser<'_>, current: &str, password: &str, again: &str| {
            let fields = [("current", current), ("password", password), ("again", again)];
            browser.send_form("/app/settings/account/password", &fields).await
        };
        set(&mut browser, "", PASSWORD, "something else").await.is(422);
        set(&mut browser, "", PASSWORD, PASSWORD).await.is(303);
        let mut other = server.browser();
        other.sign_in_as("owner", PASSWORD).await.is(303);
        set(&mut browser, "wrong", "a second horse battery", "a second horse battery").await.is(422);
        set(&mut browser, PASSWORD, "a second horse battery", "a second horse battery").await.is(303);
        assert!(other.get("/app").await.is(303).header("location").starts_with("/sign-in"), "other browsers are signed out");
        browser.page("/app").await;
        server.browser().sign_in_as("owner", PASSWORD).await.is(422);

        let body = |current: &str| json!({ "data": { "type": "users", "attributes": {
            "current_password": current, "password": PASSWORD, "password_confirmation": PASSWORD } } });
        server.patch("/account/password", body("wrong")).await.refuses(422, "user/password-wrong");
        server.patch("/account/password", body("a second horse battery")).await.is(200);
        browser = server.browser();
        browser.sign_in_as("owner", PASSWORD).await.is(303);

        // Who has forgotten it gets a link of an administrator, and of nobody else.
        let ada = server.person("ada", &[]).await;
        let mut crew = server.signed_in(&server.person("boss", &[&owners(&server).await]).await.token).await;
        crew.send_form(&format!("/app/settings/users/{}/edit/link", ada.id), &[]).await.is(404);
        let refused = crew.send_form(&format!("/app/{ORGANIZATION}/settings/members/{}/link", ada.membership), &[]).await.is(422);
        assert!(refused.text().contains("is a member already"));
        let link = browser.send_form(&format!("/app/settings/users/{}/edit/link", ada.id), &[]).await.is(200).text();
        let key = link.split("join?key=").nth(1).unwrap().split('<').next().unwrap().to_owned();
        let mut fresh = server.browser();
        assert!(fresh.page(&format!("{JOIN}?key={key}")).await.contains("Set a new password"));
        fresh.come_in(&key, "", "a third horse battery").await.is(303);
        server.browser().sign_in_as("ada", PASSWORD).await.is(422);
        server.browser().sign_in_as("ada", "a third horse battery").await.is(303);
    }

    async fn nobody_gives_a_team_more_than_their_own_teams_have(server) {
        let team = server.team("leads").await;
        let rights = json!({ "organization-access": { "manage-teams": true, "manage-membership": true, "manage-organization-access": true } });
        server.patch(&format!("/teams/{team}"), attributes(rights)).await.is(200);
        let lead = server.person("lead", &[&team]).await;
        let send = async |method: Method, path: &str, body: Value| server.request(method, path).token(&lead.token).json(&body).send().await;
        let teams = format!("/organizations/{ORGANIZATION}/teams");
        let more = json!({ "name": "more", "organization-access": { "manage-workspaces": true } });
        send(Method::POST, &teams, attributes(more)).await.refuses(403, "team/rights");
        send(Method::POST, &teams, attributes(json!({ "name": "same", "organization-access": { "manage-teams": true } }))).await.is(201);
        // Nor do they become owners, or let anybody else.
        let owners = owners(&server).await;
        let me = json!({ "data": [{ "type": "users", "id": "lead" }] });
        send(Method::POST, &format!("/teams/{owners}/relationships/users"), me).await.is(404);
        let invite = json!({ "data": { "attributes": { "email": "x@example.com" },
            "relationships": { "teams": { "data": [{ "type": "teams", "id": owners }] } } } });
        let memberships = format!("/organizations/{ORGANIZATION}/organization-memberships");
        send(Method::POST, &memberships, invite).await.is(404);
        let owner = server.get(&format!("{memberships}?filter[email]=owner@localhost")).await.ids()[0].clone();
        send(Method::DELETE, &format!("/organization-memberships/{owner}"), Value::Null).await.is(404);
        // A user who is no member of the organization is nobody to it.
        server.post("/organizations", attributes(json!({ "name": "elsewhere", "email": "a@b.example" }))).await.is(201);
        let stranger = server.person_in("elsewhere", "stranger", &[]).await;
        let users = json!({ "data": [{ "type": "users", "id": "stranger" }] });
        send(Method::POST, &format!("/teams/{team}/relationships/users"), users).await.refuses(404, "team/member-not-found");
        send(Method::GET, &format!("/users/{}", stranger.id), Value::Null).await.refuses(404, "user/not-found");
        send(Method::GET, &format!("/organization-memberships/{}", stranger.membership), Value::Null).await.is(404);
    }

    async fn each_right_is_asked_for_by_itself(server) {
        // Who owns an organization does not thereby set limits of the whole server.
        let boss = server.person("boss", &[&owners(&server).await]).await;
        let limits = format!("/organizations/{ORGANIZATION}/run-limits");
        let limit = |scope: &str, name: Value| attributes(json!({ "scope": scope, "name": name, "limit": 2 }));
        let send = async |token: &str, method: Method, path: &str, body: Value| {
            server.request(method, path).token(token).json(&body).send().await
        };
        send(&boss.token, Method::PATCH, &limits, limit("tag", json!("web"))).await.is(200);
        send(&boss.token, Method::PATCH, &limits, limit("executor", json!("local"))).await.is(404);

        // Who manages teams gives none a right in the whole organization without the right to do that.
        let team = server.team("clerks").await;
        let rights = attributes(json!({ "organization-access": { "manage-teams": true } }));
        server.patch(&format!("/teams/{team}"), rights.clone()).await.is(200);
        let clerk = server.person("clerk", &[&team]).await;
        let teams = format!("/organizations/{ORGANIZATION}/teams");
        let other = send(&clerk.token, Method::POST, &teams, attributes(json!({ "name": "other" }))).await.is(201).id();
        send(&clerk.token, Method::PATCH, &format!("/teams/{other}"), rights).await.refuses(403, "team/rights");

        // Who manages members sees of their teams those that they may see.
        let hosts = server.team("hosts").await;
        let rights = attributes(json!({ "organization-access": { "manage-membership": true } }));
        server.patch(&format!("/teams/{hosts}"), rights).await.is(200);
        let host = server.person("host", &[&hosts]).await;
        let path = format!("/organizations/{ORGANIZATION}/organization-memberships?q=clerk");
        assert_eq!(send(&host.token, Method::GET, &path, Value::Null).await.is(200).at("/data/0/relationships/teams/data"), json!([]));
        assert_eq!(server.get(&path).await.at("/data/0/relationships/teams/data/0/id"), team.as_str());

        // Who manages every workspace there is does not thereby decide over those that will have a tag.
        let keepers = server.team("keepers").await;
        let rights = attributes(json!({ "organization-access": { "manage-workspaces": true } }));
        server.patch(&format!("/teams/{keepers}"), rights).await.is(200);
        let keeper = server.person("keeper", &[&keepers]).await;
        let stacks = format!("/organizations/{ORGANIZATION}/stacks");
        let tagged = attributes(json!({ "name": "tagged", "tag": "demo" }));
        send(&keeper.token, Method::POST, &stacks, tagged.clone()).await.is(404);
        send(&boss.token, Method::POST, &stacks, tagged).await.is(201);
    }

    async fn a_token_tells_when_it_was_used_and_expires(server) {
        let ada = server.person("ada", &[]).await;
        let path = format!("/users/{}/authentication-tokens", ada.id);
        let past = attributes(json!({ "description": "x", "expired-at": "2020-01-01T00:00:00Z" }));
        server.request(Method::POST, &path).token(&ada.token).json(&past).send().await.refuses(422, "token/expired");
        let list = async || server.request(Method::GET, &path).token(&ada.token).send().await.is(200);
        // It is noted beside the answer.
        let mut used = list().await;
        for _ in 0..6000 {
            if !used.at("/data/0/attributes/last-used-at").is_null() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            used = list().await;
        }
        let noted = used.at("/data/0/attributes/last-used-at");
        assert!(noted.is_string(), "{noted}");
        assert_eq!(list().await.at("/data/0/attributes/last-used-at"), noted, "it is not written with every request");
        let one = format!("/authentication-tokens/{}", used.ids()[0]);
        server.delete(&one).await.refuses(404, "token/none");
        server.request(Method::DELETE, &one).token(&ada.token).send().await.is(204);
        ask(&server, &ada.token, "/organizations").await.refuses(401, "access/unauthorized");
    }
}
