//! The plan of a whole stack: shown before anything is applied, approved once, and held to.

use serde_json::Value;

use crate::harness::stack::Stack;
use crate::stack::root;

/// The plan of each workspace as `--json` has it.
fn planned(stack: &Stack, args: &[&str]) -> Value {
    let mut all = vec!["--json"];
    all.extend_from_slice(args);
    let outcome = stack.run("plan", &all);
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|_| panic!("stdout is JSON\n{}", outcome.shown()))
}

fn of<'a>(plan: &'a Value, workspace: &str) -> &'a Value {
    let all = plan["workspaces"].as_array().expect("a list");
    &all.iter().find(|it| it["workspace"] == workspace).unwrap_or_else(|| panic!("no {workspace} in {plan:#}"))["plan"]
}

/// An upstream that runs `script` while it is applied, and a downstream that reads its output.
fn pair(script: &str, downstream: &str) -> Stack {
    let stack = Stack::empty();
    stack.write(
        "up/main.tf",
        &root(&[], &format!("provisioner \"local-exec\" {{\n    command = <<-EOT\n      {script}\n    EOT\n  }}")),
    );
    stack.write("down/main.tf", downstream);
    stack
}

const READS_UP: &str = "data \"terraform_remote_state\" \"up\" {\n  backend = \"local\"\n  config  = { path = \"../up/terraform.tfstate\" }\n}\n";

#[test]
fn a_stack_that_was_never_applied_is_planned_to_its_end() {
    let stack = Stack::empty();
    stack.write("a/main.tf", &root(&[], ""));
    stack.write("b/main.tf", &root(&["a"], ""));
    stack.write("c/main.tf", &root(&["a", "b"], ""));
    let plan = planned(&stack, &[]);
    for (workspace, unknown) in [("a", "id"), ("b", "input[0]"), ("c", "input[1]")] {
        let plan = of(&plan, workspace);
        assert_eq!(plan["status"], "planned", "{plan:#}");
        assert_eq!(plan["resources"][0]["address"], "terraform_data.this");
        assert_eq!(plan["resources"][0]["action"], "create");
        let paths = plan["resources"][0]["unknown"].as_array().expect("a list");
        assert!(paths.iter().any(|path| path == unknown), "{plan:#}");
    }
    stack.run("plan", &["--detailed-exitcode"]).exits_with(2).says("3 to add, in 3 workspaces");
    stack
        .run("plan", &["--diff=b"])
        .succeeds()
        .says("── b")
        .says("terraform_data.this will be created")
        .never_says("── a");
    stack.run("output", &[]).never_says("terraform_data");
}

#[test]
fn what_terraform_cannot_plan_yet_is_deferred_and_the_rest_is_planned() {
    let stack = Stack::empty();
    stack.write(
        "up/main.tf",
        "resource \"terraform_data\" \"n\" {}\noutput \"n\" {\n  value = length(terraform_data.n.id)\n}\n",
    );
    stack.write(
        "down/main.tf",
        &format!("{READS_UP}resource \"terraform_data\" \"many\" {{\n  count = data.terraform_remote_state.up.outputs.n\n}}\noutput \"id\" {{\n  value = 1\n}}\n"),
    );
    stack.write("last/main.tf", &root(&["down"], ""));
    let plan = planned(&stack, &[]);
    assert_eq!(of(&plan, "down")["status"], "deferred", "{plan:#}");
    assert_eq!(of(&plan, "down")["deferred_until"][0], "up");
    assert!(of(&plan, "down")["reason"].as_str().is_some_and(|it| it.contains("count")), "{plan:#}");
    assert_eq!(of(&plan, "last")["status"], "planned");
    // What was deferred is asked about when it can be planned, and its plan is shown then.
    let outcome = stack.answered("apply", &[], "yes\nyes\nyes\n").succeeds().says("nothing of it was approved");
    outcome.says("# terraform_data.many[0] will be created");
    stack.run("plan", &["--detailed-exitcode"]).exits_with(0);
}

