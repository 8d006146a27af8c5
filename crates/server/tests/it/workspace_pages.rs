//! Pages on which a workspace is changed: variables, states, run triggers, settings, lock and end.

use axum::http::Method;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use crate::harness::{ORGANIZATION, Server, on_both};

/// What must never come back as markup.
const CANARY: &str = "<script>alert(1)</script>\"'&";
const PAGE: &str = "/app/acme/workspaces/net";

/// A token of a team that has this role on the workspace.
async fn token_of(server: &Server, workspace: &str, role: &str) -> String {
    let team = server.team(role).await;
    server.team_on_workspace(&team, workspace, role).await;
    server.team_token(&team).await
}

/// The id of the first variable of the workspace with this name.
async fn variable(server: &Server, workspace: &str, key: &str) -> String {
    let listed = server.get(&format!("/workspaces/{workspace}/vars")).await.is(200).json();
    let all = listed["data"].as_array().unwrap();
    let found = all.iter().find(|it| it["attributes"]["key"] == key).unwrap_or_else(|| panic!("no {key}: {listed}"));
    found["id"].as_str().unwrap().to_owned()
}

async fn lock(server: &Server, workspace: &str) {
    server.post(&format!("/workspaces/{workspace}/actions/lock"), json!({})).await.is(200);
}

/// Stores a state of a workspace that is locked, and returns the id of the version.
async fn push(server: &Server, workspace: &str, serial: u64, resources: &Value, outputs: &Value) -> String {
    let state = json!({ "version": 4, "terraform_version": "1.11.4", "serial": serial, "lineage": "l",
                        "outputs": outputs, "resources": resources });
    let state = state.to_string();
    let body = json!({ "data": { "type": "state-versions", "attributes": {
        "serial": serial, "lineage": "l", "md5": hex::encode(Md5::digest(&state)), "state": BASE64_STANDARD.encode(&state),
    }}});
    server.post(&format!("/workspaces/{workspace}/state-versions"), body).await.is(201).id()
}

fn resource(provider: &str, name: &str, attributes: &Value, marks: &Value) -> Value {
    json!({ "mode": "managed", "type": "terraform_data", "name": name, "provider": format!("provider[\"{provider}\"]"),
            "instances": [{ "attributes": attributes, "sensitive_attributes": marks }] })
}

