//! HashiCorp's Python client against the server: `tests/pytfe/workflow.py` is the test, this starts it.

use std::path::Path;
use std::process::Command;

use crate::harness::server::Server;
use crate::harness::{child, path};

#[test]
fn pytfe_lists_creates_updates_locks_runs_reads_and_deletes() {
    let Ok(python) = std::env::var("MULTISPACE_TEST_PYTFE") else {
        panic!("this test needs a Python with pytfe: `cargo xtask test` makes one and runs everything");
    };
    let server = Server::start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pytfe/workflow.py");
    let mut command = Command::new(python);
    command
        .arg(script)
        .env_clear()
        .env("PATH", path())
        .env("TFE_ADDRESS", format!("http://{}", server.address()))
        .env("TFE_TOKEN", server.token())
        .env("ORGANIZATION", server.organization());
    child::run(&mut command, "").succeeds().says("delete: everything is gone");
}
