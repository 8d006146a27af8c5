//! What `terraform init` is asked for by a root module and the local modules that it reaches: providers, modules, the backend.
//!
//! Source: what Terraform's `init` reads of the code (`terraform`, `provider` and `module` blocks, the types of resources, the
//! files of tests). Two roots that ask for the same get the same of it. Absent: versions and hashes that a lock file has.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hcl_edit::structure::{Block, Body};

use crate::backend::{normal, relative};
use crate::module;

/// Blocks that ask for nothing.
const ASK_NOTHING: [&str; 5] = ["variable", "output", "locals", "moved", "removed"];
/// Endings of files that Terraform and OpenTofu read as well, and that are not looked into here.
const OTHER_FILES: [&str; 6] = [".tftest.hcl", ".tftest.json", ".tfquery.hcl", ".tfquery.json", ".tofu", ".tofu.json"];

/// What `init` is asked for in the folder `root` (absolute), as text in which the order of blocks and what is said about other things
/// count for nothing.
///
/// `None` when that cannot be told: code that does not parse, modules that are not local, tests.
pub fn asked_of_init(root: &Path) -> Option<String> {
    let mut asked = BTreeSet::new();
    let mut folders = vec![root.to_owned()];
    let mut seen: BTreeSet<PathBuf> = folders.iter().cloned().collect();
    while let Some(folder) = folders.pop() {
        let shown = relative(&folder, root);
        if has_other_files(&folder) || has_other_files(&folder.join("tests")) {
            return None;
        }
        asked.insert(format!("{shown}:"));
        for name in module::in_order(&folder) {
            let mut problems = Vec::new();
            let (_, body) = module::parse(&folder.join(name), String::new(), &mut problems)?;
            for block in body.blocks() {
                asked.extend(asks(block).into_iter().map(|text| format!("{shown}: {text}")));
                if block.ident.as_str() == "module" {
                    folders.extend(called(&folder, block)?.into_iter().filter(|called| seen.insert(called.clone())));
                }
            }
        }
    }
    Some(asked.into_iter().map(|line| line + "\n").collect())
}

/// Whether `init` makes nothing that the root module in `root` needs: it calls no module, says nothing of backends and providers, and has only
/// resources of terraform's own provider.
pub fn asks_nothing_of_init(root: &Path) -> bool {
    let is_nothing = |line: &str| matches!(line.split_once(':'), Some((_, "" | " provider of terraform_")));
    asked_of_init(root).is_some_and(|asked| asked.lines().all(is_nothing))
}

/// What a block asks for.
fn asks(block: &Block) -> Vec<String> {
    let label = block.labels.first().map(|label| label.as_str()).unwrap_or_default();
    match block.ident.as_str() {
        nothing if ASK_NOTHING.contains(&nothing) => Vec::new(),
        "resource" | "data" | "ephemeral" => {
            // A provider is asked for by its name, or by the first word of the type.
            let by_type = label.split('_').next().unwrap_or_default();
            vec![attribute(block, "provider").unwrap_or_else(|| format!("provider of {by_type}_"))]
        }
        "provider" => {
            vec![format!("provider {label} {}", attribute(block, "version").unwrap_or_default()).trim_end().to_owned()]
        }
        "module" => ["source", "version", "providers"]
            .into_iter()
            .filter_map(|name| Some(format!("module {label} {}", attribute(block, name)?)))
            .collect(),
        "check" => block.body.blocks().flat_map(asks).collect(),
        _ => vec![Body::builder().block(block.clone()).build().to_string().trim().to_owned()],
    }
}

fn attribute(block: &Block, name: &str) -> Option<String> {
    block.body.get_attribute(name).map(|attribute| format!("{name} {}", attribute.value.to_string().trim()))
}

