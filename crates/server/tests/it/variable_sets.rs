//! Variable sets: what they reach, who wins, and what a run gets of it.

use serde_json::{Value, json};

use crate::harness::{ORGANIZATION, Server, on_both};

/// Makes a set and returns its id.
async fn set(server: &Server, attributes: Value, relationships: Value) -> String {
    let body = json!({ "data": { "type": "varsets", "attributes": attributes, "relationships": relationships } });
    server.post(&format!("/organizations/{ORGANIZATION}/varsets"), body).await.is(201).id()
}

/// Puts an environment variable into a set or, with `vars` as path, into a workspace.
async fn put(server: &Server, path: &str, key: &str, value: &str) -> String {
    let attributes = json!({ "key": key, "value": value, "category": "env" });
    server.post(path, json!({ "data": { "type": "vars", "attributes": attributes } })).await.is(201).id()
}

fn of_set(set: &str) -> String {
    format!("/varsets/{set}/relationships/vars")
}

async fn project(server: &Server, name: &str) -> String {
    let body = json!({ "data": { "type": "projects", "attributes": { "name": name } } });
    server.post(&format!("/organizations/{ORGANIZATION}/projects"), body).await.is(201).id()
}

async fn workspace_in(server: &Server, name: &str, project: &str) -> String {
    let body = json!({ "data": {
        "type": "workspaces",
        "attributes": { "name": name },
        "relationships": { "project": { "data": { "type": "projects", "id": project } } },
    }});
    server.post(&format!("/organizations/{ORGANIZATION}/workspaces"), body).await.is(201).id()
}

fn marks(server: &Server, workspace: &str, phase: &str) -> String {
    std::fs::read_to_string(server.control(&format!("{workspace}.{phase}.marks"))).unwrap().replace('\n', " ")
}

fn targets(kind: &str, ids: &[&String]) -> Value {
    json!({ "data": ids.iter().map(|id| json!({ "type": kind, "id": id })).collect::<Vec<_>>() })
}

