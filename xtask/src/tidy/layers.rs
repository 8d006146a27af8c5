//! Which crate may depend on which: the layers that ARCHITECTURE.md draws.
//!
//! Only what goes into the build counts; a test may use what it likes.

use std::path::Path;

use anyhow::{Context, Result};

use super::Violation;
use crate::{process, tree};

/// What one crate may and may not depend on.
struct Layer {
    name: &'static str,
    /// Crates of this repository that it may see.
    siblings: &'static [&'static str],
    /// Crates from elsewhere that it may use; empty where `never` says it.
    only: &'static [&'static str],
    /// Crates from elsewhere that it must not use, by the start of their name.
    never: &'static [&'static str],
}

const LAYERS: &[Layer] = &[
    Layer { name: "domain", siblings: &[], only: &["chrono", "thiserror"], never: &[] },
    Layer {
        name: "wire",
        siblings: &["domain"],
        only: &[],
        never: &["axum", "clap", "hyper", "reqwest", "rusqlite", "sea-orm", "sqlx", "tokio"],
    },
    Layer {
        name: "client",
        siblings: &["domain", "wire"],
        only: &[],
        never: &["axum", "clap", "rusqlite", "sea-orm", "sqlx", "tonic"],
    },
    Layer {
        name: "provider",
        siblings: &["domain", "wire", "client"],
        only: &[],
        never: &["axum", "clap", "rusqlite", "sea-orm", "sqlx", "anyhow"],
    },
    Layer {
        name: "configuration",
        siblings: &["domain"],
        only: &[],
        never: &["axum", "clap", "hyper", "reqwest", "rusqlite", "sea-orm", "sqlx", "tokio"],
    },
    Layer {
        name: "executor",
        siblings: &["domain", "configuration"],
        only: &[],
        never: &["axum", "clap", "reqwest", "rusqlite", "sea-orm", "sqlx"],
    },
    Layer {
        name: "server",
        siblings: &["domain", "wire", "configuration", "executor"],
        only: &[],
        never: &["clap", "indicatif", "miette", "anyhow"],
    },
    Layer {
        name: "multispace",
        siblings: &["domain", "wire", "client", "configuration", "executor", "server"],
        only: &[],
        never: &["rusqlite", "sea-orm", "sqlx"],
    },
    // For tests: the others have it as a dev-dependency, which does not count.
    Layer { name: "chromium", siblings: &[], only: &["base64", "nix", "serde_json", "tempfile", "tokio"], never: &[] },
    Layer { name: "figures", siblings: &[], only: &["serde_json"], never: &[] },
    Layer { name: "fuzz", siblings: &["figures"], only: &[], never: &["serde", "tokio"] },
    Layer {
        name: "xtask",
        siblings: &[],
        only: &["anyhow", "semver", "serde_json", "spdx", "toml_edit", "wait4"],
        never: &[],
    },
];

pub(super) fn check() -> Result<Vec<Violation>> {
    let metadata =
        process::output(process::cargo().args(["metadata", "--no-deps", "--format-version=1", "--offline"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let own: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();

    let mut violations = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let Some(layer) = LAYERS.iter().find(|layer| layer.name == name) else {
            violations.push(Violation::new(
                manifest,
                0,
                format!("the crate `{name}` has no layer"),
                "say in xtask/src/tidy/layers.rs what it may depend on, and in ARCHITECTURE.md what it is",
            ));
            continue;
        };
        let text = tree::read(manifest)?;
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let needed = dependency["name"].as_str().unwrap_or_default();
            if dependency["kind"] == "dev" {
                continue;
            }
            if let Some(advice) = refused(layer, needed, own.contains(&needed)) {
                let line = text.lines().position(|line| line.starts_with(needed)).map_or(0, |at| at + 1);
                violations.push(Violation::new(
                    manifest,
                    line,
                    format!("`{name}` must not depend on `{needed}`"),
                    advice,
                ));
            }
        }
    }
    Ok(violations)
}

/// Why this dependency is refused, as advice; `None` when it is allowed.
fn refused(layer: &Layer, needed: &str, is_sibling: bool) -> Option<String> {
    if is_sibling {
        return (!layer.siblings.contains(&needed)).then(|| match layer.siblings {
            [] => "it stands beneath every other crate: move what you need down, or pass it in as a value".to_owned(),
            allowed => format!("it may see {} only: move what you need there, or call from above", allowed.join(", ")),
        });
    }
    if !layer.only.is_empty() && !layer.only.contains(&needed) {
        return Some(format!("it uses {} only, which keeps it pure and quick to build", layer.only.join(", ")));
    }
    layer
        .never
        .iter()
        .any(|never| needed.starts_with(never))
        .then(|| "this belongs to another layer: see the table in ARCHITECTURE.md".to_owned())
}
