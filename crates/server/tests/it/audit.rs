//! The audit log: every change has its row, every refusal too, and a row that is not as it was written is found.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Database, ORGANIZATION, Server, on_both};

/// The whole log of an organization, or of the server, as lines.
async fn lines(server: &Server, path: &str) -> Vec<Value> {
    let export = server.get(&format!("{path}/export")).await.is(200);
    assert_eq!(export.header("content-type"), "application/x-ndjson");
    export.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn trail() -> String {
    format!("/organizations/{ORGANIZATION}/audit-trail")
}

/// The rows of the request that had this answer.
async fn of(server: &Server, answer: &Answer) -> Vec<Value> {
    let request = answer.header("x-request-id");
    let mut all = lines(server, &trail()).await;
    all.extend(lines(server, "/audit-trail").await);
    all.retain(|row| row["request"]["id"] == request);
    all
}

async fn is_whole(server: &Server) -> Answer {
    let check = server.get(&format!("{}/check", trail())).await.is(200);
    assert_eq!(check.at("/whole"), true, "{}", check.text());
    let all = server.get("/audit-trail/check").await.is(200);
    assert_eq!(all.at("/whole"), true, "{}", all.text());
    check
}

on_both! {
    async fn a_change_has_one_row_that_says_who_did_what_to_what(server) {
        let workspace = server.workspace("net").await;
        let body = json!({ "data": { "attributes": { "description": "changed" } } });
        let changed = server.patch(&format!("/workspaces/{workspace}"), body).await.is(200);
        let rows = of(&server, &changed).await;
        let [row] = rows.as_slice() else { panic!("{rows:#?}") };
        assert_eq!(row["resource"]["id"], workspace.as_str());
        assert_eq!(row["resource"]["type"], "workspace");
        assert_eq!(row["resource"]["action"], "update");
        assert_eq!(row["resource"]["meta"]["name"], "net");
        assert_eq!(row["auth"]["description"], "owner");
        assert_eq!(row["auth"]["accessor_type"], "user");
        assert!(row["auth"]["token_id"].as_str().unwrap().starts_with("at-"), "{row:#}");
        assert!(row["auth"]["organization_id"].as_str().unwrap().starts_with("org-"), "{row:#}");
        assert_eq!(row["result"], "done");
        assert_eq!(row["resource"]["meta"]["request-digest"].as_str().unwrap().len(), 64);
        assert!(of(&server, &server.get(&format!("/workspaces/{workspace}")).await.is(200)).await.is_empty());
        is_whole(&server).await;
    }

    async fn no_row_contains_what_was_sent(server) {
        let workspace = server.workspace("net").await;
        let attributes = json!({ "key": "password", "value": "hunter2hunter2", "category": "env", "sensitive": true });
        let made = server.post(&format!("/workspaces/{workspace}/vars"), json!({ "data": { "attributes": attributes } })).await.is(201);
        let rows = of(&server, &made).await;
        assert_eq!(rows[0]["resource"]["meta"]["name"], "password");
        let all = [lines(&server, &trail()).await, lines(&server, "/audit-trail").await].concat();
        assert!(!Value::from(all).to_string().contains("hunter2"));
        assert!(!lines(&server, "/audit-trail").await.is_empty());
    }

    async fn what_is_refused_is_in_the_log_with_who_tried(server) {
        let workspace = server.workspace("net").await;
        let team = server.team("readers").await;
        server.team_on_workspace(&team, &workspace, "read").await;
        let token = server.team_token(&team).await;
        let path = format!("/workspaces/{workspace}");
        let body = json!({ "data": { "attributes": { "description": "mine" } } });
        let refused = server.request(Method::PATCH, &path).token(&token).json(&body).send().await.is(404);
        let rows = of(&server, &refused).await;
        let [row] = rows.as_slice() else { panic!("{rows:#?}") };
        assert_eq!((&row["result"], &row["auth"]["accessor_id"]), (&json!("denied"), &json!(team)));
        assert_eq!((&row["resource"]["id"], &row["auth"]["description"]), (&json!(workspace), &json!("readers")));

        let mut browser = server.browser();
        let refused = browser.sign_in("not-a-token", "/app").await.is(422);
        let rows = of(&server, &refused).await;
        let [row] = rows.as_slice() else { panic!("{rows:#?}") };
        assert_eq!((&row["result"], &row["resource"]["action"]), (&json!("denied"), &json!("sign-in")));
        let signed_in = server.browser().sign_in(&token, "/app").await.is(303);
        assert_eq!(of(&server, &signed_in).await[0]["auth"]["accessor_id"], team);
        is_whole(&server).await;
    }

    async fn a_flood_of_refusals_is_counted_and_not_written_one_by_one(server) {
        for _ in 0..200 {
            server.request(Method::POST, "/runs").token("not-a-token").json(&json!({})).send().await.is(401);
        }
        let refused = lines(&server, "/audit-trail").await.into_iter().filter(|row| row["result"] == "denied").count();
        assert!((1..200).contains(&refused), "{refused}");
    }

    async fn what_the_server_does_by_itself_is_the_server_s(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        server.give("net.plan.fail", "");
        let run = server.run(&workspace, json!({})).await;
        server.until(&run, "errored").await;
        let rows = lines(&server, &trail()).await;
        let of_run: Vec<_> = rows.iter().filter(|row| row["resource"]["id"] == run.as_str()).collect();
        let ended = of_run.iter().find(|row| row["resource"]["action"] == "errored").expect("its end");
        assert_eq!((&ended["auth"]["accessor_type"], &ended["auth"]["type"]), (&json!("server"), &json!("System")));
        assert_eq!(ended["request"]["id"], Value::Null);
        assert_eq!(of_run[0]["resource"]["action"], "create");
        is_whole(&server).await;
    }

    async fn a_chain_stays_whole_when_many_change_things_at_once(server) {
        let workspace = server.workspace("net").await;
        let path = format!("/workspaces/{workspace}/vars");
        let bodies: Vec<_> = (0..40).map(|number| json!({ "data": { "attributes": { "key": format!("v{number}"), "category": "env" } } })).collect();
        let made = futures::future::join_all(bodies.into_iter().map(|body| server.post(&path, body))).await;
        for answer in made {
            answer.is(201);
        }
        let check = is_whole(&server).await;
        let rows = lines(&server, &trail()).await;
        assert_eq!(rows.iter().filter(|row| row["resource"]["type"] == "var").count(), 40);
        assert_eq!(check.at("/events"), rows.len());
        let places: Vec<_> = rows.iter().map(|row| row["number"].as_i64().unwrap()).collect();
        assert_eq!(places, (1..=i64::try_from(rows.len()).unwrap()).collect::<Vec<_>>());
        assert!(rows.windows(2).all(|two| two[0]["digest"] == two[1]["previous"]));
    }

    async fn the_trail_is_read_as_on_hcp_terraform_by_the_organization_s_token_and_its_owners(server) {
        server.workspace("net").await;
        let made = server.post(&format!("/organizations/{ORGANIZATION}/authentication-token"), json!({ "data": {} })).await.is(201);
        let token = made.text_at("/data/attributes/token");
        let ask = |path: &str| server.request(Method::GET, path).token(token).send();
        let whole = ask("/organization/audit-trail").await.is(200);
        assert_eq!(whole.header("content-type"), "application/json");
        let total = whole.json()["data"].as_array().unwrap().len();
        assert_eq!(whole.at("/pagination/total_count"), total);
        let page = ask("/organization/audit-trail?page[number]=2&page[size]=1").await.is(200);
        assert_eq!(page.at("/data/0/number"), 2);
        assert_eq!((page.at("/pagination/prev_page"), page.at("/pagination/next_page")), (json!(1), json!(3)));
        let since = page.text_at("/data/0/timestamp");
        let later = ask(&format!("/organization/audit-trail?since={since}")).await.is(200);
        assert!(later.json()["data"].as_array().unwrap().len() < total);
        ask("/organization/audit-trail?since=yesterday").await.refuses(422, "audit/since");
        let found = ask(&format!("{}?search=WORKSPACES.create", trail())).await.is(200);
        assert_eq!(found.at("/data/0/resource/meta/name"), "net");
        assert_eq!(ask(&format!("{}?search=%25", trail())).await.is(200).at("/pagination/total_count"), 0);
        ask("/audit-trail").await.refuses(404, "access/not-found");
        server.get("/organization/audit-trail").await.refuses(404, "audit/own");
        let team = server.team("readers").await;
        let token = server.team_token(&team).await;
        for path in ["/organization/audit-trail", &trail(), &format!("{}/export", trail()), &format!("{}/check", trail())] {
            server.request(Method::GET, path).token(&token).send().await.is(404);
        }
    }

    async fn the_log_outlives_its_organization(server) {
        let id = lines(&server, &trail()).await[0]["auth"]["organization_id"].as_str().unwrap().to_owned();
        server.delete(&format!("/organizations/{ORGANIZATION}")).await.is(204);
        let rows = server.get(&format!("/audit-trail?organization={id}")).await.is(200);
        let last = rows.json()["data"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&last["resource"]["type"], &last["resource"]["action"]), (&json!("organization"), &json!("delete")));
        assert_eq!(server.get("/audit-trail/check").await.is(200).at("/whole"), true);
    }

    async fn people_who_own_the_organization_read_it_on_a_page(server) {
        server.workspace("net").await;
        let mut browser = server.signed_in(&server.token).await;
        let page = browser.page("/app/acme/settings/audit").await;
        assert!(page.contains("workspaces.create") && page.contains("net"), "{page}");
        let page = browser.page("/app/acme/settings/audit?search=nothing%20of%20the%20kind").await;
        assert!(page.contains("There are none."), "{page}");
        let team = server.team("readers").await;
        let token = server.team_token(&team).await;
        let mut browser = server.signed_in(&token).await;
        browser.get("/app/acme/settings/audit").await.is(404);
    }
}

