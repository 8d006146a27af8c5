//! The plan of a whole stack on a server, as one question in two places: the terminal and its page.

use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::harness::child::{self, Running};
use crate::harness::page::Person;
use crate::harness::server::Server;
use crate::harness::stack::Stack;

/// A server, and a stack of `a` and of `b`, which reads it.
struct Ground {
    server: Server,
    stack: Stack,
}

impl Ground {
    fn new() -> Self {
        let ground = Self { server: Server::start(), stack: Stack::empty() };
        ground.write("a", "one");
        let read = format!(
            "data \"terraform_remote_state\" \"a\" {{\n  backend = \"remote\"\n  config = {{\n    hostname     = \"{}\"\n    \
             organization = \"{}\"\n    workspaces   = {{ name = \"a\" }}\n  }}\n}}\n",
            ground.server.hostname(),
            ground.server.organization()
        );
        let uses = "resource \"terraform_data\" \"this\" {\n  input = data.terraform_remote_state.a.outputs.word\n}\n";
        ground.stack.write("b/main.tf", &format!("{read}{uses}"));
        ground
    }

    fn write(&self, name: &str, word: &str) {
        let code = format!(
            "resource \"terraform_data\" \"this\" {{\n  input = \"{word}\"\n}}\noutput \"word\" {{\n  value = \
             terraform_data.this.output\n}}\n"
        );
        self.stack.write(&format!("{name}/main.tf"), &code);
    }

    fn apply(&self, more: &[&str]) -> Command {
        let place = ["--host", self.server.hostname(), "--organization", self.server.organization()];
        let mut command = self.stack.command("apply", &[&place[..], more].concat());
        command.envs(self.server.environment());
        command
    }

    /// Starts an apply that waits for a person on the server, and returns the path of the page.
    fn asks(&self, more: &[&str]) -> (Running, String) {
        let mut running = Running::start(&mut self.apply(&[&["--approve-in-browser"], more].concat()));
        let line = running.wait_for("waits for approval at ");
        (running, page(&line))
    }

    /// The newest plan.
    fn plan(&self) -> Value {
        let path = format!("organizations/{}/stack-plans", self.server.organization());
        self.server.get(&path).json()["data"][0]["attributes"].clone()
    }

    fn statuses(&self, workspace: &str) -> Vec<Value> {
        self.server.runs(workspace).iter().map(|run| run["attributes"]["status"].clone()).collect()
    }
}

/// The path in the address at the end of a line.
fn page(line: &str) -> String {
    let (_, path) = line.trim_end().split_once("/app/").expect("an address");
    format!("/app/{path}")
}

#[test]
fn a_stack_is_approved_once_on_its_page_and_applied_and_the_page_says_how_it_went() {
    let ground = Ground::new();
    let person = Person::signed_in(&ground.server);
    let (running, page) = ground.asks(&[]);
    let text = person.page(&page);
    for part in
        ["apply of stack", "2 to add, in 2 workspaces", "first apply", "terraform_data.this", "Waits for approval"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    // What is not there yet is known from the plan of `a`, as far as that knows it.
    assert!(text.contains("(known after apply)"), "{text}");
    person.presses(&page, "approve", "looks good");
    running.finish().succeeds().says("approved by owner on the server").says("2 applied");

    let text = person.page(&page);
    for part in ["owner approved it", "looks good"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for workspace in ["a", "b"] {
        let runs = ground.server.runs(workspace);
        let run = runs[0]["id"].as_str().expect("an id");
        let link = format!("href=\"/app/{}/{workspace}/runs/{run}\">Applied</a>", ground.server.organization());
        assert!(text.contains(&link), "{link}: {text}");
        let comments = ground.server.get(&format!("runs/{run}/comments")).json().to_string();
        assert!(comments.contains("Approved by owner on the server with the plan of the whole stack"), "{comments}");
    }
}

#[test]
fn what_is_discarded_on_the_page_or_interrupted_before_an_answer_applies_nothing() {
    let ground = Ground::new();
    let person = Person::signed_in(&ground.server);
    let (running, page) = ground.asks(&[]);
    person.presses(&page, "discard", "not today");
    running.finish().exits_with(1).says("discarded by owner on the server; nothing was applied");
    assert!(person.page(&page).contains("Nothing was applied."));

    let (running, page) = ground.asks(&[]);
    running.signal(Signal::SIGINT);
    running.finish().exits_with(130);
    assert_eq!(ground.plan()["status"], "withdrawn");
    let text = person.page(&page);
    assert!(text.contains("Withdrawn") && !text.contains("<textarea"), "{text}");
    for workspace in ["a", "b"] {
        assert_eq!(ground.statuses(workspace), [] as [Value; 0], "{workspace}");
    }
}

#[test]
fn whoever_is_first_is_heard_in_the_terminal_or_on_the_page() {
    let ground = Ground::new();
    let person = Person::signed_in(&ground.server);
    // On the page, while the terminal is asked.
    let mut running = Running::start(&mut ground.apply(&[]));
    let link = running.wait_for("also at ");
    person.presses(&page(&link), "approve", "");
    running.wait_for("approved by owner on the server");
    running.finish().succeeds().says("2 applied");

    // In the terminal: the page has it.
    ground.write("a", "two");
    child::run(&mut ground.apply(&[]), "no\n").exits_with(1).says("nothing was applied");
    let plan = ground.plan();
    assert_eq!([&plan["status"], &plan["decided-by"]], ["discarded", "owner"]);
    child::run(&mut ground.apply(&[]), "yes\n").succeeds().says("2 applied");
    let plan = ground.plan();
    assert_eq!([&plan["status"], &plan["rows"][0]["counts"]["change"]], [&Value::from("approved"), &Value::from(1)]);
    assert_eq!(plan["rows"][1]["why"], serde_json::json!(["output word of a"]));

    // Nobody is there: it is taken back, and said what waits for a person elsewhere.
    ground.write("a", "three");
    child::run(&mut ground.apply(&[]), "").exits_with(1).says("--approve-in-browser waits for a person");
    assert_eq!(ground.plan()["status"], "withdrawn");
}

#[test]
fn what_could_not_be_planned_with_the_stack_waits_on_the_page_of_its_run() {
    let ground = Ground::new();
    let person = Person::signed_in(&ground.server);
    let code = std::fs::read_to_string(ground.stack.path().join("b/main.tf")).expect("the code");
    let counted = code.replace("input = data", "count = length(data").replace("outputs.word\n", "outputs.word)\n");
    ground.stack.write("b/main.tf", &counted);
    let (mut running, page) = ground.asks(&[]);
    let text = person.page(&page);
    assert!(text.contains("deferred until a is applied") && text.contains("1 workspace deferred"), "{text}");
    person.presses(&page, "approve", "");
    let line = running.wait_for("b: waits for approval at ");
    person.presses(&self::page(&line), "confirm", "");
    running.finish().succeeds().says("2 applied");
}

#[test]
fn nobody_is_asked_to_wait_for_a_page_that_is_not_there() {
    let ground = Ground::new();
    let all = ["--approve-in-browser", "--auto-approve"];
    child::run(&mut ground.apply(&all), "").exits_with(64).says("cannot be used with");
    ground.stack.run("apply", &["--approve-in-browser"]).exits_with(64).says("--host");
}
