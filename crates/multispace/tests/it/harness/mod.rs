//! What the tests share: a server, a root of Terraform code in front of it, and child processes.

pub(crate) mod child;
pub(crate) mod http;
pub(crate) mod page;
pub(crate) mod processes;
pub(crate) mod proxy;
pub(crate) mod root;
pub(crate) mod server;
pub(crate) mod stack;

use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long anything may take before a test calls it stuck. No test that passes gets near it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// The binary under test.
pub(crate) const MULTISPACE: &str = env!("CARGO_BIN_EXE_multispace");

/// The executable of our Terraform provider, which stands beside the binary under test.
#[track_caller]
pub(crate) fn provider() -> &'static str {
    let file = Path::new(MULTISPACE).with_file_name("terraform-provider-multispace");
    assert!(file.is_file(), "there is no {}: cargo build -p provider", file.display());
    file.into_os_string().into_string().expect("a path in UTF-8").leak()
}

/// A folder of `examples/`.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .join(name)
        .canonicalize()
        .expect("the example is there")
}

/// `PATH` as this process has it: children get a clean environment and this.
pub(crate) fn path() -> String {
    std::env::var("PATH").unwrap_or_default()
}
