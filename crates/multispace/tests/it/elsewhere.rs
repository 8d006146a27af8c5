//! A stack whose workspaces are on a server in another process, behind a bad line: up, down, killed and taken up again,
//! and in the end each workspace has had one run for each.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::harness::child::{self, Outcome, Running};
use crate::harness::proxy::Proxy;
use crate::harness::server::Server;
use crate::harness::stack::Stack;

const LAYERS: usize = 3;
const WIDTH: usize = 3;

/// A server, the line to it, and a stack in front of both.
struct Ground {
    server: Server,
    proxy: Proxy,
    stack: Stack,
}

impl Ground {
    fn new() -> Self {
        let server = Server::start_with(&["--concurrency", "3"]);
        let proxy = Proxy::before(server.address());
        let ground = Self { stack: Stack::empty(), proxy, server };
        let (host, address, token) = (ground.proxy.host(), ground.proxy.address(), ground.server.token());
        let connection = format!(
            "host \"{host}\" {{\n  services = {{ \"tfe.v2\" = \"{address}/api/v2/\" }}\n}}\n\
             credentials \"{host}\" {{\n  token = \"{token}\"\n}}\n"
        );
        fs::write(ground.stack.path().parent().unwrap().join("cli.tfrc"), connection).unwrap();
        ground
    }

    /// Each workspace of a layer reads all of the layer above, on the server.
    fn with_mesh() -> Self {
        let ground = Self::new();
        for name in names() {
            ground.stack.write(&format!("{name}/main.tf"), &ground.link(&name, &above(&name)));
        }
        ground
    }

    fn link(&self, name: &str, reads: &[String]) -> String {
        let mut code = String::new();
        for upstream in reads {
            code += &format!(
                "data \"terraform_remote_state\" \"{upstream}\" {{\n  backend = \"remote\"\n  config = {{\n    \
                 hostname     = \"{}\"\n    organization = \"{}\"\n    workspaces   = {{ name = \"{upstream}\" }}\n  }}\n}}\n",
                self.server.hostname(),
                self.server.organization()
            );
        }
        let values = reads.iter().map(|it| format!("data.terraform_remote_state.{it}.outputs.path"));
        let values: Vec<String> = values.collect();
        format!(
            "{code}resource \"terraform_data\" \"this\" {{\n  input = \"${{join(\"+\", [{}])}}>{name}\"\n}}\n\
             output \"path\" {{\n  value = terraform_data.this.output\n}}\n",
            values.join(", ")
        )
    }

    fn command(&self, command: &str, more: &[&str]) -> Command {
        let organization = self.server.organization();
        let host = self.proxy.host();
        let args = [&["--host", &host, "--organization", organization][..], more].concat();
        let mut command = self.stack.command(command, &args);
        command.env("TF_CLI_CONFIG_FILE", self.stack.path().parent().unwrap().join("cli.tfrc"));
        command
    }

    #[track_caller]
    fn run(&self, command: &str, more: &[&str]) -> Outcome {
        child::run(&mut self.command(command, more), "")
    }

    /// Runs of a workspace that were to apply or to destroy, newest first.
    fn runs(&self, workspace: &str, destroys: bool) -> Vec<Value> {
        let runs = self.server.runs(workspace).into_iter();
        runs.filter(|run| run["attributes"]["is-destroy"] == destroys).collect()
    }

    /// Each workspace has had one run for this, and it was applied.
    #[track_caller]
    fn has_one_run_each(&self, destroys: bool) {
        for name in names() {
            let runs = self.runs(&name, destroys);
            let shown: Vec<_> = runs.iter().map(|it| it["attributes"]["status"].clone()).collect();
            assert_eq!(shown, ["applied"], "{name}, destroys: {destroys}");
        }
    }

