//! Pages on which an organization is set up: its name, teams, tokens, git connections and limits; and the first steps.

use axum::http::Method;
use serde_json::json;

use crate::harness::{ORGANIZATION, Server, on_both};

/// What must never come back as markup.
const CANARY: &str = "<script>alert(1)</script>\"'&";
const PAGE: &str = "/app/acme/settings";

/// The id of the team with this name.
async fn team(server: &Server, name: &str) -> String {
    let teams = server.get(&format!("/organizations/{ORGANIZATION}/teams?filter[names]={name}")).await.is(200);
    teams.ids()[0].clone()
}

/// The secret on a page that has just made a token.
fn secret(page: &str) -> String {
    let (_, rest) = page.split_once("<pre class=\"copy\" tabindex=\"0\"><code>").expect("a secret");
    rest.split('<').next().unwrap().to_owned()
}

/// The first address in a page that ends so.
fn address(page: &str, end: &str) -> String {
    let found = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    found.filter(|address| address.ends_with(end)).last().expect("an address").to_owned()
}

async fn works(server: &Server, token: &str) -> bool {
    let answer = server.request(Method::GET, "/account/details").token(token).send().await;
    answer.status.as_u16() == 200
}

on_both! {
    async fn a_user_makes_tokens_of_their_own_and_takes_them_back(server) {
        let mut browser = server.signed_in(&server.token).await;
        let list = "/app/settings/tokens";
        assert!(browser.page(list).await.contains("made at the first start"));
        let fields = [("description", CANARY), ("days", "30")];
        let made = browser.send_form(&format!("{list}/make"), &fields).await.is(200);
        assert_eq!(made.header("cache-control"), "no-store");
        let made = made.text();
        let token = secret(&made);
        assert!(works(&server, &token).await && made.matches(&token).count() == 1);
        let text = browser.page(list).await;
        assert!(!text.contains(&token) && !text.contains("<script>alert") && text.contains("&#60;script&#62;"), "{text}");
        let refused = browser.send_form(&format!("{list}/make"), &[("description", "kept"), ("days", "many")]).await.is(422).text();
        assert!(refused.contains("A token lives for 1 to 3650 days") && refused.contains("value=\"kept\""), "{refused}");
        browser.send_form(&format!("{list}/make"), &[("description", " ")]).await.is(422);

        let all: Vec<String> = text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned())
            .filter(|address| address.ends_with("/revoke")).collect();
        let [newest, first] = all.as_slice() else { panic!("{all:?}") };
        // The one that does not expire stays, or nobody could sign in again.
        let refused = browser.send_form(first, &[]).await.is(422).text();
        assert!(refused.contains("It is your last token that does not expire, and you have no password."), "{refused}");
        assert!(browser.page(newest).await.contains("Revoke the token"));
        browser.send_form(newest, &[]).await.is(303);
        assert!(!works(&server, &token).await);

        let other = server.team_token(&server.team("readers").await).await;
        let mut reader = server.signed_in(&other).await;
        assert!(reader.page(list).await.contains("signed in with a token of a team"));
        reader.send_form(&format!("{list}/make"), &[("description", "x")]).await.is(422);
        reader.get(first).await.is(404);
        reader.send_form(first, &[]).await.is(404);
        assert!(server.browser().page(list).await.contains("multispace env"), "clients send people here who have no token");
    }

    async fn an_organization_is_named_and_deleted_by_who_manages_it(server) {
        let mut browser = server.signed_in(&server.token).await;
        let refused = browser.send_form(&format!("{PAGE}/save"), &[("name", "a b"), ("email", "kept@b.example")]).await.is(422).text();
        assert!(refused.contains("value=\"a b\"") && refused.contains("kept@b.example"), "{refused}");
        let answer = browser.send_form(&format!("{PAGE}/save"), &[("name", "zenith"), ("email", "c@d.example")]).await.is(303);
        assert_eq!(answer.header("location"), "/app/zenith/settings");
        assert_eq!(server.get("/organizations/zenith").await.is(200).at("/data/attributes/email"), "c@d.example");
        let delete = "/app/zenith/settings/delete";
        browser.send_form(delete, &[("name", "acme")]).await.is(422);
        browser.send_form(delete, &[("name", "zenith")]).await.is(303);
        server.get("/organizations/zenith").await.is(404);
    }

    async fn a_team_is_made_given_rights_and_access_and_deleted(server) {
        let net = server.workspace("net").await;
        let mut browser = server.signed_in(&server.token).await;
        let answer = browser.send_form(&format!("{PAGE}/teams/add"), &[("name", "crew")]).await.is(303);
        let page = answer.header("location").to_owned();
        let id = team(&server, "crew").await;
        assert_eq!(page, format!("{PAGE}/teams/{id}"));
        let taken = browser.send_form(&format!("{PAGE}/teams/add"), &[("name", "crew")]).await.is(422).text();
        assert!(taken.contains("Name has already been taken.") && taken.contains("value=\"crew\""), "{taken}");

        let fields = [("name", "pilots"), ("visibility", "organization"), ("rights[]", "read-workspaces"), ("rights[]", "manage-teams")];
        browser.send_form(&format!("{page}/save"), &fields).await.is(303);
        let read = server.get(&format!("/teams/{id}")).await.is(200);
        assert_eq!(read.at("/data/attributes/name"), "pilots");
        for (right, has) in [("read-workspaces", true), ("manage-teams", true), ("manage-workspaces", false)] {
            assert_eq!(read.at(&format!("/data/attributes/organization-access/{right}")), has, "{right}");
        }
        let text = browser.page(&page).await;
        assert!(text.contains("value=\"manage-teams\" checked"), "{text}");
        let wrong = browser.send_form(&format!("{page}/save"), &[("name", "a b"), ("visibility", "organization")]).await.is(422).text();
        assert!(wrong.contains("value=\"a b\"") && !wrong.contains("value=\"manage-teams\" checked"), "{wrong}");

        browser.send_form(&format!("{page}/grant"), &[("place", &net), ("role", "plan")]).await.is(303);
        let text = browser.page(&page).await;
        assert!(text.contains("<strong>plan</strong> on the workspace net"), "{text}");
        let again = browser.send_form(&format!("{page}/grant"), &[("place", &net), ("role", "read")]).await.is(422).text();
        assert!(again.contains("has access there already"), "{again}");
        let grants = server.get(&format!("/team-workspaces?filter[workspace][id]={net}")).await.is(200);
        browser.send_form(&format!("{page}/withdraw"), &[("grant", &grants.ids()[0])]).await.is(303);
        assert!(server.get(&format!("/team-workspaces?filter[workspace][id]={net}")).await.ids().is_empty());

        browser.send_form(&format!("{page}/add-member"), &[("user", "owner")]).await.is(303);
        assert!(browser.page(&page).await.contains("<span>owner</span>"));
        let nobody = browser.send_form(&format!("{page}/add-member"), &[("user", CANARY)]).await.is(422).text();
        assert!(nobody.contains("There is no member") && !nobody.contains("<script>alert"), "{nobody}");
        browser.send_form(&format!("{page}/remove-member"), &[("user", "owner")]).await.is(303);

        assert!(browser.page(&format!("{page}/delete")).await.contains("Delete the team pilots?"));
        browser.send_form(&format!("{page}/delete"), &[]).await.is(303);
        server.get(&format!("/teams/{id}")).await.is(404);
        let owners = team(&server, "owners").await;
        assert!(browser.page(&format!("{PAGE}/teams/{owners}")).await.contains("The owners may do everything"));
        let refused = browser.send_form(&format!("{PAGE}/teams/{owners}/remove-member"), &[("user", "owner")]).await.is(422).text();
        assert!(refused.contains("An organization needs an owner."), "{refused}");
    }

    async fn tokens_of_a_team_and_of_the_organization_are_seen_once(server) {
        let id = server.team("crew").await;
        let mut browser = server.signed_in(&server.token).await;
        let page = format!("{PAGE}/teams/{id}");
        let made = browser.send_form(&format!("{page}/make-token"), &[("description", "ci"), ("days", "")]).await.is(200).text();
        let of_team = secret(&made);
        assert!(works(&server, &of_team).await);
        let refused = browser.send_form(&format!("{page}/make-token"), &[("description", "ci")]).await.is(422).text();
        assert!(refused.contains("Description has already been taken.") && refused.contains("value=\"ci\""), "{refused}");
        let made = browser.send_form(&format!("{PAGE}/tokens/make"), &[("days", "7")]).await.is(200).text();
        let of_organization = secret(&made);
        assert!(works(&server, &of_organization).await);
        for path in [page.clone(), format!("{PAGE}/tokens")] {
            let text = browser.page(&path).await;
            assert!(!text.contains(&of_team) && !text.contains(&of_organization), "{path}");
        }
        for (list, token) in [(page, of_team), (format!("{PAGE}/tokens"), of_organization)] {
            let revoke = address(&browser.page(&list).await, "/revoke");
            assert!(browser.page(&revoke).await.contains("Whoever uses it is refused"));
            browser.send_form(&revoke, &[]).await.is(303);
            assert!(!works(&server, &token).await, "{list}");
        }
    }

    async fn a_git_host_is_connected_without_its_secrets_in_a_page(server) {
        let mut browser = server.signed_in(&server.token).await;
        let list = format!("{PAGE}/connections");
        let fields = [("provider", "github_enterprise"), ("address", "https://git.example"), ("name", CANARY), ("token", "s3cret-1")];
        let answer = browser.send_form(&format!("{list}/add"), &fields).await.is(303);
        let one = answer.header("location").to_owned();
        let text = browser.page(&one).await;
        for part in ["https://git.example", "GitHub Enterprise", "/webhooks/vcs/oc-", "<code>ot-"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("s3cret") && !text.contains("<script>alert"), "{text}");
        let wrong = [("provider", "gitlab_hosted"), ("address", "ftp://x"), ("name", "kept"), ("token", "s3cret-2"), ("key", "s3cret-3")];
        let refused = browser.send_form(&format!("{list}/add"), &wrong).await.is(422).text();
        assert!(refused.contains("value=\"kept\"") && refused.contains("value=\"ftp://x\"") && !refused.contains("s3cret"), "{refused}");
        let refused = browser.send_form(&format!("{one}/change"), &[("name", "lab"), ("key", "no key s3cret-4")]).await.is(422).text();
        assert!(refused.contains("The SSH key is not a private key") && !refused.contains("s3cret"), "{refused}");
        browser.send_form(&format!("{one}/change"), &[("name", "lab"), ("token", "s3cret-5")]).await.is(303);
        assert!(browser.page(&list).await.contains(">lab</a>"));
        assert!(browser.page(&format!("{one}/delete")).await.contains("Delete the connection to lab?"));
        browser.send_form(&format!("{one}/delete"), &[]).await.is(303);
        browser.get(&one).await.is(404);
    }

    async fn a_variable_set_is_made_filled_attached_and_deleted(server) {
        let net = server.workspace("net").await;
        let mut browser = server.signed_in(&server.token).await;
        let list = format!("{PAGE}/variable-sets");
        let answer = browser.send_form(&format!("{list}/add"), &[("name", "shared")]).await.is(303);
        let one = answer.header("location").to_owned();
        let taken = browser.send_form(&format!("{list}/add"), &[("name", "shared")]).await.is(422).text();
        assert!(taken.contains("Name has already been taken.") && taken.contains("value=\"shared\""), "{taken}");
        for (key, value, sensitive) in [("plain", CANARY, None), ("word", "s3cret-1", Some(("sensitive", "yes")))] {
            let mut fields = vec![("key", key), ("value", value), ("category", "terraform")];
            fields.extend(sensitive);
            let answer = browser.send_form(&format!("{one}/variables/add"), &fields).await.is(303);
            assert_eq!(answer.header("location"), one);
        }
        browser.send_form(&format!("{one}/attach"), &[("place", &net)]).await.is(303);
        let text = browser.page(&one).await;
        for part in ["<span>workspace net</span>", "(sensitive value)", "plain"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("s3cret") && !text.contains("<script>alert"), "{text}");
        assert!(browser.page("/app/acme/workspaces/net/variables").await.contains("From the variable set shared"));

        let variable = text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap())
            .find(|address| address.contains("/variables/var-")).unwrap().to_owned();
        let fields = [("key", "other"), ("value", "2"), ("category", "env")];
        browser.send_form(&format!("{variable}/change"), &fields).await.is(303);
        assert!(browser.page(&variable).await.contains("value=\"other\""));
        let wrong = browser.send_form(&format!("{variable}/change"), &[("key", "word"), ("value", "kept"), ("category", "terraform")]).await.is(422).text();
        assert!(wrong.contains("Key has already been taken.") && wrong.contains("kept"), "{wrong}");
        assert!(browser.page(&format!("{variable}/delete")).await.contains("Delete the variable other of the set shared?"));
        browser.send_form(&format!("{variable}/delete"), &[]).await.is(303);
        browser.get(&variable).await.is(404);

        browser.send_form(&format!("{one}/detach"), &[("place", &net)]).await.is(303);
        let fields = [("name", "all"), ("description", CANARY), ("global", "yes"), ("priority", "yes")];
        browser.send_form(&format!("{one}/save"), &fields).await.is(303);
        let text = browser.page(&one).await;
        assert!(text.contains("Every workspace has it.") && text.contains("value=\"all\"") && !text.contains("<script>alert"), "{text}");
        assert!(browser.page(&format!("{one}/delete")).await.contains("Delete the variable set all?"));
        browser.send_form(&format!("{one}/delete"), &[]).await.is(303);
        browser.get(&one).await.is(404);
    }

    async fn limits_are_set_and_taken_away(server) {
        let project = server.project("core").await;
        let mut browser = server.signed_in(&server.token).await;
        let list = format!("{PAGE}/limits");
        let on = format!("project:{project}");
        for (on, tag, most) in [("organization", "", "7"), (on.as_str(), "", "3"), ("tag", "web", "2"), ("executor", "", "9")] {
            browser.send_form(&format!("{list}/set"), &[("on", on), ("tag", tag), ("most", most)]).await.is(303);
        }
        let text = browser.page(&list).await;
        for part in ["<strong>7</strong> all runs", "<strong>3</strong> runs of the project core", "<strong>2</strong> runs of workspaces with the tag web",
                     "<strong>9</strong> runs on this machine"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        for most in ["0", "many", ""] {
            let refused = browser.send_form(&format!("{list}/set"), &[("on", "tag"), ("tag", "kept"), ("most", most)]).await.is(422).text();
            assert!(refused.contains("value=\"kept\""), "{refused}");
        }
        browser.send_form(&format!("{list}/remove"), &[("on", "tag:web")]).await.is(303);
        assert!(!browser.page(&list).await.contains("tag web"));
    }

    async fn whoever_may_not_manage_the_organization_has_no_forms(server) {
        let id = server.team("readers").await;
        let token = server.team_token(&id).await;
        server.connection("https://git.example", json!({})).await;
        let mut reader = server.signed_in(&token).await;
        for path in ["", "/teams", "/connections", "/variable-sets", "/limits", &format!("/teams/{id}")] {
            let text = reader.page(&format!("{PAGE}{path}")).await;
            assert!(!text.contains("method=\"post\" action=\"/app/"), "{path}: {text}");
            assert!(!text.contains("/settings/tokens\""), "{path}");
        }
        for path in ["/tokens", "/delete", &format!("/teams/{id}/delete")] {
            reader.get(&format!("{PAGE}{path}")).await.is(404);
        }
        for path in ["/save", "/delete", "/teams/add", &format!("/teams/{id}/save"), &format!("/teams/{id}/delete"),
                     &format!("/teams/{id}/add-member"), &format!("/teams/{id}/make-token"), "/tokens/make", "/connections/add", "/variable-sets/add", "/limits/set",
                     "/limits/remove"] {
            let fields = [("name", "acme"), ("description", "x"), ("user", "owner"), ("on", "organization"), ("most", "1"),
                          ("provider", "github"), ("address", "https://github.com")];
            reader.send_form(&format!("{PAGE}{path}"), &fields).await.is(404);
        }
        for path in ["", "/teams", "/tokens", "/connections", "/limits"] {
            reader.get(&format!("/app/nobody/settings{path}")).await.is(404);
            let led = server.browser().get(&format!("{PAGE}{path}")).await.is(303);
            assert!(led.header("location").starts_with("/sign-in?to="));
        }
    }

    async fn the_first_steps_lead_to_a_terminal_that_is_connected(server) {
        let text = server.browser().page("/app/start").await;
        for part in ["multispace env", "href=\"/sign-in?to=%2Fapp%2Fstart\"", "Once you are signed in"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("acme"), "{text}");
        let mut browser = server.browser();
        let token = server.token.clone();
        let answer = browser.sign_in(&token, "/app/start").await.is(303);
        let text = browser.page(answer.header("location")).await;
        for part in ["organization = \"acme\"", "terraform init", "href=\"/app/settings/tokens\""] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let empty = browser.page("/app/acme/workspaces").await;
        assert!(empty.contains("organization = \"acme\"") && empty.contains("href=\"/app/start\""), "{empty}");
        server.workspace("net").await;
        assert!(!browser.page("/app/acme/workspaces").await.contains("terraform init"));
    }
}