on_both! {
    async fn a_variable_is_added_changed_and_deleted_on_its_pages(server) {
        let workspace = server.workspace("net").await;
        let mut browser = server.signed_in(&server.token).await;
        let add = format!("{PAGE}/variables/add");
        assert!(browser.page(&add).await.contains("A new variable"));
        let fields = [("key", "region"), ("value", "one\r\ntwo"), ("description", CANARY), ("category", "terraform"), ("hcl", "yes")];
        let answer = browser.send_form(&add, &fields).await.is(303);
        assert_eq!(answer.header("location"), format!("{PAGE}/variables"));
        let text = browser.page(&format!("{PAGE}/variables")).await;
        assert!(text.contains("region") && text.contains("terraform, HCL") && !text.contains("<script>alert"), "{text}");
        let id = variable(&server, &workspace, "region").await;
        let read = server.get(&format!("/workspaces/{workspace}/vars/{id}")).await.is(200);
        assert_eq!(read.at("/data/attributes/value"), "one\ntwo", "lines are broken as in a file");

        let one = format!("{PAGE}/variables/{id}");
        assert!(browser.page(&one).await.contains("one\ntwo"));
        let fields = [("key", "place"), ("value", "three"), ("category", "env")];
        browser.send_form(&format!("{one}/change"), &fields).await.is(303);
        let read = server.get(&format!("/workspaces/{workspace}/vars/{id}")).await.is(200);
        for (name, value) in [("key", json!("place")), ("value", json!("three")), ("category", json!("env")), ("hcl", json!(false))] {
            assert_eq!(read.at(&format!("/data/attributes/{name}")), value);
        }
        // Loading the address of a form again leads to its page.
        assert_eq!(browser.get(&format!("{one}/change")).await.is(303).header("location"), one);

        assert!(browser.page(&format!("{one}/delete")).await.contains("Delete the variable place?"));
        browser.send_form(&format!("{one}/delete"), &[]).await.is(303);
        server.get(&format!("/workspaces/{workspace}/vars/{id}")).await.is(404);
        browser.get(&one).await.is(404);
    }

    async fn a_sensitive_value_is_in_no_page_and_can_only_be_replaced(server) {
        let workspace = server.workspace("net").await;
        let mut browser = server.signed_in(&server.token).await;
        let add = format!("{PAGE}/variables/add");
        let fields = [("key", "word"), ("value", "s3cret-1"), ("category", "env"), ("sensitive", "yes")];
        browser.send_form(&add, &fields).await.is(303);
        let id = variable(&server, &workspace, "word").await;
        let one = format!("{PAGE}/variables/{id}");
        for path in [PAGE.to_owned(), format!("{PAGE}/variables"), one.clone(), format!("{one}/delete")] {
            assert!(!browser.page(&path).await.contains("s3cret"), "{path}");
        }
        let same = [("key", "word"), ("value", ""), ("category", "env"), ("sensitive", "yes"), ("description", "new")];
        let before = server.get(&format!("/workspaces/{workspace}/vars/{id}")).await.at("/data/attributes/version-id");
        browser.send_form(&format!("{one}/change"), &same).await.is(303);
        let read = server.get(&format!("/workspaces/{workspace}/vars/{id}")).await;
        assert_eq!(read.at("/data/attributes/description"), "new");
        assert_ne!(read.at("/data/attributes/version-id"), before);
        // What is wrong comes back with everything but the secret.
        let wrong = [("key", "w=1"), ("value", "s3cret-2"), ("category", "env"), ("sensitive", "yes"), ("description", "kept")];
        for path in [add, format!("{one}/change")] {
            let refused = browser.send_form(&path, &wrong).await.is(422).text();
            assert!(refused.contains("Key must be 1 to 255 characters") && refused.contains("Type the sensitive value again"));
            assert!(refused.contains("value=\"w=1\"") && refused.contains("kept") && !refused.contains("s3cret"), "{refused}");
        }
        let open = [("key", "word"), ("value", ""), ("category", "env")];
        let refused = browser.send_form(&format!("{one}/change"), &open).await.is(422).text();
        assert!(refused.contains("A sensitive variable stays sensitive."), "{refused}");
    }

    async fn what_is_wrong_in_a_form_comes_back_with_what_was_typed(server) {
        server.workspace("net").await;
        let mut browser = server.signed_in(&server.token).await;
        let add = format!("{PAGE}/variables/add");
        let fields = [("key", "a"), ("value", "kept <b>"), ("category", "terraform"), ("description", "why")];
        browser.send_form(&add, &fields).await.is(303);
        let again = browser.send_form(&add, &fields).await.is(422).text();
        for part in ["Key has already been taken.", "role=\"alert\"", "kept &#60;b&#62;", "why", "value=\"a\""] {
            assert!(again.contains(part), "{part}: {again}");
        }
        let fields = [("name", "net"), ("execution", "agent"), ("terraform", "1.11.4"), ("description", "kept"), ("tags", "web")];
        let again = browser.send_form(&format!("{PAGE}/settings/save"), &fields).await.is(422).text();
        assert!(again.contains("there are no agents") && again.contains("kept") && again.contains("web"), "{again}");
    }

    async fn variables_of_sets_are_shown_with_the_name_of_their_set(server) {
        server.workspace("net").await;
        let set = json!({ "data": {
            "attributes": { "name": "shared", "global": true, "priority": true },
            "relationships": { "vars": { "data": [
                { "attributes": { "key": "a", "value": "of the set", "category": "terraform" } },
                { "attributes": { "key": "b", "value": "s3cret", "category": "env", "sensitive": true } },
            ] } },
        } });
        server.post(&format!("/organizations/{ORGANIZATION}/varsets"), set).await.is(201);
        let mut browser = server.signed_in(&server.token).await;
        browser.send_form(&format!("{PAGE}/variables/add"), &[("key", "a"), ("value", "own"), ("category", "terraform")]).await.is(303);
        let text = browser.page(&format!("{PAGE}/variables")).await;
        for part in ["From the variable set shared", "of the set", "own", "(sensitive value)", "Another one of this name wins"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("s3cret"));
    }

    async fn settings_are_changed_and_what_was_left_alone_stays(server) {
        let workspace = server.workspace("net").await;
        let mut browser = server.signed_in(&server.token).await;
        let text = browser.page(&format!("{PAGE}/settings")).await;
        assert!(text.contains("value=\"1.11.4\"") && text.contains("It is not locked"), "{text}");
        let fields = [
            ("name", "net"), ("description", CANARY), ("execution", "local"), ("terraform", "latest"), ("folder", "/roots/a/"),
            ("auto_apply", "yes"), ("may_destroy", "yes"), ("cutoff", "yes"), ("tags", "web\r\nteam = net\r\n"),
            ("destroys", "idle"), ("destroys_after", "14d"),
        ];
        browser.send_form(&format!("{PAGE}/settings/save"), &fields).await.is(303);
        let read = server.get(&format!("/workspaces/{workspace}")).await.is(200);
        for (name, value) in [
            ("description", json!(CANARY)), ("execution-mode", json!("local")), ("terraform-version", json!("latest")),
            ("working-directory", json!("roots/a")), ("auto-apply", json!(true)), ("auto-apply-run-trigger", json!(false)),
            ("auto-destroy-activity-duration", json!("14d")), ("run-trigger-cutoff", json!(true)),
            ("allow-destroy-plan", json!(true)),
        ] {
            assert_eq!(read.at(&format!("/data/attributes/{name}")), value, "{name}");
        }
        let tags = server.get(&format!("/workspaces/{workspace}/tag-bindings")).await.is(200);
        assert!(tags.text().contains("team") && tags.text().contains("web"));
        let text = browser.page(&format!("{PAGE}/settings")).await;
        assert!(text.contains("team = net") && text.contains("value=\"14d\"") && !text.contains("<script>alert"), "{text}");
        assert!(!browser.page(PAGE).await.contains("<script>alert"));

        // A moment takes the place of the duration; a name leads to another address.
        let fields = [("name", "core"), ("execution", "remote"), ("terraform", "latest"), ("destroys", "at"),
                      ("destroys_at", "2099-01-31T18:00")];
        let answer = browser.send_form(&format!("{PAGE}/settings/save"), &fields).await.is(303);
        assert_eq!(answer.header("location"), "/app/acme/workspaces/core/settings");
        let read = server.get(&format!("/workspaces/{workspace}")).await.is(200);
        assert_eq!(read.at("/data/attributes/auto-destroy-at"), "2099-01-31T18:00:00.000Z");
        assert_eq!(read.at("/data/attributes/auto-apply"), false);
        let text = browser.page("/app/acme/workspaces/core/settings").await;
        assert!(text.contains("value=\"2099-01-31T18:00\""), "{text}");
    }

    async fn a_workspace_is_locked_unlocked_and_its_lock_broken(server) {
        let workspace = server.workspace("net").await;
        let mut browser = server.signed_in(&server.token).await;
        let locked = async || server.get(&format!("/workspaces/{workspace}")).await.at("/data/attributes/locked");
        browser.send_form(&format!("{PAGE}/settings/lock"), &[("reason", CANARY)]).await.is(303);
        assert_eq!(locked().await, true);
        let text = browser.page(&format!("{PAGE}/settings")).await;
        assert!(text.contains("Locked by owner: ") && text.contains("Unlock it") && !text.contains("<script>alert"), "{text}");
        browser.send_form(&format!("{PAGE}/settings/lock"), &[]).await.is(409);
        browser.send_form(&format!("{PAGE}/settings/unlock"), &[]).await.is(303);
        assert_eq!(locked().await, false);
        browser.send_form(&format!("{PAGE}/settings/force-unlock"), &[]).await.is(422);

        lock(&server, &workspace).await;
        let token = token_of(&server, &workspace, "admin").await;
        let mut admin = server.signed_in(&token).await;
        let text = admin.page(&format!("{PAGE}/settings")).await;
        assert!(text.contains("Break the lock") && !text.contains("Unlock it"), "{text}");
        assert!(admin.page(&format!("{PAGE}/settings/force-unlock")).await.contains("Break the lock of net?"));
        admin.send_form(&format!("{PAGE}/settings/force-unlock"), &[]).await.is(303);
        assert_eq!(locked().await, false);
    }

    async fn a_workspace_is_deleted_by_typing_its_name(server) {
        let workspace = server.workspace("net").await;
        lock(&server, &workspace).await;
        push(&server, &workspace, 1, &json!([resource("p", "a", &json!({}), &json!([]))]), &json!({})).await;
        server.post(&format!("/workspaces/{workspace}/actions/unlock"), json!({})).await.is(200);
        let mut browser = server.signed_in(&server.token).await;
        let delete = format!("{PAGE}/settings/delete");
        assert!(browser.page(&delete).await.contains("It manages 1 object."));
        let refused = browser.send_form(&delete, &[("name", "other")]).await.is(422).text();
        assert!(refused.contains("The name that was typed is another one") && refused.contains("value=\"other\""), "{refused}");
        let refused = browser.send_form(&delete, &[("name", "net")]).await.is(422).text();
        assert!(refused.contains("resources under management: 1"), "{refused}");
        let answer = browser.send_form(&delete, &[("name", "net"), ("also", "yes")]).await.is(303);
        assert_eq!(answer.header("location"), "/app/acme/workspaces");
        server.get(&format!("/workspaces/{workspace}")).await.is(404);
    }

    async fn a_run_trigger_is_added_and_removed(server) {
        let workspace = server.workspace("net").await;
        server.workspace("dns").await;
        let mut browser = server.signed_in(&server.token).await;
        let list = format!("{PAGE}/triggers");
        assert!(browser.page(&list).await.contains("<option value=\"dns\">"));
        browser.send_form(&format!("{list}/add"), &[("upstream", "dns")]).await.is(303);
        let inbound = format!("/workspaces/{workspace}/run-triggers?filter[run-trigger][type]=inbound");
        let trigger = server.get(&inbound).await.is(200).ids()[0].clone();
        let text = browser.page(&list).await;
        assert!(text.contains(&format!("{list}/{trigger}/remove")) && !text.contains("<option value=\"dns\">"), "{text}");
        assert!(browser.page("/app/acme/workspaces/dns/triggers").await.contains("href=\"/app/acme/workspaces/net\">net</a></li>"));
        for (upstream, says) in [("nothing", "There is no workspace of that name"), ("net", "net")] {
            let refused = browser.send_form(&format!("{list}/add"), &[("upstream", upstream)]).await.is(422).text();
            assert!(refused.contains(says) && refused.contains(&format!("value=\"{upstream}\"")), "{refused}");
        }
        assert!(browser.page(&format!("{list}/{trigger}/remove")).await.contains("from dns to net?"));
        browser.get(&format!("/app/acme/workspaces/dns/triggers/{trigger}/remove")).await.is(404);
        browser.send_form(&format!("{list}/{trigger}/remove"), &[]).await.is(303);
        assert!(server.get(&inbound).await.ids().is_empty());
    }

    async fn a_state_is_looked_at_downloaded_and_compared_without_its_secrets(server) {
        let workspace = server.workspace("net").await;
        lock(&server, &workspace).await;
        let built_in = "terraform.io/builtin/terraform";
        let mark = json!([[{ "type": "get_attr", "value": "input" }]]);
        let outputs = |ip: &str, key: &str| json!({
            "ip": { "value": ip, "type": "string" }, "key": { "value": key, "type": "string", "sensitive": true },
        });
        let first = json!([
            resource(built_in, "a", &json!({ "id": "1", "input": "s3cret-1", "output": "s3cret-1", "note": CANARY }), &mark),
            resource("example.com/x/y", "b", &json!({ "password": "s3cret-1" }), &json!([])),
            resource(built_in, "gone", &json!({ "id": "2" }), &json!([])),
        ]);
        let second = json!([
            resource(built_in, "a", &json!({ "id": "1", "input": "s3cret-2", "output": "s3cret-2", "note": "plain" }), &mark),
            resource("example.com/x/y", "b", &json!({ "password": "s3cret-2" }), &json!([])),
            resource(built_in, "made", &json!({ "id": "3" }), &json!([])),
        ]);
        let old = push(&server, &workspace, 1, &first, &outputs("10.0.0.1", "s3cret-1")).await;
        let new = push(&server, &workspace, 2, &second, &outputs("10.0.0.2", "s3cret-2")).await;
        let mut browser = server.signed_in(&server.token).await;
        let text = browser.page(&format!("{PAGE}/states")).await;
        assert!(text.contains(">2</a> (current)") && text.contains(&old), "{text}");

        let text = browser.page(&format!("{PAGE}/states/{new}")).await;
        for part in ["terraform_data.made", "10.0.0.2", "(sensitive value)", "<dt>Lineage</dt><dd>l</dd>"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("s3cret") && !text.contains("Roll back to it"), "{text}");
        let file = browser.get(&format!("{PAGE}/states/{new}/download")).await.is(200);
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"net-2.tfstate\"");
        assert_eq!(file.header("cache-control"), "no-store");
        assert!(file.text().contains("s3cret-2"));

        let text = browser.page(&format!("{PAGE}/states/{new}/diff")).await;
        for part in ["1 added", "2 changed", "1 removed", "terraform_data.gone", "input = (sensitive value)", "names alone", "password",
                     "&#34;10.0.0.1&#34; -&#62; &#34;10.0.0.2&#34;", "key"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("s3cret") && !text.contains("<script>alert"), "{text}");
        let back = browser.page(&format!("{PAGE}/states/{old}/diff?with={new}")).await;
        assert!(back.contains("terraform_data.made") && !back.contains("s3cret"), "{back}");
        assert!(browser.page(&format!("{PAGE}/states/{old}/diff")).await.contains("none: it is the first one"));
        browser.get(&format!("{PAGE}/states/{old}/diff?with=sv-nothing")).await.is(404);

        server.workspace("dns").await;
        browser.get(&format!("/app/acme/workspaces/dns/states/{new}")).await.is(404);
    }

    async fn a_roll_back_makes_a_new_version_for_whoever_holds_the_lock(server) {
        let workspace = server.workspace("net").await;
        lock(&server, &workspace).await;
        let old = push(&server, &workspace, 1, &json!([]), &json!({ "ip": { "value": "old", "type": "string" } })).await;
        push(&server, &workspace, 2, &json!([]), &json!({ "ip": { "value": "new", "type": "string" } })).await;
        server.post(&format!("/workspaces/{workspace}/actions/unlock"), json!({})).await.is(200);
        let mut browser = server.signed_in(&server.token).await;
        let page = format!("{PAGE}/states/{old}/roll-back");
        assert!(browser.page(&page).await.contains("You have to hold the lock"));
        let refused = browser.send_form(&page, &[]).await.is(422).text();
        assert!(refused.contains("will only accept state uploads when locked"), "{refused}");
        browser.send_form(&format!("{PAGE}/settings/lock"), &[]).await.is(303);
        assert!(!browser.page(&page).await.contains("You have to hold the lock"));
        browser.send_form(&page, &[]).await.is(303);
        let current = server.get(&format!("/workspaces/{workspace}/current-state-version")).await.is(200);
        assert_eq!(current.at("/data/attributes/serial"), 3);
        let bytes = server.request(Method::GET, current.text_at("/data/attributes/hosted-state-download-url"));
        let bytes = bytes.anonymous().send().await.is(200);
        assert_eq!((bytes.at("/serial"), bytes.at("/lineage"), bytes.at("/outputs/ip/value")), (json!(3), json!("l"), json!("old")));

        // The API does the same.
        let older = json!({ "rollback-state-version": { "data": { "type": "state-versions", "id": current.id() } } });
        let body = json!({ "data": { "type": "state-versions", "relationships": older } });
        let path = format!("/workspaces/{workspace}/state-versions");
        assert_eq!(server.patch(&path, body.clone()).await.is(201).at("/data/attributes/serial"), 4);
        let other = server.workspace("dns").await;
        server.patch(&format!("/workspaces/{other}/state-versions"), body).await.refuses(404, "state/not-found");
    }

    async fn whoever_may_only_look_has_no_forms_and_whoever_may_not_finds_nothing(server) {
        let workspace = server.workspace("net").await;
        lock(&server, &workspace).await;
        let state = push(&server, &workspace, 1, &json!([]), &json!({})).await;
        server.post(&format!("/workspaces/{workspace}/actions/unlock"), json!({})).await.is(200);
        server.workspace("dns").await;
        let mut owner = server.signed_in(&server.token).await;
        owner.send_form(&format!("{PAGE}/variables/add"), &[("key", "a"), ("value", "1"), ("category", "terraform")]).await.is(303);
        owner.send_form(&format!("{PAGE}/triggers/add"), &[("upstream", "dns")]).await.is(303);
        let id = variable(&server, &workspace, "a").await;

        let reader = token_of(&server, &workspace, "read").await;
        let mut reader = server.signed_in(&reader).await;
        for path in [PAGE.to_owned(), format!("{PAGE}/variables"), format!("{PAGE}/states"), format!("{PAGE}/states/{state}"), format!("{PAGE}/triggers")] {
            let text = reader.page(&path).await;
            for control in ["/variables/add", "/variables/var-", "/roll-back", "/triggers/add", "/settings\""] {
                assert!(!text.contains(&format!("{PAGE}{control}")), "{path} {control}: {text}");
            }
        }
        for path in ["settings", "settings/delete", "variables/add", &format!("variables/{id}"), &format!("states/{state}/roll-back")] {
            reader.get(&format!("{PAGE}/{path}")).await.is(404);
        }
        for path in ["settings/save", "settings/lock", "settings/unlock", "settings/force-unlock", "settings/delete", "variables/add",
                     &format!("variables/{id}/change"), &format!("variables/{id}/delete"), &format!("states/{state}/roll-back"),
                     "triggers/add"] {
            let fields = [("name", "net"), ("key", "b"), ("category", "env"), ("upstream", "dns")];
            reader.send_form(&format!("{PAGE}/{path}"), &fields).await.is(404);
        }
        let stranger = server.team_token(&server.team("strangers").await).await;
        let mut stranger = server.signed_in(&stranger).await;
        for path in ["", "/variables", "/states", &format!("/states/{state}/download"), &format!("/states/{state}/diff"), "/triggers", "/settings"] {
            stranger.get(&format!("{PAGE}{path}")).await.is(404);
            assert!(server.browser().get(&format!("{PAGE}{path}")).await.is(303).header("location").starts_with("/sign-in?"));
        }
    }

    async fn the_first_page_says_whether_what_is_there_agrees_with_the_code(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        let run = server.run(&workspace, json!({ "auto-apply": true })).await;
        server.until(&run, "applied").await;
        let mut browser = server.signed_in(&server.token).await;
        let text = browser.page(PAGE).await;
        assert!(text.contains("Nothing was left to change after the run") && text.contains("Applied"), "{text}");
        let run = server.run(&workspace, json!({})).await;
        server.until(&run, "planned").await;
        browser.send_form(&format!("/app/acme/net/runs/{run}/discard"), &[]).await.is(303);
        server.until(&run, "discarded").await;
        let text = browser.page(PAGE).await;
        assert!(text.contains("The newest plan has changes that were not applied"), "{text}");
    }
}