#[test]
fn a_secret_output_is_passed_down_and_shown_nowhere() {
    let stack = Stack::empty();
    stack.write("up/main.tf", "output \"word\" {\n  value     = \"hush-hush-4711\"\n  sensitive = true\n}\n");
    stack.write(
        "down/main.tf",
        &format!("{READS_UP}resource \"terraform_data\" \"this\" {{\n  input = data.terraform_remote_state.up.outputs.word\n}}\noutput \"word\" {{\n  value = upper(\"no secret\")\n}}\n"),
    );
    for args in [&["--json"][..], &["--diff"], &[]] {
        stack.run("plan", args).succeeds().never_says("hush-hush");
    }
    let plan = planned(&stack, &[]);
    assert_eq!(of(&plan, "down")["resources"][0]["after"]["input"], "(sensitive value)", "{plan:#}");
    stack.answered("apply", &[], "yes\n").succeeds().never_says("hush-hush");
}

#[test]
fn the_destruction_of_a_stack_is_planned_in_reverse_and_nothing_goes() {
    let stack = Stack::empty();
    stack.write("a/main.tf", &root(&[], ""));
    stack.write("b/main.tf", &root(&["a"], ""));
    stack.run("apply", &["--auto-approve"]).succeeds();
    let plan = planned(&stack, &["--destroy"]);
    let order: Vec<&str> =
        plan["workspaces"].as_array().expect("a list").iter().filter_map(|it| it["workspace"].as_str()).collect();
    assert_eq!(order, ["b", "a"]);
    assert_eq!(of(&plan, "a")["resources"][0]["action"], "delete");
    stack.run("plan", &["--detailed-exitcode"]).exits_with(0);
}

#[test]
fn an_apply_asks_once_and_goes_on_while_each_plan_is_what_was_approved() {
    let stack = Stack::empty();
    stack.write("a/main.tf", &root(&[], ""));
    stack.write("b/main.tf", &root(&["a"], ""));
    stack.write("c/main.tf", &root(&["b"], ""));
    let outcome = stack.answered("apply", &[], "what\ndiff a\nyes\n").succeeds();
    assert_eq!(outcome.text().matches("Apply this?").count(), 3, "{}", outcome.shown());
    outcome.says("please answer yes, no, or diff").says("terraform_data.this will be created").says("3 applied");
    // Nothing is asked where nothing would change.
    stack.run("apply", &[]).succeeds().never_says("Apply this?");
}

#[test]
fn a_file_that_changed_after_the_approval_stops_the_workspace_and_shows_the_difference() {
    let word = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(word.path(), "before").expect("it is written");
    let path = word.path().display();
    let down = format!(
        "{READS_UP}resource \"terraform_data\" \"this\" {{\n  input = [file(\"{path}\"), data.terraform_remote_state.up.outputs.id]\n}}\n"
    );
    let stack = pair(&format!("printf after > '{path}'"), &down);
    let outcome = stack.answered("apply", &[], "yes\n").exits_with(1);
    outcome.says("its plan is not what was approved").says("input[0]: approved \"before\", planned \"after\"");
    let plan = planned(&stack, &[]);
    assert_eq!(of(&plan, "down")["resources"][0]["action"], "create", "nothing was made: {plan:#}");
    // Asked for a second time it goes on: what is planned now is what is approved.
    stack.answered("apply", &[], "yes\n").succeeds();
    // The same where nothing was approved, so that nothing is compared: it is the comparison that stopped it.
    stack.run("destroy", &["--auto-approve"]).succeeds();
    std::fs::write(word.path(), "before").expect("it is written");
    stack.run("apply", &["--auto-approve"]).succeeds();
}

#[test]
fn an_output_of_another_type_stops_what_reads_it_unless_a_person_says_yes() {
    let stack = Stack::empty();
    let state = stack.path().join("up/own.tfstate");
    let state = state.display();
    stack.write(
        "up/main.tf",
        &format!(
            "terraform {{\n  backend \"local\" {{\n    path = \"{state}\"\n  }}\n}}\noutput \"it\" {{\n  value = \"text\"\n}}\n"
        ),
    );
    let reads = format!(
        "data \"terraform_remote_state\" \"up\" {{\n  backend = \"local\"\n  config  = {{ path = \"{state}\" }}\n}}\n"
    );
    // Between the two, something outside writes another output into the upstream's state.
    let edit = format!(
        "sed -i -e 's/\\\"value\\\": \\\"text\\\"/\\\"value\\\": 5/' -e 's/\\\"type\\\": \\\"string\\\"/\\\"type\\\": \\\"number\\\"/' '{state}'"
    );
    stack.write(
        "mid/main.tf",
        &format!(
            "{reads}resource \"terraform_data\" \"this\" {{\n  input = data.terraform_remote_state.up.outputs.it\n  provisioner \"local-exec\" {{\n    command = \"{edit}\"\n  }}\n}}\noutput \"id\" {{\n  value = terraform_data.this.id\n}}\n"
        ),
    );
    let this = "resource \"terraform_data\" \"this\" {\n  input = [data.terraform_remote_state.up.outputs.it, data.terraform_remote_state.mid.outputs.id]\n}\n";
    stack.write("down/main.tf", &format!("{reads}{}{this}", READS_UP.replace("up", "mid")));
    stack.answered("apply", &[], "yes\n").exits_with(1).says("input[0]: approved \"text\", planned 5");
    stack.run("output", &[]).succeeds();
    let plan = planned(&stack, &[]);
    assert_eq!(of(&plan, "down")["resources"][0]["action"], "create", "nothing was made: {plan:#}");
}

