//! Terraform code, `multispace.hcl`, lock files and CLI configuration.

#![no_main]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use configuration::{locked, read_outputs, read_stack, says_where_providers_are, with_mirror, without_hashes};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// The stack; `a` is what is thrown, `b` is what it may refer to.
static STACK: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a folder");
    for (file, text) in [("a/main.tf", ""), ("b/main.tf", "output \"x\" {\n  value = 1\n}\n")] {
        let file = dir.path().join(file);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(file, text).expect("a file");
    }
    dir
});

fuzz_target!(|bytes: &[u8]| {
    let dir = STACK.path();
    for file in ["a/main.tf", "multispace.hcl", "a/terraform.tfvars"] {
        std::fs::write(dir.join(file), bytes).expect("a file");
    }
    for problem in read_stack(dir).err().into_iter().flatten() {
        let _ = format!("{problem}");
    }
    let _ = read_outputs(&dir.join("a"), "", "net", &BTreeMap::new());
    let text = String::from_utf8_lossy(bytes);
    let _ = says_where_providers_are(&text);
    let _ = (locked(&text), without_hashes(&text));
    let _ = with_mirror(&text, Path::new("/mirror"), &["registry.terraform.io/a/b".to_owned()]);
});