/// What the check says after somebody has changed the database.
async fn broken(sql: &str) -> Answer {
    let server = Server::open(Database::Sqlite).await;
    for name in ["one", "two", "three"] {
        server.workspace(name).await;
    }
    is_whole(&server).await;
    server.behind_its_back(sql).await;
    let check = server.get("/audit-trail/check").await.is(200);
    assert_eq!(check.at("/whole"), false, "{sql}: {}", check.text());
    check
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_was_changed_removed_or_inserted_is_found_and_named() {
    let of_organization = "chain LIKE 'org-%'";
    let copy = "INSERT INTO audit_rows SELECT chain, number + 3, at, actor_kind, actor_id, actor_name, token_id, request_id, \
                action, object_kind, object_id, object_name, result, details, previous, digest FROM audit_rows WHERE number = 2";
    for (sql, number) in [
        (format!("UPDATE audit_rows SET actor_name = 'nobody' WHERE number = 2 AND {of_organization}"), 2),
        (format!("UPDATE audit_rows SET result = 'denied' WHERE number = 3 AND {of_organization}"), 3),
        (format!("UPDATE audit_rows SET digest = previous WHERE number = 2 AND {of_organization}"), 2),
        (format!("DELETE FROM audit_rows WHERE number = 2 AND {of_organization}"), 2),
        (format!("DELETE FROM audit_rows WHERE number = 4 AND {of_organization}"), 4),
        (format!("DELETE FROM audit_rows WHERE {of_organization}"), 1),
        ("DELETE FROM audit_chains WHERE id LIKE 'org-%'".to_owned(), 5),
        ("UPDATE audit_chains SET length = 3 WHERE id LIKE 'org-%'".to_owned(), 5),
        ("UPDATE audit_rows SET number = number + 1 WHERE number = 4 AND chain LIKE 'org-%'".to_owned(), 4),
    ] {
        assert_eq!(broken(&sql).await.at("/broken/number"), number, "{sql}");
    }
    let inserted = broken(&format!("{copy} AND {of_organization}")).await;
    assert_eq!(inserted.at("/broken/number"), 5);
    // A log that is gone as a whole is missed by the server's own.
    let gone =
        broken("DELETE FROM audit_rows WHERE chain LIKE 'org-%'; DELETE FROM audit_chains WHERE id LIKE 'org-%'").await;
    assert!(gone.text_at("/broken/chain").starts_with("org-"), "{}", gone.text());
    assert_eq!(broken("DELETE FROM audit_rows WHERE chain = 'server'").await.at("/broken/chain"), "server");
}