#[test]
fn a_resource_that_vanished_after_the_approval_stops_the_workspace() {
    let stack = Stack::empty();
    let state = stack.path().join("down/own.tfstate");
    let down = |word: &str| {
        format!(
            "terraform {{\n  backend \"local\" {{\n    path = \"{}\"\n  }}\n}}\n{READS_UP}resource \"terraform_data\" \"this\" {{\n  input = [\"{word}\", data.terraform_remote_state.up.outputs.id]\n}}\n",
            state.display()
        )
    };
    stack.write("up/main.tf", &root(&[], ""));
    stack.write("down/main.tf", &down("one"));
    stack.run("apply", &["--auto-approve"]).succeeds();
    // The upstream is changed in place, and something outside takes the downstream's resource away meanwhile.
    stack.write(
        "up/main.tf",
        &format!("{}resource \"terraform_data\" \"more\" {{\n  provisioner \"local-exec\" {{\n    command = \"rm '{}'\"\n  }}\n}}\n", root(&[], ""), state.display()),
    );
    stack.write("down/main.tf", &down("two"));
    stack.answered("apply", &[], "yes\n").exits_with(1).says("a change was approved, and its creation is planned");
}

#[test]
fn nobody_who_answers_is_a_no_and_nothing_is_applied() {
    let stack = Stack::empty();
    stack.write("a/main.tf", &root(&[], ""));
    stack.run("apply", &[]).exits_with(1).says("nobody is there to answer");
    stack.run("plan", &["--detailed-exitcode"]).exits_with(2);
}

#[test]
fn tfe_outputs_blocks_are_answered_without_a_server_and_without_their_provider() {
    let stack = Stack::empty();
    stack.write(
        "up/main.tf",
        "resource \"terraform_data\" \"it\" {\n  input = \"a\"\n}\noutput \"id\" {\n  value = terraform_data.it.id\n}\noutput \"word\" {\n  value = \"shown-to-all\"\n}\noutput \"unused\" {\n  value = 1\n}\n",
    );
    let code = "terraform {\n  required_providers {\n    tfe = {\n      source = \"hashicorp/tfe\"\n    }\n  }\n}\nprovider \"tfe\" {}\n\
                data \"tfe_outputs\" \"up\" {\n  organization = \"acme\"\n  workspace    = \"up\"\n}\n\
                resource \"terraform_data\" \"this\" {\n  input = data.tfe_outputs.up.values.id\n}\n\
                output \"word\" {\n  value = data.tfe_outputs.up.nonsensitive_values.word\n}\n";
    stack.write("down/main.tf", code);
    let plan = planned(&stack, &[]);
    assert_eq!(of(&plan, "down")["resources"][0]["after"]["input"], "(sensitive value)", "{plan:#}");
    assert_eq!(of(&plan, "down")["outputs"][0]["value"], "shown-to-all", "{plan:#}");
    stack.answered("apply", &[], "yes\n").succeeds().says("2 applied");
    stack.run("output", &[]).succeeds().says("shown-to-all");
    let all = stack.run("plan", &["--all", "--detailed-exitcode"]);
    all.exits_with(0);
    // What it uses has not changed.
    let up = std::fs::read_to_string(stack.path().join("up/main.tf")).unwrap();
    stack.write("up/main.tf", &up.replace("value = 1", "value = 2"));
    let (outcome, report) = stack.reported("apply", &["--auto-approve"]);
    outcome.succeeds();
    assert_eq!((report.result("up"), report.result("down")), ("applied", "unchanged"));
    assert!(report.of("down")["run_id"].is_null());
    stack.run("destroy", &["--auto-approve"]).succeeds();
}
