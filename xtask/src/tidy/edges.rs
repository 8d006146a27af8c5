//! The room-to-room edges of the server as a golden file: a new edge is a line that somebody sees in review.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;

use super::{Violation, rooms, source};
use crate::tree;

const HEADER: &str = "\
# Which room of the server calls which, and which floors call rooms. Written by `cargo xtask bless`.
";

pub(super) fn check() -> Result<Vec<Violation>> {
    let file = golden();
    let (now, golden) = (edges()?, std::fs::read_to_string(&file).unwrap_or_default());
    let golden: BTreeSet<String> = golden.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    let changed = |edge: &String, what: &str| {
        Violation::new(&file, 0, format!("the edge `{edge}` is {what}"), "if that is meant, run `cargo xtask bless`")
    };
    let mut violations: Vec<Violation> = now.difference(&golden).map(|edge| changed(edge, "new")).collect();
    violations.extend(golden.difference(&now).map(|edge| changed(edge, "gone")));
    Ok(violations)
}

pub(super) fn bless() -> Result<()> {
    let file = golden();
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let lines: String = edges()?.into_iter().map(|edge| edge + "\n").collect();
    std::fs::write(&file, format!("{HEADER}{lines}"))?;
    Ok(())
}

/// The room that a module or path is in, or leads to.
pub(super) fn room_of(path: &[String]) -> Option<&str> {
    match path {
        [root, resources, room, ..] if root == "crate" && resources == "resources" => Some(room),
        _ => None,
    }
}

fn golden() -> PathBuf {
    tree::root().join("docs/golden/rooms.txt")
}

/// `from -> to`, where `from` is a room or a floor (`scheduler`, `edge`) and `to` a room. serve.rs and
/// local.rs, the entrances, name them all.
fn edges() -> Result<BTreeSet<String>> {
    let mut edges = BTreeSet::new();
    for (file, module) in rooms::server_files()? {
        let Some(from) = room_of(&module).or_else(|| module.get(1).map(String::as_str)) else { continue };
        if matches!(from, "serve" | "local" | "resources") {
            continue;
        }
        for reference in source::references(&module, &tree::read(&file)?) {
            if let Some(to) = room_of(&reference.path).filter(|to| *to != from && *to != "*") {
                edges.insert(format!("{from} -> {to}"));
            }
        }
    }
    Ok(edges)
}
