//! Stacks: what belongs to one, until when it lives, and that it goes downstreams first, whatever dies meanwhile.

use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};

use crate::harness::{Answer, Database, ORGANIZATION, Server, on_both};

/// A workspace that has something.
async fn filled(server: &Server, name: &str) -> String {
    let workspace = server.workspace(name).await;
    server.configuration(&workspace, false).await;
    let run = server.run(&workspace, json!({ "auto-apply": true })).await;
    server.until(&run, "applied").await;
    workspace
}

async fn edge(server: &Server, upstream: &str, downstream: &str) {
    let source = json!({ "sourceable": { "data": { "type": "workspaces", "id": upstream } } });
    let trigger = json!({ "data": { "relationships": source } });
    server.post(&format!("/workspaces/{downstream}/run-triggers"), trigger).await.is(201);
}

/// Workspaces that have something, each upstream of the next.
async fn chain(server: &Server, names: &[&str]) -> Vec<String> {
    let mut ids = Vec::new();
    for name in names {
        ids.push(filled(server, name).await);
    }
    for pair in ids.windows(2) {
        edge(server, &pair[0], &pair[1]).await;
    }
    ids
}

fn body(attributes: Value) -> Value {
    json!({ "data": { "type": "stacks", "attributes": attributes } })
}

async fn make(server: &Server, attributes: Value) -> Answer {
    server.post(&format!("/organizations/{ORGANIZATION}/stacks"), body(attributes)).await
}

async fn until_status(server: &Server, stack: &str, status: &str) -> Answer {
    server.until_that(&format!("/stacks/{stack}"), |it| it.text_at("/data/attributes/status") == status).await
}

/// A moment so long after something was made.
fn after(made: &Answer, span: TimeDelta) -> String {
    let made = DateTime::parse_from_rfc3339(made.text_at("/data/attributes/created-at")).unwrap();
    (made + span).to_rfc3339()
}

/// The calls of terraform that applied something, by workspace, in order.
fn applies(server: &Server) -> Vec<String> {
    let calls = std::fs::read_to_string(server.control("calls")).unwrap();
    calls.lines().filter_map(|call| Some(call.split_once(" apply ")?.0.to_owned())).collect()
}

