//! What `multispace.hcl` says about values and approvals, on real stacks.

use crate::harness::stack::Stack;
use crate::stack::root;

/// A downstream whose variable is an output of `up`.
fn by_variable(value: &str, declared: &str) -> Stack {
    let stack = Stack::empty();
    stack.write(
        "up/main.tf",
        "resource \"terraform_data\" \"this\" {}\noutput \"id\" {\n  value = terraform_data.this.id\n}\noutput \"net\" {\n  value = { cidr = \"10.0.0.0/${8 * 2}\", ids = [terraform_data.this.id, \"fixed\"] }\n}\noutput \"word\" {\n  value     = \"hush-hush-4711\"\n  sensitive = true\n}\n",
    );
    stack.write(
        "down/main.tf",
        &format!("variable \"it\" {{\n{declared}}}\nresource \"terraform_data\" \"this\" {{\n  input = var.it\n}}\noutput \"it\" {{\n  value     = terraform_data.this.output\n  sensitive = true\n}}\n"),
    );
    stack.write("multispace.hcl", &format!("workspace \"down\" {{\n  variables = {{ it = {value} }}\n}}\n"));
    stack
}

#[test]
fn a_variable_may_be_an_output_of_another_workspace_which_then_runs_first() {
    let stack = by_variable("workspace.up.outputs.id", "  type = string\n");
    stack.run("graph", &[]).succeeds().says("multispace.hcl:2");
    stack.run("plan", &["--diff=down"]).succeeds().says("(known after apply)").says("2 to add, in 2 workspaces");
    let outcome = stack.answered("apply", &[], "yes\n").succeeds();
    outcome.says("2 applied").never_says("its plan is not what was approved");
    stack.run("plan", &["--detailed-exitcode"]).exits_with(0);
    stack.run("destroy", &["--auto-approve"]).succeeds().says("2 destroyed");
}

#[test]
fn a_part_of_an_output_keeps_its_value_and_its_form() {
    let stack = by_variable("workspace.up.outputs.net.ids", "  type = list(string)\n");
    stack.answered("apply", &[], "yes\n").succeeds();
    stack.run("plan", &["--detailed-exitcode"]).exits_with(0);
    let stack = by_variable("workspace[\"up\"].outputs[\"net\"].cidr", "");
    stack.run("plan", &["--diff=down"]).succeeds().says("10.0.0.0/16");
    stack.run("apply", &["--auto-approve"]).succeeds();
    stack.run("plan", &["--detailed-exitcode"]).exits_with(0);
}

#[test]
fn a_secret_goes_only_into_a_variable_that_is_declared_secret() {
    let open = by_variable("workspace.up.outputs.word", "");
    open.run("apply", &["--auto-approve"]).exits_with(1).says("Write `sensitive = true` in its variable block");
    let sealed = by_variable("workspace.up.outputs.word", "  sensitive = true\n");
    sealed.answered("apply", &[], "yes\n").succeeds().never_says("hush-hush");
    sealed.run("plan", &["--detailed-exitcode", "--diff"]).exits_with(0).never_says("hush-hush");
}

#[test]
fn a_reference_to_what_is_not_there_is_refused_before_anything_runs() {
    by_variable("workspace.upp.outputs.id", "").run("apply", &["--auto-approve"]).exits_with(1).says("up");
    by_variable("workspace.up.outputs.idd", "").run("apply", &["--auto-approve"]).exits_with(1).says("id");
}

#[test]
fn rules_approve_of_what_they_allow_and_a_person_is_asked_about_the_rest() {
    let stack = Stack::empty();
    stack.write("a/main.tf", &root(&[], "triggers_replace = 1"));
    stack.write("b/main.tf", &root(&["a"], ""));
    stack.write("multispace.hcl", "approve {\n  no_destroy = true\n}\n");
    let outcome = stack.run("apply", &[]).succeeds();
    outcome.says("approved by the rules of multispace.hcl").never_says("Apply this?");
    stack.write("a/main.tf", &root(&[], "triggers_replace = 2"));
    stack.run("apply", &[]).exits_with(1).says("it destroys 1 resource and the rules allow 0").says("Apply this?");
    stack.write("multispace.hcl", "approve {\n  max_destroy = 1\n  only = [\"b\"]\n}\n");
    stack.run("apply", &[]).exits_with(1).says("the rules do not name it");
    stack.write("multispace.hcl", "approve {\n  max_destroy = 1\n}\n");
    stack.run("apply", &[]).succeeds().says("2 applied");
}
