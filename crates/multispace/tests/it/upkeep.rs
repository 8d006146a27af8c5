//! The commands that look after a data folder, on a real server and on a stack.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::child;
use crate::harness::server::{Server, multispace, run_multispace};
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
    let check = || stack.run("fsck", &[]);
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

#[test]
fn a_stack_is_checked_by_its_folder_or_in_it() {
    let stack = Stack::empty();
    stack.write("a/main.tf", CODE);
    let told = format!("Nothing was ever applied in {}.", stack.path().display());
    stack.run("fsck", &[]).exits_with(1).says(&told).says("run `multispace apply` there");
    assert!(!stack.path().join(".multispace").exists(), "nothing is made");
    stack.run("apply", &["--auto-approve"]).succeeds();
    stack.run("fsck", &[]).succeeds().says("everything is as it should be: 1 workspace,");
    // What a shell says of a server does not matter to a stack that is named.
    let server = tempfile::tempdir().unwrap();
    let of_server = |command: &mut Command| {
        command.env("MULTISPACE_DATA_DIR", server.path()).env("MULTISPACE_DATABASE", "postgres://localhost:1/none");
        command.env("MULTISPACE_KEY_FILE", server.path().join("none"));
        child::run(command, "")
    };
    of_server(&mut stack.command("fsck", &["--json"])).succeeds().says("\"clean\": true");
    let here = |home: &Path| {
        let mut command = multispace(home);
        command.arg("fsck").current_dir(stack.path());
        command
    };
    child::run(&mut here(server.path()), "").succeeds().says("1 workspace,");
    child::run(here(server.path()).env("MULTISPACE_DATA_DIR", server.path()), "").fails().says("There is no data");
    let data = stack.path().join(".multispace").display().to_string();
    run_multispace(server.path(), &["fsck", "--data-dir", &data]).succeeds().says("1 workspace,");
    fs::write(stack.path().join(".multispace/multispace.db"), "a text in the place of the database").unwrap();
    stack.run("fsck", &[]).exits_with(1).says(&format!("The database {data}/multispace.db cannot be opened"));
    stack.run("status", &[]).exits_with(1).says(&format!("The database {data}/multispace.db cannot be opened"));
}