on_both! {
    async fn a_set_is_made_read_changed_and_deleted_with_its_variables(server) {
        let set = set(&server, json!({ "name": "shared", "description": "for all" }), json!({})).await;
        let path = format!("/varsets/{set}");
        let read = server.get(&path).await.is(200);
        assert_eq!(read.at("/data/attributes/description"), "for all");
        assert_eq!(read.at("/data/attributes/global"), false);
        assert_eq!(read.at("/data/relationships/parent/data"), json!({ "type": "organizations", "id": ORGANIZATION }));

        let variable = put(&server, &of_set(&set), "MARK", "1").await;
        let one = format!("{}/{variable}", of_set(&set));
        let shown = server.get(&one).await.is(200);
        assert_eq!(shown.at("/data/relationships/varset/data/id"), set.as_str());
        assert_eq!(shown.at("/data/relationships/configurable/data"), Value::Null);
        let twice = json!({ "data": { "attributes": { "key": "MARK", "category": "env" } } });
        server.post(&of_set(&set), twice).await.refuses(422, "variable/taken");
        let secret = json!({ "data": { "attributes": { "value": "s3cret", "sensitive": true } } });
        assert_eq!(server.patch(&one, secret).await.is(200).at("/data/attributes/value"), Value::Null);
        assert_eq!(server.get(&of_set(&set)).await.is(200).ids(), [variable.as_str()]);
        let with = server.get(&format!("{path}?include=vars,stacks")).await.is(200);
        assert_eq!(with.at("/included/0/id"), variable.as_str());
        assert!(!with.text().contains("s3cret"), "{}", with.text());

        let changed = json!({ "data": { "attributes": { "name": "renamed", "description": null, "priority": true } } });
        let changed = server.patch(&path, changed).await.is(200);
        assert_eq!(changed.at("/data/attributes/name"), "renamed");
        assert_eq!(changed.at("/data/attributes/description"), "");
        assert_eq!(changed.at("/data/attributes/priority"), true);
        assert_eq!(changed.at("/data/attributes/var-count"), 1);

        server.delete(&path).await.is(204);
        server.get(&path).await.refuses(404, "variable-set/not-found");
        server.get(&one).await.refuses(404, "variable-set/not-found");
    }

    async fn a_name_is_there_once_and_is_not_empty(server) {
        set(&server, json!({ "name": "a b" }), json!({})).await;
        let path = format!("/organizations/{ORGANIZATION}/varsets");
        let named = |name: &str| json!({ "data": { "attributes": { "name": name } } });
        server.post(&path, named("a b")).await.refuses(422, "variable-set/name-taken");
        server.post(&path, named(" ")).await.refuses(422, "variable-set/name");
        server.post(&path, json!({ "data": { "attributes": {} } })).await.refuses(422, "variable-set/name");
    }

    async fn a_set_is_attached_detached_and_replaced(server) {
        let (a, b) = (server.workspace("a").await, server.workspace("b").await);
        let prj = project(&server, "team").await;
        let set = set(&server, json!({ "name": "s" }), json!({ "workspaces": targets("workspaces", &[&a]) })).await;
        let path = format!("/varsets/{set}");
        let attached = async || {
            let read = server.get(&path).await.is(200);
            (read.at("/data/relationships/workspaces/data"), read.at("/data/relationships/projects/data"))
        };
        assert_eq!(attached().await, (targets("workspaces", &[&a])["data"].clone(), json!([])));

        let (workspaces, projects) = (format!("{path}/relationships/workspaces"), format!("{path}/relationships/projects"));
        for _ in 0..2 {
            server.post(&workspaces, targets("workspaces", &[&b])).await.is(204);
            server.post(&projects, targets("projects", &[&prj])).await.is(204);
        }
        assert_eq!(attached().await.0.as_array().unwrap().len(), 2);
        assert_eq!(attached().await.1, targets("projects", &[&prj])["data"]);
        let request = server.request(axum::http::Method::DELETE, &workspaces).json(&targets("workspaces", &[&a]));
        request.send().await.is(204);
        let request = server.request(axum::http::Method::DELETE, &projects).json(&targets("projects", &[&prj]));
        request.send().await.is(204);
        assert_eq!(attached().await, (targets("workspaces", &[&b])["data"].clone(), json!([])));

        // What go-tfe and pytfe send to set all workspaces at once.
        let body = json!({ "data": {
            "type": "varsets",
            "attributes": { "global": false },
            "relationships": { "workspaces": targets("workspaces", &[&a]) },
        }});
        let replaced = server.patch(&format!("{path}?include=workspaces"), body).await.is(200);
        assert_eq!(replaced.at("/data/relationships/workspaces/data/0/id"), a.as_str());
        assert_eq!(replaced.at("/included/0/attributes/name"), "a");

        let stranger = targets("workspaces", &[&"ws-x".to_owned()]);
        server.post(&workspaces, stranger).await.refuses(404, "workspace/not-found");
        server.delete(&format!("/workspaces/{a}")).await.is(204);
        assert_eq!(attached().await.0, json!([]));
    }

    async fn lists_name_the_sets_that_reach_a_workspace_and_a_project(server) {
        let prj = project(&server, "team").await;
        let (inside, outside) = (workspace_in(&server, "in", &prj).await, server.workspace("out").await);
        let global = set(&server, json!({ "name": "c global", "global": true }), json!({})).await;
        let of_project = set(&server, json!({ "name": "b project" }), json!({ "projects": targets("projects", &[&prj]) })).await;
        let single = set(&server, json!({ "name": "a single" }), json!({ "workspaces": targets("workspaces", &[&inside]) })).await;
        let list = async |path: String| server.get(&path).await.is(200).ids();

        let all = format!("/organizations/{ORGANIZATION}/varsets");
        assert_eq!(list(all.clone()).await, [single.clone(), of_project.clone(), global.clone()]);
        assert_eq!(list(format!("{all}?q=PROJ")).await, [of_project.as_str()]);
        assert_eq!(list(format!("{all}?filter%5Bglobal%5D=true")).await, [global.as_str()]);
        assert_eq!(list(format!("/workspaces/{inside}/varsets")).await, [single, of_project.clone(), global.clone()]);
        assert_eq!(list(format!("/workspaces/{outside}/varsets")).await, [global.as_str()]);
        assert_eq!(list(format!("/projects/{prj}/varsets")).await, [of_project, global]);
        let page = server.get(&format!("{all}?page%5Bsize%5D=2&page%5Bnumber%5D=2")).await.is(200);
        assert_eq!(page.at("/meta/pagination/total-count"), 3);
        assert_eq!(page.ids().len(), 1);
    }

    async fn more_variables_than_a_page_come_in_pages(server) {
        let set = set(&server, json!({ "name": "many" }), json!({})).await;
        for number in 0..21 {
            put(&server, &of_set(&set), &format!("K{number:02}"), "").await;
        }
        let first = server.get(&of_set(&set)).await.is(200);
        assert_eq!((first.ids().len(), first.at("/meta/pagination/total-pages")), (20, json!(2)));
        assert_eq!(server.get(&format!("{}?page%5Bnumber%5D=2", of_set(&set))).await.is(200).ids().len(), 1);
    }

    async fn a_set_that_a_project_owns_stays_in_it(server) {
        let (own, other) = (project(&server, "own").await, project(&server, "other").await);
        let (inside, outside) = (workspace_in(&server, "in", &own).await, workspace_in(&server, "out", &other).await);
        let parent = json!({ "parent": { "data": { "type": "projects", "id": own } } });
        let set = set(&server, json!({ "name": "s", "global": true }), parent).await;
        let read = server.get(&format!("/varsets/{set}")).await.is(200);
        assert_eq!(read.at("/data/relationships/parent/data"), json!({ "type": "projects", "id": own }));
        assert_eq!(server.get(&format!("/workspaces/{inside}/varsets")).await.is(200).ids(), [set.as_str()]);
        assert!(server.get(&format!("/workspaces/{outside}/varsets")).await.is(200).ids().is_empty());
        let body = targets("workspaces", &[&outside]);
        server.post(&format!("/varsets/{set}/relationships/workspaces"), body).await.refuses(422, "variable-set/elsewhere");
        let body = targets("projects", &[&other]);
        server.post(&format!("/varsets/{set}/relationships/projects"), body).await.refuses(422, "variable-set/elsewhere");

        server.delete(&format!("/workspaces/{inside}")).await.is(204);
        server.delete(&format!("/projects/{own}")).await.is(204);
        server.get(&format!("/varsets/{set}")).await.refuses(404, "variable-set/not-found");
    }

    async fn a_run_gets_the_value_that_wins(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        let global = set(&server, json!({ "name": "global", "global": true }), json!({})).await;
        let attached = json!({ "workspaces": targets("workspaces", &[&workspace]) });
        let near = set(&server, json!({ "name": "near" }), attached).await;
        let strong = set(&server, json!({ "name": "strong", "global": true, "priority": true }), json!({})).await;
        let own = format!("/workspaces/{workspace}/vars");
        for (path, keys) in [
            (of_set(&global), &["MARK_A", "MARK_B", "MARK_C", "MARK_D"][..]),
            (of_set(&near), &["MARK_B", "MARK_C", "MARK_D"][..]),
            (own, &["MARK_C", "MARK_D"][..]),
            (of_set(&strong), &["MARK_D"][..]),
        ] {
            for key in keys {
                put(&server, &path, key, path.split('/').nth(2).unwrap()).await;
            }
        }
        let run = server.run(&workspace, json!({ "auto-apply": true })).await;
        server.until(&run, "applied").await;
        let expected = format!("MARK_A={global} MARK_B={near} MARK_C={workspace} MARK_D={strong} ");
        assert_eq!(marks(&server, "net", "plan"), expected);
        assert_eq!(marks(&server, "net", "apply"), expected);

        let all = server.get(&format!("/workspaces/{workspace}/all-vars")).await.is(200);
        let all: Vec<_> = all.json()["data"].as_array().unwrap().iter().map(|it| it["attributes"]["value"].clone()).collect();
        assert_eq!(all, [&global, &near, &workspace, &strong].map(|value| json!(value)));
    }

    async fn a_run_keeps_the_variables_that_it_was_made_with(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        let set = set(&server, json!({ "name": "s", "global": true }), json!({})).await;
        put(&server, &of_set(&set), "MARK", "before").await;
        let first = server.run(&workspace, json!({})).await;
        server.until(&first, "planned").await;
        let waiting = server.run(&workspace, json!({ "auto-apply": true })).await;

        server.delete(&format!("/varsets/{set}")).await.is(204);
        put(&server, &format!("/workspaces/{workspace}/vars"), "MARK", "after").await;
        let server = server.closed_and_opened_again().await;
        server.act(&first, "apply").await.is(202);
        server.until(&first, "applied").await;
        server.until(&waiting, "applied").await;
        assert_eq!(marks(&server, "net", "apply"), "MARK=before ");
        let next = server.run(&workspace, json!({ "auto-apply": true })).await;
        server.until(&next, "applied").await;
        assert_eq!(marks(&server, "net", "apply"), "MARK=after ");
    }
}
