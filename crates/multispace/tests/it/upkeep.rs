//! The commands that look after a data folder, on a real server and on a stack.

use std::fs;

use crate::harness::server::{Server, run_multispace};
use crate::harness::stack::Stack;

const CODE: &str = "resource \"terraform_data\" \"this\" {\n  input = \"kept\"\n}\n\noutput \"this\" {\n  value = terraform_data.this.output\n}\n";

#[test]
fn a_server_is_checked_copied_and_put_back_and_its_key_is_changed() {
    let mut server = Server::start();
    let root = server.root("kept", CODE).initialized();
    root.terraform(&["apply", "-auto-approve"]).succeeds();
    let home = tempfile::tempdir().unwrap();
    let data = server.data();
    let data = data.to_str().unwrap();
    let run = |arguments: &[&str]| run_multispace(home.path(), arguments);

    run(&["fsck", "--data-dir", data]).succeeds().says("everything is as it should be");
    run(&["key", "rotate", "--data-dir", data]).succeeds().says("sealed with the key");
    run(&["key", "list", "--data-dir", data]).succeeds();
    root.terraform(&["plan", "-detailed-exitcode"]).exits_with(0);

    let backup = home.path().join("one.backup");
    run(&["backup", "--data-dir", data, "--to", backup.to_str().unwrap()]).succeeds().says("are not in it");
    run(&["backup", "--data-dir", data, "--to", backup.to_str().unwrap()]).fails().says("is there already");
    let key = home.path().join("key");
    fs::copy(server.data().join("key"), &key).unwrap();
    server.kill();
    fs::remove_dir_all(server.data()).unwrap();
    let key = key.to_str().unwrap();
    let missing = home.path().join("another.backup");
    run(&["restore", missing.to_str().unwrap(), "--to", data]).fails().says("There is no backup").never_says("key");
    run(&["restore", backup.to_str().unwrap(), "--to", data, "--key-file", key]).succeeds().says("is as it was at");
    server.start_again();
    assert_eq!(server.workspace("kept")["attributes"]["resource-count"], 1);
    run(&["fsck", "--json", "--data-dir", data]).succeeds();

    server.kill();
    let state = fs::read_dir(server.data().join("objects/states")).unwrap().next().unwrap().unwrap().path();
    fs::write(state, "not a state").unwrap();
    run(&["fsck", "--data-dir", data]).fails().says("is wrong");
}

#[test]
fn an_apply_leaves_nothing_that_nobody_needs() {
    let stack = Stack::empty();
    stack.write("a/main.tf", CODE);
    stack.write("b/main.tf", CODE);
    let data = stack.path().join(".multispace");
    let check = || run_multispace(&stack.path(), &["fsck", "--data-dir", data.to_str().unwrap()]);
    let archives = || fs::read_dir(data.join("objects/configurations")).unwrap().count();
    stack.run("apply", &["--auto-approve"]).succeeds();
    check().succeeds().says("everything is as it should be").never_says("left over");
    assert_eq!(archives(), 2, "each workspace has its part");

    // One that looks out of its folder needs the whole stack, and so does another.
    for name in ["c", "d"] {
        stack.write(&format!("{name}/main.tf"), &CODE.replace("\"kept\"", "filemd5(\"${path.module}/../a/main.tf\")"));
    }
    stack.run("apply", &["--auto-approve"]).succeeds();
    check().succeeds().says("everything is as it should be").never_says("left over");
    assert_eq!(archives(), 3, "the whole is there once");
    stack.run("destroy", &["--auto-approve"]).succeeds();
    check().succeeds().never_says("left over");
}