    /// The first of these had ended before any of those began to plan.
    #[track_caller]
    fn in_order(&self, first: &str, then: &str, destroys: bool) {
        let at = |workspace: &str, what: &str| {
            self.runs(workspace, destroys)[0]["attributes"]["status-timestamps"][what].as_str().unwrap().to_owned()
        };
        assert!(at(first, "applied-at") <= at(then, "planning-at"), "{first} before {then}, destroys: {destroys}");
    }
}

fn name(layer: usize, place: usize) -> String {
    format!("l{layer}-{place}")
}

fn names() -> Vec<String> {
    (0..LAYERS).flat_map(|layer| (0..WIDTH).map(move |place| name(layer, place))).collect()
}

fn above(of: &str) -> Vec<String> {
    let layer: usize = of[1..2].parse().unwrap();
    if layer == 0 { Vec::new() } else { (0..WIDTH).map(|place| name(layer - 1, place)).collect() }
}

/// Kills it some time after a line says this, unless it is through by then; says whether it was still at work.
fn kill_after(mut running: Running, line: &str, later: Duration) -> bool {
    running.wait_for(line);
    let id = running.id();
    // Until the moment has come, or until it is through, whichever is first.
    let (done, moment) = mpsc::channel::<()>();
    let killer = thread::spawn(move || {
        if moment.recv_timeout(later).is_err() {
            let _ = nix::sys::signal::kill(id, Signal::SIGKILL);
        }
    });
    let outcome = running.finish();
    let _ = done.send(());
    killer.join().expect("the killer ends");
    outcome.code.is_none()
}

#[test]
fn a_mesh_on_a_server_behind_a_bad_line_is_applied_and_destroyed_once_though_killed_in_between() {
    let ground = Ground::with_mesh();
    let yes = &["--auto-approve"];
    assert!(kill_after(Running::start(&mut ground.command("apply", yes)), "l0-1: ", Duration::from_millis(300)));
    assert!(kill_after(Running::start(&mut ground.command("apply", yes)), "l1-0: ", Duration::from_millis(700)));
    let outcome = ground.run("apply", yes).succeeds();
    outcome.says("going on with the apply that began at");
    ground.has_one_run_each(false);
    let id = ground.server.workspace("l2-1")["id"].as_str().unwrap().to_owned();
    let outputs = ground.server.get(&format!("workspaces/{id}/current-state-version-outputs")).json();
    let layer = |below: &str| (0..WIDTH).map(|place| format!("{below}>l1-{place}")).collect::<Vec<_>>().join("+");
    let top = (0..WIDTH).map(|place| format!(">l0-{place}")).collect::<Vec<_>>().join("+");
    assert_eq!(outputs["data"][0]["attributes"]["value"], format!("{}>l2-1", layer(&top)));
    for upper in (0..WIDTH).map(|place| name(0, place)) {
        ground.in_order(&upper, "l1-2", false);
    }

    assert!(kill_after(
        Running::start(&mut ground.command("destroy", yes)),
        "l2-2: destroyed",
        Duration::from_millis(900)
    ));
    ground.run("destroy", yes).succeeds();
    ground.has_one_run_each(true);
    for name in names() {
        assert_eq!(ground.server.workspace(&name)["attributes"]["resource-count"], 0, "{name}");
    }
    for lower in (0..WIDTH).map(|place| name(2, place)) {
        ground.in_order(&lower, "l1-0", true);
    }

    let seen = ground.proxy.seen();
    let count = |it: &std::sync::atomic::AtomicUsize| it.load(Ordering::Relaxed);
    eprintln!(
        "{} requests: {} limited, {} cut, {} answers lost, {} of them to a start of {}",
        count(&seen.requests),
        count(&seen.limited),
        count(&seen.cut),
        count(&seen.lost) + count(&seen.lost_runs),
        count(&seen.lost_runs),
        seen.starts.lock().unwrap().len()
    );
    for (what, of) in [("limited", &seen.limited), ("cut", &seen.cut), ("lost", &seen.lost), ("runs", &seen.lost_runs)]
    {
        assert!(count(of) > 0, "{what}: the line was too good for this test to say anything");
    }
}

