//! What a single workspace gets of a stack's code.

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use configuration::{Limits, Parts, pack, read_stack, unpack};

use crate::{folder, write};

/// The files of an archive.
fn files(archive: &[u8]) -> BTreeSet<String> {
    let to = tempfile::tempdir().expect("a folder");
    unpack(archive, to.path(), &Limits::default()).expect("it is unpacked");
    let mut found = BTreeSet::new();
    let mut queue = vec![to.path().to_owned()];
    while let Some(folder) = queue.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                queue.push(path);
            } else {
                found.insert(path.strip_prefix(to.path()).expect("inside").display().to_string());
            }
        }
    }
    found
}

/// What `a` gets; `None` for the whole stack.
fn part(dir: &Path) -> Option<BTreeSet<String>> {
    let stack = read_stack(dir).expect("a stack");
    let parts = Parts::of(&stack, &Limits::default()).expect("its files");
    parts.pack("a").expect("it is packed").map(|archive| files(&archive))
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

const STACK: [(&str, &str); 8] = [
    (
        "a/main.tf",
        "module \"m\" {\n  source = \"../modules/m\"\n}\ndata \"terraform_remote_state\" \"b\" {\n  backend = \"local\"\n  config = { path = \"../b/terraform.tfstate\" }\n}\n",
    ),
    ("a/files/x.json", "{}"),
    ("a/.terraform.lock.hcl", ""),
    ("modules/m/main.tf", "module \"n\" {\n  source = \"../n\"\n}\n"),
    ("modules/n/main.tf", "locals {\n  x = file(\"${path.module}/x.txt\")\n}\n"),
    ("modules/n/x.txt", "x"),
    ("b/main.tf", "output \"x\" {\n  value = 1\n}\n"),
    ("loose.txt", ""),
];

#[test]
fn a_workspace_gets_its_folder_and_the_modules_that_it_reaches_where_the_whole_has_them() {
    let dir = folder(&STACK);
    let all = [
        "a/main.tf",
        "a/files/x.json",
        "a/.terraform.lock.hcl",
        "modules/m/main.tf",
        "modules/n/main.tf",
        "modules/n/x.txt",
    ];
    assert_eq!(part(dir.path()), Some(names(&all)));
    let stack = read_stack(dir.path()).expect("a stack");
    let whole = files(&pack(&stack, &Limits::default()).expect("it is packed"));
    assert!(names(&all).is_subset(&whole));
    assert!(whole.contains("loose.txt"));
}

#[test]
fn the_same_files_give_the_same_bytes_and_a_part_is_as_it_is_when_it_is_packed() {
    let dir = folder(&STACK);
    let stack = read_stack(dir.path()).expect("a stack");
    let parts = Parts::of(&stack, &Limits::default()).expect("its files");
    let first = parts.pack("a").expect("it is packed");
    assert_eq!(first, parts.pack("a").expect("it is packed"));
    write(dir.path(), "a/files/x.json", "[]");
    assert_ne!(first, parts.pack("a").expect("it is packed"));
}

#[test]
fn whoever_may_look_further_gets_the_whole() {
    let more = [
        ("a/up.tf", "locals {\n  x = file(\"../b/y.txt\")\n}\n"),
        ("modules/n/up.tf", "locals {\n  y = fileset(\"${path.module}/../..\", \"*\")\n}\n"),
        ("a/dir.tf", "locals {\n  x = dirname(path.root)\n}\n"),
        ("a/abs.tf", "locals {\n  x = abspath(\".\")\n}\n"),
        ("a/cwd.tf", "locals {\n  x = path.cwd\n}\n"),
        (
            "a/run.tf",
            "resource \"terraform_data\" \"x\" {\n  provisioner \"local-exec\" {\n    command = \"make\"\n  }\n}\n",
        ),
        ("a/ext.tf", "data \"external\" \"x\" {\n  program = [\"make\"]\n}\n"),
        ("a/for.tf", "locals {\n  x = \"%{for it in [\"..\"]}${it}%{endfor}\"\n}\n"),
        ("a/build.sh", "cd ..\n"),
        ("modules/m/tool.PY", ""),
        ("a/below/main.tf", "output \"x\" {\n  value = 1\n}\n"),
    ];
    for (name, text) in more {
        let dir = folder(&STACK);
        write(dir.path(), name, text);
        assert_eq!(part(dir.path()), None, "{name}");
    }
    let dir = folder(&STACK);
    let tool = dir.path().join("a/tool");
    write(dir.path(), "a/tool", "");
    assert!(part(dir.path()).is_some());
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).expect("it may be run");
    assert_eq!(part(dir.path()), None, "a file that may be run");
    std::fs::remove_file(&tool).expect("it is gone");
    symlink("../b/main.tf", &tool).expect("a link");
    assert_eq!(part(dir.path()), None, "a link");
}
