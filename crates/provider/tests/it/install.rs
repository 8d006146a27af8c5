//! The provider from a filesystem mirror, and the process itself.

use std::process::Command;

use super::ground::{Ground, PROVIDER};

const RUN: &str = "resource \"tfe_workspace_run\" \"one\" {\n workspace_id = \"ws-1\"\n apply { manual_confirm = false }\n \
                   destroy { manual_confirm = false }\n}\n";

#[test]
fn from_a_mirror_terraform_installs_plans_applies_and_destroys() {
    let ground = Ground::new(RUN);
    let os = if cfg!(target_arch = "aarch64") { "linux_arm64" } else { "linux_amd64" };
    let folder = ground.path().join("mirror/registry.terraform.io/hashicorp/tfe/0.80.0").join(os);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(PROVIDER, folder.join("terraform-provider-tfe_v0.80.0")).unwrap();
    ground.install(&format!("filesystem_mirror {{ path = \"{}\" }}", ground.path().join("mirror").display()));
    ground.succeeds(&["init", "-no-color", "-input=false"]);
    ground.succeeds(&["plan", "-no-color", "-input=false"]);
    ground.apply();
    assert_eq!(ground.state()["attributes"]["id"], "run-1");
    ground.succeeds(&["plan", "-no-color", "-input=false", "-detailed-exitcode"]);
    ground.destroy();
    assert_eq!(ground.double.world().runs.len(), 2);
}

#[test]
fn a_person_who_starts_the_plugin_is_told_what_it_is() {
    let output = Command::new(PROVIDER).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("plugin"));
    assert!(output.stdout.is_empty());
}