/// What the test above would see if nothing knew the runs of the killed process again.
#[test]
fn without_the_records_of_the_walk_and_of_its_runs_a_second_try_runs_again_what_was_applied() {
    let ground = Ground::with_mesh();
    let yes = &["--auto-approve"];
    assert!(kill_after(Running::start(&mut ground.command("apply", yes)), "l0-0: applied", Duration::from_millis(200)));
    let kept = fs::read_dir(ground.stack.path().join(".multispace")).unwrap().map(|entry| entry.unwrap().path());
    let kept: Vec<_> = kept.filter(|path| path.extension().is_some_and(|it| it == "json")).collect();
    assert_eq!(kept.len(), 2, "the walk and what went into its runs are written down: {kept:?}");
    kept.iter().for_each(|record| fs::remove_file(record).unwrap());
    ground.run("apply", yes).succeeds().never_says("going on with the apply");
    assert_eq!(ground.runs("l0-0", false).len(), 2);
}

#[test]
fn a_stack_on_a_server_is_planned_as_a_whole_and_approved_once() {
    let ground = Ground::new();
    ground.stack.write("a/main.tf", &ground.link("a", &[]));
    ground.stack.write("b/main.tf", &ground.link("b", &["a".to_owned()]));
    let tfe = "data \"tfe_outputs\" \"b\" {\n  workspace = \"b\"\n}\n";
    let code = format!("{tfe}resource \"terraform_data\" \"this\" {{\n  input = data.tfe_outputs.b.values.path\n}}\n");
    ground.stack.write("c/main.tf", &code);
    let planned = || {
        let outcome = ground.run("plan", &["--json", "--target", "b"]).succeeds();
        let report: Value = serde_json::from_str(&outcome.stdout).expect("stdout is JSON");
        [0, 1].map(|at| report["workspaces"][at]["plan"].clone())
    };
    // What the second reads is not there yet, and is known from the plan of the first as far as that knows it.
    let [a, b] = planned();
    assert_eq!((&a["status"], &a["counts"]["add"]), (&"planned".into(), &1.into()), "{a:#}");
    assert_eq!((&b["status"], &b["counts"]["add"]), (&"planned".into(), &1.into()), "{b:#}");
    assert_eq!(b["resources"][0]["unknown"], serde_json::json!(["id", "input", "output"]), "{b:#}");
    let seen = ground.proxy.seen();
    assert!(seen.plans.lock().unwrap().len() >= 2, "plans are read where the server keeps them");
    assert_eq!(seen.leaks.load(Ordering::Relaxed), 0, "and the token is not sent there");

    let answered = |command: &str, answer: &str| child::run(&mut ground.command(command, &["--target", "b"]), answer);
    answered("apply", "no\n").exits_with(1).says("Apply this?").says("2 to add, in 2 workspaces");
    assert_eq!(ground.runs("a", false), [] as [Value; 0], "a plan is no run that could be applied");
    answered("apply", "yes\n").succeeds().says("2 applied").never_says("not what was approved");
    for workspace in ["a", "b"] {
        let run = &ground.runs(workspace, false)[0];
        assert_eq!(run["attributes"]["status"], "applied");
        let comments = ground.server.get(&format!("runs/{}/comments", run["id"].as_str().unwrap())).json();
        assert!(comments.to_string().contains("with the plan of the whole stack"), "{comments:#}");
    }
    ground.run("apply", &["--auto-approve", "--target", "b"]).succeeds().says("2 unchanged");
    child::run(&mut ground.command("destroy", &[]), "yes\n").succeeds().says("2 destroyed");
    let left = fs::read_dir(ground.stack.path().join(".multispace")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(left.iter().all(|name| !name.starts_with("preview-")), "no copy of the code is left: {left:?}");
}

#[test]
fn what_is_sensitive_is_not_in_code_that_is_sent_to_the_server() {
    let ground = Ground::new();
    let secret = "output \"path\" {\n  value     = \"hush-hush-4711\"\n  sensitive = true\n}\n";
    ground.stack.write("a/main.tf", secret);
    ground.stack.write("b/main.tf", &ground.link("b", &["a".to_owned()]));
    ground.run("plan", &["--diff"]).succeeds().never_says("hush-hush").never_says("multispace_remote_state");
    let plan = ground.run("plan", &["--json"]).succeeds();
    let report: Value = serde_json::from_str(&plan.stdout).expect("stdout is JSON");
    let of_b = &report["workspaces"][1]["plan"];
    // The server did not know it when it planned.
    assert_eq!(of_b["resources"][0]["unknown"], serde_json::json!(["id", "input", "output"]), "{of_b:#}");
    child::run(&mut ground.command("apply", &[]), "yes\n").succeeds().says("2 applied").never_says("hush-hush");
}

#[test]
fn only_what_changed_runs_on_a_server_too_and_what_is_set_there_counts() {
    let ground = Ground::new();
    for (name, reads) in [("one", &[][..]), ("other", &[]), ("below", &["one", "other"]), ("beside", &["other"])] {
        let reads: Vec<String> = reads.iter().map(|it| (*it).to_owned()).collect();
        ground.stack.write(&format!("{name}/main.tf"), &ground.link(name, &reads));
    }
    let ran = |command: &str, args: &[&str]| -> BTreeMap<String, Value> {
        let outcome = ground.run(command, &[&["--json"], args].concat()).succeeds();
        let report: Value = serde_json::from_str(&outcome.stdout).expect("stdout is JSON");
        let all = report["workspaces"].as_array().expect("a list").iter();
        let ran = all.filter(|it| !it["run_id"].is_null());
        ran.map(|it| (it["workspace"].as_str().expect("a name").to_owned(), it["why"].clone())).collect()
    };
    let yes = &["--auto-approve"];
    assert_eq!(ran("apply", yes).len(), 4);
    assert_eq!(ran("apply", yes), BTreeMap::new());
    assert_eq!(ran("plan", &[]), BTreeMap::new());
    assert_eq!(["one", "below"].map(|name| ground.runs(name, false).len()), [1, 1]);

    // A file that changes no output, a variable of the workspace there, and an output of a workspace.
    let expected = |name: &str, why: &str| BTreeMap::from([(name.to_owned(), serde_json::json!([why]))]);
    ground.stack.write("one/more.tf", "# nothing\n");
    assert_eq!(ran("apply", yes), expected("one", "own code (one/more.tf)"));
    let id = ground.server.workspace("below")["id"].as_str().unwrap().to_owned();
    let attributes = serde_json::json!({ "key": "WORD", "value": "x", "category": "env", "sensitive": true });
    let variable = serde_json::json!({ "data": { "type": "vars", "attributes": attributes } });
    assert_eq!(ground.server.send("POST", &format!("workspaces/{id}/vars"), &variable).status, 201);
    assert_eq!(ran("apply", yes), expected("below", "settings of the workspace"));
    ground.stack.write("one/main.tf", &ground.link("another", &[]));
    let changed = ran("apply", yes);
    let names: Vec<&str> = changed.keys().map(String::as_str).collect();
    assert_eq!(names, ["below", "one"], "{changed:#?}");
    assert_eq!(changed["below"], serde_json::json!(["output path of one"]));

    // A run that somebody else started is one of which nothing is known.
    let id = ground.server.workspace("beside")["id"].as_str().unwrap().to_owned();
    let workspace = serde_json::json!({ "workspace": { "data": { "type": "workspaces", "id": id } } });
    let run = serde_json::json!({ "data": { "type": "runs", "attributes": {}, "relationships": workspace } });
    assert_eq!(ground.server.send("POST", "runs", &run).status, 201);
    let is_over = || ground.runs("beside", false)[0]["attributes"]["status"] == "planned_and_finished";
    ground.server.until("the run of somebody else has ended", is_over);
    assert_eq!(ran("apply", yes), expected("beside", "not known what went into its last apply"));
    assert_eq!(ran("apply", yes), BTreeMap::new());
}

#[test]
fn an_interrupt_stops_the_runs_that_the_walk_started() {
    let ground = Ground::new();
    let slow = "  provisioner \"local-exec\" {\n    command = \"sleep 60\"\n  }\n";
    ground.stack.write("a/main.tf", &format!("resource \"terraform_data\" \"this\" {{\n{slow}}}\n"));
    let mut apply = Running::start(&mut ground.command("apply", &["--auto-approve"]));
    apply.wait_for("applying");
    apply.signal(Signal::SIGINT);
    apply.finish().exits_with(130);
    let runs = ground.runs("a", false);
    assert_eq!(runs[0]["attributes"]["status"], "canceled", "{runs:#?}");
}

#[test]
fn a_workspace_that_terraform_made_in_the_folder_of_a_root_keeps_its_settings() {
    let ground = Ground::new();
    ground.stack.write("net/a/main.tf", "variable \"v\" {}\noutput \"v\" {\n  value = var.v\n}\n");
    let made = serde_json::json!({ "data": { "type": "workspaces", "attributes": { "name": "net-a", "description": "mine" } } });
    let organization = ground.server.organization();
    assert_eq!(ground.server.send("POST", &format!("organizations/{organization}/workspaces"), &made).status, 201);
    ground.run("apply", &["--auto-approve", "--var", "v=a \"word\""]).succeeds().never_says("made on");
    let workspace = ground.server.workspace("net-a");
    assert_eq!(workspace["attributes"]["description"], "mine");
    let id = workspace["id"].as_str().unwrap();
    let outputs = ground.server.get(&format!("workspaces/{id}/current-state-version-outputs")).json();
    assert_eq!(outputs["data"][0]["attributes"]["value"], "a \"word\"");
    assert_eq!(ground.server.get(&format!("workspaces/{id}/vars")).json()["data"], serde_json::json!([]));
}

#[test]
fn code_that_reads_a_state_in_its_folder_is_refused_before_anything_is_made() {
    let ground = Ground::new();
    ground.stack.write("a/main.tf", &ground.link("a", &[]));
    ground.stack.write(
        "b/main.tf",
        "data \"terraform_remote_state\" \"a\" {\n  backend = \"local\"\n  config  = { path = \"../a/terraform.tfstate\" }\n}\n",
    );
    ground.run("apply", &["--auto-approve"]).fails().says("b/main.tf:1").says("tfe_outputs");
    let list = format!("organizations/{}/workspaces", ground.server.organization());
    assert_eq!(ground.server.get(&list).json()["data"], serde_json::json!([]));
}

#[test]
fn a_state_in_a_folder_whose_workspace_has_none_is_refused_before_anything_is_made() {
    let ground = Ground::new();
    ground.stack.write("a/main.tf", &ground.link("a", &[]));
    ground.stack.write("b/main.tf", "resource \"terraform_data\" \"b\" {}\n");
    let state = "{\"version\":4,\"terraform_version\":\"1.11.4\",\"serial\":1,\"lineage\":\"l\",\"outputs\":{},\"resources\":[{}]}";
    ground.stack.write("b/terraform.tfstate", state);
    ground.run("apply", &["--auto-approve"]).fails().says("b/terraform.tfstate").says("stack/state-here");
    let list = format!("organizations/{}/workspaces", ground.server.organization());
    assert_eq!(ground.server.get(&list).json()["data"], serde_json::json!([]));
    ground.stack.write("b/terraform.tfstate", "");
    ground.run("apply", &["--auto-approve"]).succeeds();
}
