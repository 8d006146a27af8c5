//! Values of a root's variables from the files that Terraform loads by itself: `terraform.tfvars`, `terraform.tfvars.json`,
//! `*.auto.tfvars` and `*.auto.tfvars.json`, later ones winning. Source: "Assigning values to root module variables" in
//! Terraform's documentation.
//!
//! Absent: `-var`, `-var-file` and `TF_VAR_` variables; they are not in the code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Text};
use crate::value::Value;
use crate::{evaluate, json, module};

/// Adds the values that the files in `folder` give to `given`, and the files to `files`.
pub(crate) fn read(
    folder: &Path,
    display: &dyn Fn(&Path) -> String,
    given: &mut BTreeMap<String, Option<Value>>,
    files: &mut Vec<PathBuf>,
    problems: &mut Vec<Diagnostic>,
) {
    for path in paths(folder) {
        let shown = display(&path);
        let Some(text) = module::read_text(&path, shown.clone(), problems) else { continue };
        let text = Text::new(shown, text);
        if path.extension().is_some_and(|extension| extension == "json") {
            match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text.text) {
                Ok(entries) => given.extend(
                    entries
                        .iter()
                        .map(|(name, value)| (name.clone(), evaluate::literal(&json::expression(value)).ok())),
                ),
                Err(error) => problems.push(module::json_error(&text, &error)),
            }
        } else {
            match hcl_edit::parser::parse_body(&text.text) {
                Ok(body) => given
                    .extend(body.attributes().map(|attribute| {
                        (attribute.key.as_str().to_owned(), evaluate::literal(&attribute.value).ok())
                    })),
                Err(error) => problems.push(module::syntax_error(&text, &error)),
            }
        }
        files.push(path);
    }
}

fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = ["terraform.tfvars", "terraform.tfvars.json"].map(|name| folder.join(name)).into();
    let mut automatic: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json")
        })
        .collect();
    automatic.sort();
    paths.extend(automatic);
    paths.retain(|path| path.is_file());
    paths
}
