//! A root with a backend of its own keeps it: multispace orders and runs it, and does not take its state.

use std::fs;

use crate::harness::stack::Stack;

#[test]
fn a_local_path_of_its_own_is_where_the_state_stays() {
    let stack = Stack::empty();
    let kept = stack.path().join("kept.tfstate");
    stack.write(
        "own/main.tf",
        &format!(
            "terraform {{\n  backend \"local\" {{\n    path = \"{0}\"\n  }}\n}}\nresource \"terraform_data\" \"this\" {{}}\noutput \"id\" {{\n  value = terraform_data.this.id\n}}\n",
            kept.display()
        ),
    );
    stack.write(
        "reader/main.tf",
        &format!(
            "data \"terraform_remote_state\" \"own\" {{\n  backend = \"local\"\n  config = {{\n    path = \"{}\"\n  }}\n}}\nresource \"terraform_data\" \"this\" {{\n  input = data.terraform_remote_state.own.outputs.id\n}}\n",
            kept.display()
        ),
    );
    let (outcome, report) = stack.reported("apply", &["--auto-approve"]);
    outcome.succeeds();
    report.assert_order("own", "reader");
    let state = fs::read_to_string(&kept).expect("the state is where its root says");
    assert!(state.contains("terraform_data"), "{state}");
    stack.run("destroy", &["--auto-approve"]).succeeds();
    assert!(!fs::read_to_string(&kept).unwrap().contains("\"instances\""), "the resources are gone from it");
}