fn kinds(stack: &Answer) -> Vec<String> {
    let events = stack.at("/data/attributes/events");
    events.as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

on_both! {
    async fn a_stack_is_made_listed_changed_and_forgotten(server) {
        let (net, web) = (server.workspace("net").await, server.workspace_with(json!({ "name": "web", "tag-names": [] })).await);
        let tags = json!({ "data": [{ "type": "tags", "attributes": { "name": "demo" } }] });
        server.post(&format!("/workspaces/{web}/relationships/tags"), tags).await.is(204);
        let made = make(&server, json!({ "name": "demo", "workspace-ids": [net], "tag": "demo" })).await.is(201);
        let names = |it: &Answer| [it.at("/data/attributes/workspaces/0/name"), it.at("/data/attributes/workspaces/1/name")];
        assert_eq!(names(&made), [json!("net"), json!("web")]);
        make(&server, json!({ "name": "demo", "workspace-ids": [net] })).await.refuses(422, "stack/name-taken");
        make(&server, json!({ "name": "other" })).await.refuses(422, "stack/empty");
        let path = format!("/stacks/{}", made.id());
        let changed = server.patch(&path, body(json!({ "tag": null }))).await.is(200);
        assert_eq!(names(&changed), [json!("net"), Value::Null]);
        assert_eq!(server.get(&format!("/organizations/{ORGANIZATION}/stacks")).await.is(200).ids(), [made.id()]);
        server.delete(&path).await.is(204);
        server.get(&path).await.refuses(404, "stack/not-found");
        server.get(&format!("/workspaces/{net}")).await.is(200);
    }

    async fn a_stack_lives_no_longer_than_its_organization_allows(server) {
        let net = server.workspace("net").await;
        let read = server.get(&format!("/workspaces/{net}")).await;
        let lifetime = json!({ "data": { "attributes": { "most-hours": 48 } } });
        server.patch(&format!("/organizations/{ORGANIZATION}/stack-lifetime"), lifetime).await.is(200);
        let hours = |hours| after(&read, TimeDelta::hours(hours));
        let wanted = |at: Value| json!({ "name": "demo", "workspace-ids": [net], "expires-at": at });
        make(&server, wanted(Value::Null)).await.refuses(422, "stack/lifetime");
        make(&server, wanted(json!(hours(50)))).await.refuses(422, "stack/lifetime");
        let made = make(&server, wanted(json!(hours(10)))).await.is(201).id();
        let extend = |at| body(json!({ "expires-at": at }));
        server.post(&format!("/stacks/{made}/actions/extend"), extend(hours(50))).await.refuses(422, "stack/lifetime");
        server.post(&format!("/stacks/{made}/actions/extend"), extend(hours(40))).await.is(200);
        let cancel = format!("/stacks/{made}/actions/cancel-expiry");
        server.post(&cancel, json!({})).await.refuses(422, "stack/lifetime");
        let lifetime = json!({ "data": { "attributes": { "most-hours": null } } });
        server.patch(&format!("/organizations/{ORGANIZATION}/stack-lifetime"), lifetime).await.is(200);
        assert_eq!(server.post(&cancel, json!({})).await.is(200).at("/data/attributes/expires-at"), Value::Null);
    }

    async fn a_failure_stops_what_is_upstream_and_a_later_destroy_goes_on(server) {
        let ids = chain(&server, &["network", "cluster", "dns"]).await;
        server.tell("cluster.plan.fail");
        let stack = make(&server, json!({ "name": "demo", "workspace-ids": ids })).await.is(201).id();
        let destroy = format!("/stacks/{stack}/actions/destroy");
        server.post(&destroy, json!({})).await.is(200);
        server.post(&destroy, json!({})).await.refuses(409, "stack/destroying");
        let failed = until_status(&server, &stack, "errored").await;
        assert!(failed.text_at("/data/attributes/message").contains("cluster"), "{}", failed.text());
        assert_eq!(applies(&server), ["network", "cluster", "dns", "dns"]);
        std::fs::remove_file(server.control("cluster.plan.fail")).unwrap();
        server.post(&destroy, json!({})).await.is(200);
        until_status(&server, &stack, "destroyed").await;
        assert_eq!(applies(&server), ["network", "cluster", "dns", "dns", "cluster", "network"]);
    }

    async fn who_reads_another_goes_before_it(server) {
        // By name and by age the reader would be last.
        let network = filled(&server, "network").await;
        let reader = server.workspace("reader").await;
        let code = "data \"tfe_outputs\" \"n\" {\n  workspace = \"network\"\n}\noutput \"o\" {\n  value = data.tfe_outputs.n.values.ip\n}\n";
        server.configuration_of(&reader, false, &[("main.tf", code)]).await;
        let run = server.run(&reader, json!({ "auto-apply": true })).await;
        server.until(&run, "applied").await;
        let stack = make(&server, json!({ "name": "demo", "workspace-ids": [network, reader] })).await.is(201).id();
        server.post(&format!("/stacks/{stack}/actions/destroy"), json!({})).await.is(200);
        until_status(&server, &stack, "destroyed").await;
        assert_eq!(applies(&server), ["network", "reader", "reader", "network"]);
    }

    async fn what_strangers_stand_on_waits_until_they_are_gone(server) {
        let ids = chain(&server, &["network", "stranger"]).await;
        let stack = make(&server, json!({ "name": "demo", "workspace-ids": [ids[0]] })).await.is(201).id();
        server.post(&format!("/stacks/{stack}/actions/destroy"), json!({})).await.is(200);
        until_status(&server, &stack, "held").await;
        let run = server.run(&ids[1], json!({ "is-destroy": true, "auto-apply": true })).await;
        server.until(&run, "applied").await;
        until_status(&server, &stack, "destroyed").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twelve_workspaces_whose_time_is_up_go_in_reverse_order_across_a_kill_and_none_goes_twice() {
    let server = Server::open(Database::Sqlite).await;
    // Three chains of four below one another's heads: every workspace but the first has something above it.
    let names: Vec<_> = (0..12).map(|number| format!("w{number:02}")).collect();
    let mut ids = Vec::new();
    for name in &names {
        ids.push(filled(&server, name).await);
    }
    let upstream_of = |number: usize| number.saturating_sub(3);
    for number in 1..12 {
        edge(&server, &ids[upstream_of(number)], &ids[number]).await;
    }
    assert_eq!(applies(&server).len(), 12);
    let level = ["w03", "w04", "w05"];
    level.iter().for_each(|name| server.gate(&format!("{name}.apply.gate")));
    let made = make(&server, json!({ "name": "demo", "workspace-ids": ids })).await.is(201);
    let soon = body(json!({ "expires-at": after(&made, TimeDelta::seconds(3)) }));
    let stack = made.id();
    server.post(&format!("/stacks/{stack}/actions/extend"), soon).await.is(200);
    // In the middle: one of each chain is being destroyed, what is downstream of it is gone, what is upstream of it is not.
    let middle = || applies(&server).iter().filter(|name| level.contains(&name.as_str())).count() == 2 * level.len();
    server.until_that(&format!("/stacks/{stack}"), |_| middle()).await;
    let server = server.killed_and_opened_again().await;
    for name in level {
        server.open_gate(&format!("{name}.apply.gate")).await;
    }

    let gone = until_status(&server, &stack, "destroyed").await;
    for at in 0..12 {
        assert_eq!(gone.at(&format!("/data/attributes/workspaces/{at}/resource-count")), 0);
    }
    let kinds = kinds(&gone);
    assert_eq!(kinds, ["first-reminder", "second-reminder", "expired", "destroyed"]);
    let destroyed = applies(&server).split_off(12);
    let place = |name: &str| destroyed.iter().position(|it| it == name).unwrap();
    assert_eq!(destroyed.len(), 12, "{destroyed:?}");
    for number in 1..12 {
        let (down, up) = (place(&names[number]), place(&names[upstream_of(number)]));
        assert!(down < up, "{} went after {}: {destroyed:?}", names[number], names[upstream_of(number)]);
    }
    for workspace in &ids {
        assert_eq!(server.get(&format!("/workspaces/{workspace}/runs")).await.ids().len(), 2);
    }
}
