//! Packing a stack, and getting the same back.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use configuration::{Limits, pack, pack_folder, read_stack, unpack};
use expect_test::expect;

use crate::{folder, write};

/// Every path below a folder: content of files, targets of links.
fn listing(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut queue = vec![dir.to_owned()];
    while let Some(folder) = queue.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(dir).expect("inside").display().to_string();
            let metadata = std::fs::symlink_metadata(&path).expect("metadata");
            if metadata.is_dir() {
                found.insert(format!("{name}/"), String::new());
                queue.push(path);
            } else if metadata.is_symlink() {
                found.insert(name, format!("-> {}", std::fs::read_link(&path).expect("a link").display()));
            } else {
                found.insert(name, std::fs::read_to_string(&path).unwrap_or_default());
            }
        }
    }
    found
}

#[test]
fn the_stack_and_the_modules_outside_of_it_are_packed_and_nothing_else() {
    let dir = folder(&[
        ("repo/live/net/main.tf", "module \"x\" {\n  source = \"../../shared/x\"\n}"),
        ("repo/live/net/.terraform.lock.hcl", "lock"),
        ("repo/live/net/.terraform/providers/big", "no"),
        ("repo/live/net/terraform.tfstate", "secret"),
        ("repo/live/net/terraform.tfstate.backup", "secret"),
        ("repo/live/net/terraform.tfstate.d/x/terraform.tfstate", "secret"),
        ("repo/live/net/.terraform.tfstate.lock.info", "no"),
        ("repo/live/net/errored.tfstate.backup", "no"),
        ("repo/live/net/crash.log", "no"),
        ("repo/live/net/templates/init.sh", "#!/bin/sh"),
        ("repo/live/own/main.tf", "terraform {\n  backend \"local\" {\n    path = \"state/own.json\"\n  }\n}"),
        ("repo/live/own/state/own.json", "secret"),
        ("repo/live/own/state/kept.json", "{}"),
        ("repo/live/.git/HEAD", "no"),
        ("repo/live/.multispace/db", "no"),
        ("repo/live/docs/a.md", "no"),
        ("repo/live/.terraformignore", "docs/\n*.png\n!kept.png\n"),
        ("repo/live/a.png", "no"),
        ("repo/live/kept.png", "yes"),
        ("repo/shared/x/main.tf", ""),
        ("repo/shared/x/docs/kept.md", "rules are the stack's"),
        ("repo/shared/y/main.tf", "nobody calls it"),
        ("repo/other", "no"),
    ]);
    let init = dir.path().join("repo/live/net/templates/init.sh");
    std::fs::set_permissions(&init, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    symlink("../net/main.tf", dir.path().join("repo/live/own/link.tf.txt")).expect("a link");
    let shared = dir.path().canonicalize().expect("a path").join("repo/shared/x/main.tf");
    symlink(shared, dir.path().join("repo/live/own/absolute")).expect("a link");

    let stack = read_stack(&dir.path().join("repo/live")).expect("a stack");
    let archive = pack(&stack, &Limits::default()).expect("an archive");
    let out = dir.path().join("out");
    unpack(&archive, &out, &Limits::default()).expect("unpacked");
    let listed: Vec<String> = listing(&out)
        .into_iter()
        .map(|(name, content)| if content.starts_with("->") { format!("{name} {content}") } else { name })
        .collect();
    expect![[r#"
        live/
        live/.terraformignore
        live/kept.png
        live/net/
        live/net/.terraform.lock.hcl
        live/net/main.tf
        live/net/templates/
        live/net/templates/init.sh
        live/own/
        live/own/absolute -> ../../shared/x/main.tf
        live/own/link.tf.txt -> ../net/main.tf
        live/own/main.tf
        live/own/state/
        live/own/state/kept.json
        live/own/zz_multispace_files_override.tf
        shared/
        shared/x/
        shared/x/docs/
        shared/x/docs/kept.md
        shared/x/main.tf"#]]
    .assert_eq(&listed.join("\n"));
    let mode = |path: &str| std::fs::metadata(out.join(path)).expect("metadata").permissions().mode() & 0o777;
    assert_eq!((mode("live/net/templates/init.sh"), mode("live/net/main.tf")), (0o755, 0o644));
    let folders: Vec<String> = stack.roots.iter().map(|root| stack.working_directory(root)).collect();
    assert_eq!(folders, ["live/net", "live/own"]);
    assert_eq!(stack.pack_root, dir.path().canonicalize().expect("a path").join("repo"));
}

#[test]
fn the_same_content_gives_the_same_bytes() {
    let files = [("b/main.tf", "b"), ("a/main.tf", "a"), ("a/z/y/x.txt", "x"), ("c.txt", "c")];
    let one = folder(&files);
    let other = tempfile::tempdir().expect("a folder");
    for (path, text) in files.iter().rev() {
        write(other.path(), path, text);
    }
    let old = std::time::SystemTime::UNIX_EPOCH;
    let file = std::fs::File::options().write(true).open(other.path().join("c.txt")).expect("a file");
    file.set_modified(old).expect("a time");
    let limits = Limits::default();
    assert_eq!(pack_folder(one.path(), &limits), pack_folder(other.path(), &limits));
    write(other.path(), "c.txt", "d");
    assert_ne!(pack_folder(one.path(), &limits), pack_folder(other.path(), &limits));
}

#[test]
fn long_names_and_links_survive_the_way() {
    let deep = format!("{}/{}.tf", ["folder-with-a-long-name"; 8].join("/"), "n".repeat(120));
    let dir = folder(&[(&deep, "deep"), ("ü/ß.tf", "umlaut"), ("empty.tf", "")]);
    symlink(&deep, dir.path().join("link")).expect("a link");
    symlink("nowhere", dir.path().join("dangling")).expect("a link");
    let archive = pack_folder(dir.path(), &Limits::default()).expect("an archive");
    let out = tempfile::tempdir().expect("a folder");
    unpack(&archive, out.path(), &Limits::default()).expect("unpacked");
    assert_eq!(listing(out.path()), listing(dir.path()));
}

#[test]
fn a_link_that_leads_out_is_an_error_that_names_it() {
    for target in ["../outside", "/etc/passwd", "sub/../../outside"] {
        let dir = folder(&[("stack/main.tf", ""), ("outside", "")]);
        symlink(target, dir.path().join("stack/leak")).expect("a link");
        let problem = pack_folder(&dir.path().join("stack"), &Limits::default()).expect_err("an error");
        assert_eq!(problem.code, "configuration/link-outside");
        assert!(problem.message.contains("stack/leak"), "{problem}");
        std::fs::write(dir.path().join("stack/.terraformignore"), "leak\n").expect("a file");
        assert!(pack_folder(&dir.path().join("stack"), &Limits::default()).is_ok());
    }
}

#[test]
fn too_much_code_is_an_error_before_it_is_read() {
    let dir = folder(&[("main.tf", "0123456789"), ("other.tf", "0123456789")]);
    for limits in [Limits { bytes: 15, ..Limits::default() }, Limits { entries: 1, ..Limits::default() }] {
        let problem = pack_folder(dir.path(), &limits).expect_err("an error");
        assert_eq!(problem.code, "configuration/stack-too-large");
    }
}

#[test]
fn state_files_of_the_users_own_are_named_by_absolute_paths() {
    let own = |name: &str| format!("terraform {{\n  backend \"local\" {{\n    path = \"../states/{name}\"\n  }}\n}}\n");
    let reader = r#"
        data "terraform_remote_state" "a" {
          backend = "local"
          config  = { path = "../states/a" }
        }
        data "terraform_remote_state" "each" {
          for_each = toset(["a", "b"])
          backend  = "local"
          config   = { path = "../states/${each.key}" }
        }
        data "terraform_remote_state" "held" {
          backend = "local"
          config  = { path = "../held/terraform.tfstate" }
        }
    "#;
    let dir = folder(&[
        ("a/main.tf", &own("a")),
        ("b/main.tf", &own("b")),
        ("held/main.tf", ""),
        ("reader/main.tf", reader),
        ("states/a", "secret"),
    ]);
    let stack = read_stack(dir.path()).expect("a stack");
    let out = tempfile::tempdir().expect("a folder");
    unpack(&pack(&stack, &Limits::default()).expect("an archive"), out.path(), &Limits::default()).expect("unpacked");
    let mut text = String::new();
    for (name, content) in listing(out.path()) {
        text.push_str(&format!("{name}\n"));
        if name.ends_with("_override.tf") {
            text.push_str(&content);
        }
    }
    let text = text.replace(stack.dir.to_str().expect("a path"), "DIR");
    expect![[r#"
        a/
        a/main.tf
        a/zz_multispace_files_override.tf
        terraform {
          backend "local" {
            path = "DIR/states/a"
          }
        }
        b/
        b/main.tf
        b/zz_multispace_files_override.tf
        terraform {
          backend "local" {
            path = "DIR/states/b"
          }
        }
        held/
        held/main.tf
        reader/
        reader/main.tf
        reader/zz_multispace_files_override.tf
        data "terraform_remote_state" "a" {
          config = {
            path = "DIR/states/a"
          }
        }
        data "terraform_remote_state" "each" {
          config = {
            path = { "a" = "DIR/states/a", "b" = "DIR/states/b" }[each.key]
          }
        }
        states/
    "#]]
    .assert_eq(&text);
}
