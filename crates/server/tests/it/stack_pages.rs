//! Pages of stacks and of the graph of all workspaces: what they show, and what their forms do.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Followed, ORGANIZATION, Server, on_both};

async fn trigger(server: &Server, upstream: &str, downstream: &str) {
    let source = json!({ "sourceable": { "data": { "type": "workspaces", "id": upstream } } });
    let body = json!({ "data": { "relationships": source } });
    server.post(&format!("/workspaces/{downstream}/run-triggers"), body).await.is(201);
}

/// `net` which triggers `cluster`, `reader` which read outputs of `net`, and `alone`; `net` has something.
async fn mesh(server: &Server) -> [String; 4] {
    let names = ["net", "cluster", "reader", "alone"];
    let mut ids = Vec::new();
    for name in names {
        ids.push(server.workspace(name).await);
    }
    server.configuration(&ids[0], false).await;
    let run = server.run(&ids[0], json!({ "auto-apply": true })).await;
    server.until(&run, "applied").await;
    trigger(server, &ids[0], &ids[1]).await;
    let code = "data \"tfe_outputs\" \"n\" {\n  workspace = \"net\"\n}\noutput \"o\" {\n  value = data.tfe_outputs.n.values.ip\n}\n";
    server.configuration_of(&ids[2], false, &[("main.tf", code)]).await;
    let run = server.run(&ids[2], json!({})).await;
    server.until(&run, "planned").await;
    ids.try_into().unwrap()
}

async fn stack(server: &Server, name: &str, workspaces: &[&String]) -> String {
    let body = json!({ "data": { "attributes": { "name": name, "workspace-ids": workspaces } } });
    server.post(&format!("/organizations/{ORGANIZATION}/stacks"), body).await.is(201).id()
}

/// The parts that an event brings.
fn ids(event: &Value) -> Vec<String> {
    event["parts"].as_array().unwrap().iter().map(|part| part["id"].as_str().unwrap().to_owned()).collect()
}

/// Reads a page's events until one says this; the parts that came.
async fn until(follow: &mut Followed, what: &str) -> Vec<String> {
    let mut parts = Vec::new();
    loop {
        let event = follow.next().await.unwrap_or_else(|| panic!("no {what}: {parts:?}"));
        parts.extend(ids(&event));
        if event.to_string().contains(what) {
            return parts;
        }
    }
}

/// The text of a node of the picture.
fn node(page: &str, id: &str) -> String {
    let (_, rest) = page.split_once(&format!("<!--part:node-{id}-->")).unwrap_or_else(|| panic!("no {id}: {page}"));
    rest.split("<!--/part").next().unwrap().to_owned()
}

/// Whether a workspace is in the picture and in the table.
fn is_shown(page: &str, id: &str) -> bool {
    let (picture, table) = (page.contains(&format!("id=\"node-{id}\"")), page.contains(&format!("id=\"row-{id}\"")));
    assert_eq!(picture, table, "the table is the picture's twin");
    picture
}