/// The folder that a module block calls; the outer `None` when it is not a local one. An override may leave the source out.
fn called(folder: &Path, block: &Block) -> Option<Option<PathBuf>> {
    if block.body.get_attribute("source").is_none() {
        return Some(None);
    }
    let source = module::literal_text(&block.body, "source").filter(|source| module::is_local(source))?;
    Some(Some(normal(&folder.join(source))))
}

fn has_other_files(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries
        .flatten()
        .any(|entry| OTHER_FILES.iter().any(|ending| entry.file_name().to_string_lossy().ends_with(ending)))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn asked(files: &[(&str, &str)]) -> Option<String> {
        asked_of_init(&written(files).path().join("root"))
    }

    fn written(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        folder
    }

    const ROOT: &str = r#"
        terraform {
          required_version = ">= 1.5"
        }
        variable "a" {}
        resource "terraform_data" "x" { input = var.a }
        data "aws_vpc" "y" { provider = aws.west }
        module "m" {
          source = "../m"
          size   = 3
        }
        check "c" {
          data "http" "up" { url = "https://example.com" }
        }
    "#;

    #[test]
    fn what_is_asked_for_is_named_with_the_module_that_asks() {
        let asked = asked(&[("root/main.tf", ROOT), ("m/main.tf", "resource \"random_id\" \"r\" {}")]).unwrap();
        expect![[r#"
            ../m:
            ../m: provider of random_
            .:
            .: module m source "../m"
            .: provider aws.west
            .: provider of http_
            .: provider of terraform_
            .: terraform {
                      required_version = ">= 1.5"
                    }
        "#]]
        .assert_eq(&asked);
    }

    #[test]
    fn what_asks_for_nothing_changes_nothing() {
        let module = ("m/main.tf", "resource \"random_id\" \"r\" {}");
        let changed =
            ROOT.replace("size   = 3", "size = 4").replace("variable \"a\" {}", "variable \"a\" { default = 1 }");
        let more = ("root/more.tf", "output \"o\" { value = 1 }\nresource \"terraform_data\" \"z\" {}");
        let before = asked(&[("root/main.tf", ROOT), module]);
        assert_eq!(asked(&[("root/main.tf", &changed), more, module]), before);
        for asks_more in [
            "resource \"null_resource\" \"n\" {}",
            "provider \"tfe\" {}",
            "module \"n\" {\n  source = \"../m\"\n}",
            "terraform {\n  required_providers {}\n}",
            "action \"local_command\" \"a\" {}",
        ] {
            assert_ne!(asked(&[("root/main.tf", ROOT), ("root/more.tf", asks_more), module]), before, "{asks_more}");
        }
    }

    #[test]
    fn a_root_of_terraform_itself_asks_for_nothing_and_any_other_does() {
        let nothing = |text: &str| asks_nothing_of_init(&written(&[("root/main.tf", text)]).path().join("root"));
        let own = "variable \"a\" {}\nresource \"terraform_data\" \"x\" {}\ndata \"terraform_remote_state\" \"u\" {}\n";
        assert!(nothing(own));
        for more in [
            "resource \"null_resource\" \"n\" {}",
            "data \"http\" \"h\" {}",
            "provider \"tfe\" {}",
            "module \"m\" {\n  source = \"./m\"\n}",
            "terraform {\n  cloud {}\n}",
            "terraform {\n  required_providers {}\n}",
            "resource {",
        ] {
            assert!(!nothing(&format!("{own}{more}")), "{more}");
        }
    }

    #[test]
    fn what_cannot_be_told_from_the_code_is_not_told() {
        for (name, text) in [
            ("root/a.tf", "resource {"),
            ("root/a.tf", "module \"m\" {\n  source = \"hashicorp/consul/aws\"\n}"),
            ("root/a.tf", "module \"m\" {\n  source = \"git::https://example.com/m.git\"\n}"),
            ("root/tests/a.tftest.hcl", ""),
            ("root/a.tofu", ""),
        ] {
            assert_eq!(asked(&[("root/main.tf", ""), (name, text)]), None, "{name}: {text}");
        }
    }
}
