//! Whose a file is, and so which workspaces a change concerns.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;

use configuration::{Limits, Stack, files_by_workspace, read_stack, workspaces_of_changes};
use tempfile::TempDir;

use crate::folder;

/// A repository with a stack in `live` and a module beside it.
struct Repository {
    dir: TempDir,
    stack: Stack,
}

impl Repository {
    fn new() -> Self {
        let calls = |source: &str| format!("module \"x\" {{\n  source = \"{source}\"\n}}\n");
        let dir = folder(&[
            ("repo/live/network/main.tf", ""),
            ("repo/live/network/templates/init.sh", ""),
            ("repo/live/app/main.tf", &calls("../../shared/service")),
            ("repo/live/app/db/main.tf", &calls("../../modules/rds")),
            ("repo/live/dns/main.tf", "locals {\n  zones = file(\"${path.module}/../zones.yaml\")\n}\n"),
            ("repo/live/modules/rds/main.tf", &calls("../tags")),
            ("repo/live/modules/tags/main.tf", ""),
            ("repo/live/zones.yaml", ""),
            ("repo/live/.terraformignore", "*.md\ndocs/\n"),
            ("repo/live/multispace.hcl", ""),
            ("repo/live/common/tags.json", "{}"),
            ("repo/shared/service/main.tf", ""),
            ("repo/shared/service/README.md", ""),
            ("repo/shared/other/main.tf", ""),
        ]);
        let live = dir.path().join("repo/live");
        symlink("../common/tags.json", live.join("network/tags.json")).expect("a link");
        symlink("../common", live.join("app/common")).expect("a link");
        let stack = read_stack(&live).expect("a stack");
        Self { dir, stack }
    }

    /// Names of the workspaces that changed when these files of the repository did.
    fn changed(&self, paths: &[&str]) -> String {
        let top = self.dir.path().canonicalize().expect("a path").join("repo");
        let changed: BTreeSet<_> = paths.iter().map(|path| top.join(path)).collect();
        let names = workspaces_of_changes(&self.stack, &Limits::default(), &changed).expect("names");
        names.into_iter().collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn a_file_is_of_the_nearest_root_whether_it_is_there_or_not() {
    let repository = Repository::new();
    assert_eq!(repository.changed(&["live/network/main.tf"]), "network");
    assert_eq!(repository.changed(&["live/network/templates/init.sh"]), "network");
    assert_eq!(repository.changed(&["live/network/gone/deep/policy.json"]), "network");
    assert_eq!(repository.changed(&["live/app/main.tf"]), "app", "what is below it is another root");
    assert_eq!(repository.changed(&["live/app/db/main.tf"]), "app-db");
    assert_eq!(repository.changed(&["live/app/main.tf", "live/network/old.tf"]), "app network");
    assert_eq!(repository.changed(&[]), "");
}

#[test]
fn a_module_is_of_every_root_that_reaches_it_wherever_it_is() {
    let repository = Repository::new();
    assert_eq!(repository.changed(&["live/modules/tags/gone.tf"]), "app-db", "through the module that calls it");
    assert_eq!(repository.changed(&["shared/service/main.tf"]), "app");
    assert_eq!(repository.changed(&["shared/service/templates/x"]), "app");
    assert_eq!(repository.changed(&["shared/other/main.tf", "README.md", "live-too/main.tf"]), "", "nobody calls it");
}

#[test]
fn loose_files_are_of_the_roots_whose_code_goes_up() {
    let repository = Repository::new();
    assert_eq!(repository.changed(&["live/zones.yaml"]), "dns");
    assert_eq!(repository.changed(&["live/removed-root/main.tf"]), "dns");
}

#[test]
fn what_a_link_leads_to_is_of_whoever_has_the_link() {
    let repository = Repository::new();
    assert_eq!(repository.changed(&["live/common/tags.json"]), "app dns network");
    assert_eq!(repository.changed(&["live/common/new.json"]), "app dns");
    assert_eq!(repository.changed(&["live/app/common"]), "app", "the link itself");
}

#[test]
fn what_runs_never_get_concerns_nobody() {
    let repository = Repository::new();
    for path in [
        "live/network/README.md",
        "live/docs/zones.json",
        "live/network/.terraform/modules/modules.json",
        "live/network/terraform.tfstate",
        "live/.multispace/multispace.db",
    ] {
        assert_eq!(repository.changed(&[path]), "", "{path}");
    }
    assert_eq!(repository.changed(&["live/network/.terraform.lock.hcl"]), "network");
    assert_eq!(repository.changed(&["shared/service/README.md"]), "app", "the rules are of the stack's folder alone");
}

#[test]
fn the_settings_and_the_rules_of_what_is_left_out_concern_every_workspace() {
    let repository = Repository::new();
    assert_eq!(repository.changed(&["live/multispace.hcl"]), "app app-db dns network");
    assert_eq!(repository.changed(&["live/.terraformignore"]), "app app-db dns network");
    assert_eq!(repository.changed(&["live/network/multispace.hcl"]), "network");
}

#[test]
fn a_submodule_concerns_whoever_has_code_in_it() {
    let repository = Repository::new();
    assert_eq!(repository.changed(&["shared"]), "app");
    assert_eq!(repository.changed(&["live/modules/rds"]), "app-db");
    assert_eq!(repository.changed(&["live/app/"]), "app app-db");
}

#[test]
fn the_files_of_a_workspace_are_those_whose_change_concerns_it() {
    let repository = Repository::new();
    let files = files_by_workspace(&repository.stack, &Limits::default()).expect("files");
    let of = |name: &str| files[name].keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(of("app-db"), ["live/app/db/main.tf", "live/modules/rds/main.tf", "live/modules/tags/main.tf"]);
    assert_eq!(
        of("dns"),
        ["live/.terraformignore", "live/common/tags.json", "live/dns/main.tf", "live/zones.yaml"],
        "its own, and the loose ones"
    );
    assert_eq!(of("network"), ["live/network/main.tf", "live/network/tags.json", "live/network/templates/init.sh"]);
}