on_both! {
    async fn the_graph_says_how_each_workspace_stands_and_why_one_stands_on_another(server) {
        let [net, cluster, reader, alone] = mesh(&server).await;
        let mut browser = server.signed_in(&server.token).await;
        let page = browser.page("/app/acme/graph").await;
        assert!(node(&page, &net).contains("net: Applied, 1 resource<"), "{page}");
        assert!(node(&page, &reader).contains("reader: Waits for approval"), "{page}");
        assert!(node(&page, &alone).contains("alone: No resources"), "{page}");
        for part in [
            "net → cluster: &#34;cluster&#34; runs when &#34;net&#34; was applied.",
            "The code of &#34;reader&#34; uses the output &#34;ip&#34; of &#34;net&#34; (main.tf:1)",
            "4 workspaces", "1 waits for approval", "2 no resources",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert_eq!(page.matches("marker-end").count(), 2, "one arrow for each pair");
        assert!(!page.contains("style="), "{page}");
        assert!(is_shown(&page, &cluster));
    }

    async fn one_workspace_is_shown_with_what_is_upstream_and_downstream_of_it(server) {
        let [net, cluster, reader, alone] = mesh(&server).await;
        let app = server.workspace("app").await;
        trigger(&server, &cluster, &app).await;
        let mut browser = server.signed_in(&server.token).await;
        let shown = |page: &str| [&net, &cluster, &reader, &alone, &app].map(|id| is_shown(page, id));
        let page = browser.page("/app/acme/graph?focus=net").await;
        assert_eq!(shown(&page), [true, true, true, false, true]);
        assert!(page.contains("Once it was applied, these run by themselves: app, cluster."), "{page}");
        assert!(page.contains("These only read its outputs, and do not run by themselves: reader."), "{page}");
        let page = browser.page("/app/acme/graph?focus=net&depth=1").await;
        assert_eq!(shown(&page), [true, true, true, false, false]);
        let page = browser.page("/app/acme/graph?focus=app").await;
        assert_eq!(shown(&page), [true, true, false, false, true]);
        // Part of one name chooses it, part of several marks those.
        let page = browser.page("/app/acme/graph?focus=CLUST").await;
        assert_eq!(shown(&page), [true, true, false, false, true]);
        let page = browser.page("/app/acme/graph?focus=a").await;
        assert_eq!(shown(&page), [true; 5]);
        assert!(page.contains("3 of 5 have") && node(&page, &net).contains(" dim\""), "{page}");
        assert!(!node(&page, &alone).contains(" dim\""));
        let page = browser.page("/app/acme/graph?focus=%22%3E%3Cscript%3E").await;
        assert!(page.contains("0 of 5 have") && !page.contains("<script>"), "{page}");
    }

    async fn edges_that_go_in_a_circle_are_drawn(server) {
        let [net, cluster, _, _] = mesh(&server).await;
        // What a run has read counts as an edge, though a trigger leads the other way.
        let code = "data \"tfe_outputs\" \"n\" {\n  workspace = \"cluster\"\n}\noutput \"o\" {\n  value = data.tfe_outputs.n.values.ip\n}\n";
        server.configuration_of(&net, false, &[("main.tf", code)]).await;
        let run = server.run(&net, json!({})).await;
        server.until(&run, "planned").await;
        let page = server.signed_in(&server.token).await.page("/app/acme/graph").await;
        assert!(page.contains("net → cluster") && page.contains("cluster → net"), "{page}");
        assert!(is_shown(&page, &net) && is_shown(&page, &cluster));
    }

    async fn a_run_is_started_from_a_workspace_and_a_destroy_after_a_page_that_says_what_goes(server) {
        let [_, cluster, ..] = mesh(&server).await;
        let mut browser = server.signed_in(&server.token).await;
        let text = browser.page("/app/acme/workspaces/net").await;
        assert!(text.contains("action=\"/app/acme/workspaces/net/run\""), "{text}");
        let planned = browser.send_form("/app/acme/workspaces/net/run", &[("what", "plan"), ("message", "look")]).await.is(303);
        let text = browser.page(planned.header("location")).await;
        assert!(text.contains("<h1>look</h1>") && text.contains("owner, with the browser") && text.contains("<dd>Plan</dd>"), "{text}");
        let started = browser.send_form("/app/acme/workspaces/net/run", &[("what", "run")]).await.is(303);
        let run = started.header("location").rsplit('/').next().unwrap().to_owned();
        server.until(&run, "planned").await;
        server.act(&run, "discard").await.is(202);

        let page = browser.page("/app/acme/workspaces/net/destroy").await;
        for part in ["1 resource", "terraform_data.", ">reader</a>", "waits for approval before it destroys"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let started = browser.send_form("/app/acme/workspaces/net/destroy/start", &[]).await.is(303);
        let run = started.header("location").rsplit('/').next().unwrap().to_owned();
        let planned = server.until(&run, "planned").await;
        assert_eq!(planned.at("/data/attributes/is-destroy"), true);
        server.act(&run, "discard").await.is(202);

        // What something stands on is protected, and says so before anybody asks.
        server.configuration(&cluster, false).await;
        let run = server.run(&cluster, json!({ "auto-apply": true })).await;
        server.until(&run, "applied").await;
        let page = browser.page("/app/acme/workspaces/net/destroy").await;
        assert!(page.contains("still have resources: &#34;cluster&#34;") && page.contains("name=\"force\""), "{page}");
        let refused = browser.send_form("/app/acme/workspaces/net/destroy/start", &[]).await.is(409);
        assert!(refused.text().contains("workspace/downstreams"));
        browser.send_form("/app/acme/workspaces/net/destroy/start", &[("force", "yes")]).await.is(303);
        browser.send_form("/app/acme/workspaces/alone/run", &[]).await.is(422);
    }

    async fn the_time_of_a_stack_is_shown_extended_and_taken_away(server) {
        let [net, cluster, ..] = mesh(&server).await;
        let id = stack(&server, "demo", &[&net, &cluster]).await;
        let mut browser = server.signed_in(&server.token).await;
        let text = browser.page("/app/acme/stacks").await;
        assert!(text.contains("href=\"/app/acme/graph\"") && text.contains("href=\"/app/acme/stacks/demo\""), "{text}");
        assert!(browser.page("/app/acme/stacks/demo").await.contains("It has no end"));

        let answer = browser.send_form("/app/acme/stacks/demo/extend", &[("more", "24")]).await.is(303);
        assert_eq!(answer.header("location"), "/app/acme/stacks/demo");
        let text = browser.page("/app/acme/stacks/demo").await;
        assert!(text.contains("in <strong>23 h 59 min</strong>") || text.contains("in <strong>1 d</strong>"), "{text}");
        browser.send_form("/app/acme/stacks/demo/extend", &[("more", "168")]).await.is(303);
        let text = browser.page("/app/acme/stacks").await;
        assert!(text.contains("in 7 d 23 h") || text.contains("in 8 d"), "{text}");
        browser.send_form("/app/acme/stacks/demo/extend", &[("until", "2099-01-02T03:04")]).await.is(303);
        assert!(browser.page("/app/acme/stacks/demo").await.contains("2099-01-02 03:04:00 UTC"));
        for fields in [[("until", "soon")], [("until", "")]] {
            let refused = browser.send_form("/app/acme/stacks/demo/extend", &fields).await.is(422);
            assert!(refused.text().contains("stack/lifetime") && refused.text().contains("href=\"/app/acme/stacks/demo\""));
        }
        browser.send_form("/app/acme/stacks/demo/cancel-expiry", &[]).await.is(303);
        assert_eq!(server.get(&format!("/stacks/{id}")).await.at("/data/attributes/expires-at"), json!(null));
    }

    async fn a_stack_is_destroyed_after_a_page_that_says_in_which_order(server) {
        let [net, cluster, ..] = mesh(&server).await;
        server.configuration(&cluster, false).await;
        let run = server.run(&cluster, json!({ "auto-apply": true })).await;
        server.until(&run, "applied").await;
        let id = stack(&server, "demo", &[&net, &cluster]).await;
        let mut browser = server.signed_in(&server.token).await;
        let page = browser.page("/app/acme/stacks/demo/destroy").await;
        let (_, list) = page.split_once("<ol").unwrap();
        assert!(list.find(">cluster</a>").unwrap() < list.find(">net</a>").unwrap(), "{page}");
        assert!(page.contains("2 resources in all"), "{page}");
        browser.send_form("/app/acme/stacks/demo/destroy/start", &[]).await.is(303);
        server.until_that(&format!("/stacks/{id}"), |it| it.text_at("/data/attributes/status") == "destroyed").await;
        let text = browser.page("/app/acme/stacks/demo").await;
        for part in ["Destroyed", "Nothing is left of it.", "Its workspaces are being destroyed."] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    async fn a_page_is_sent_again_part_by_part_until_whoever_looks_is_signed_out(server) {
        let [net, cluster, ..] = mesh(&server).await;
        for page in ["/app/acme/graph", "/app/acme/runs"] {
            let browser = server.signed_in(&server.token).await;
            let mut follow = browser.request(Method::GET, page).header("accept", "text/event-stream").follow().await;
            let first = ids(&follow.next().await.unwrap());
            assert!(!first.is_empty() && first.iter().all(|id| id.starts_with("part-")), "what is whole is sent whole: {first:?}");
            let mut later = Vec::new();
            for _ in 0..2 {
                let run = server.run(&net, json!({})).await;
                server.until(&run, "planned").await;
                // What happens while nobody reads is told at once; this is read before it is over.
                later.extend(until(&mut follow, "Waits for approval").await);
                server.act(&run, "discard").await.is(202);
                later.extend(until(&mut follow, if page.ends_with("runs") { "Discarded" } else { &net }).await);
            }
            let mut same = server.browser();
            same.cookie = browser.cookie.clone();
            same.send_form("/sign-out", &[]).await.is(303);
            // Whatever happens then is not for this browser any more.
            server.workspace(&format!("later-{}", page.len())).await;
            while let Some(event) = follow.next().await {
                later.extend(ids(&event));
            }
            assert!(!follow.text.contains("later-"), "{}", follow.text);
            if page.ends_with("graph") {
                assert!(later.contains(&format!("node-{net}")) && later.contains(&format!("row-{net}")), "{later:?}");
                assert!(!later.contains(&format!("node-{cluster}")) && !later.contains(&"part-picture".to_owned()), "{later:?}");
            }
            let last = follow.text.lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap();
            assert_eq!(last.len(), 16, "{last}");
        }
    }

    async fn whoever_sees_part_of_a_stack_sees_that_part_and_decides_nothing(server) {
        let [net, cluster, ..] = mesh(&server).await;
        stack(&server, "demo", &[&net, &cluster]).await;
        let team = server.team("readers").await;
        server.team_on_workspace(&team, &net, "read").await;
        let token = server.team_token(&team).await;
        let mut browser = server.signed_in(&token).await;
        for path in ["/app/acme/stacks/demo", "/app/acme/graph", "/app/acme/graph?focus=net"] {
            let page = browser.page(path).await;
            assert!(is_shown(&page, &net) && !page.contains("cluster"), "{page}");
            assert!(!page.contains("/extend") && !page.contains("/run\"") && !page.contains("Destroy"), "{page}");
        }
        let page = browser.page("/app/acme/stacks/demo/destroy").await;
        assert!(page.contains("1 more belong") && !page.contains("destroy/start"), "{page}");
        browser.send_form("/app/acme/stacks/demo/extend", &[("more", "24")]).await.is(404);
        browser.send_form("/app/acme/stacks/demo/destroy/start", &[]).await.is(404);
        browser.send_form("/app/acme/workspaces/net/run", &[]).await.is(404);
        browser.get("/app/acme/workspaces/net/destroy").await.is(404);
        browser.get("/app/acme/stacks/nothing").await.is(404);
        browser.get("/app/nobody/graph").await.is(404);
    }
}
