//! `multispace provider install`: our provider where terraform finds it, without a registry or a network.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::child::{self, Outcome};
use crate::harness::server::run_multispace;
use crate::harness::{path, provider};

fn terraform(folder: &Path, home: &Path, cli_config: Option<&Path>, args: &[&str]) -> Outcome {
    let mut command = Command::new("terraform");
    command.args(args).current_dir(folder).env_clear().env("PATH", path()).env("HOME", home);
    command.env("CHECKPOINT_DISABLE", "1").envs(cli_config.map(|file| ("TF_CLI_CONFIG_FILE", file)));
    child::run(&mut command, "")
}

fn root(folder: &Path, source: &str) {
    let code =
        format!("terraform {{\n  required_providers {{\n    tfe = {{\n      source = \"{source}\"\n    }}\n  }}\n}}\n");
    fs::write(folder.join("main.tf"), code).unwrap();
}

#[test]
fn terraform_finds_what_was_installed_into_the_home_folder_by_itself() {
    let home = tempfile::tempdir().unwrap();
    let said = run_multispace(home.path(), &["provider", "install", "--executable", provider()]).succeeds();
    assert!(said.stdout.contains("tfe        = { source = \"multispace/tfe\", version = \"0.1.0\" }"), "{said:?}");
    let folder = tempfile::tempdir().unwrap();
    root(folder.path(), "multispace/tfe");
    terraform(folder.path(), home.path(), None, &["init"]).succeeds();
    let schema = terraform(folder.path(), home.path(), None, &["providers", "schema", "-json"]).succeeds();
    assert!(schema.stdout.contains("tfe_workspace_run"));
}

#[test]
fn it_stands_in_for_the_original_from_a_mirror_with_the_configuration_that_it_prints() {
    let home = tempfile::tempdir().unwrap();
    let mirror = home.path().join("mirror");
    let args = ["provider", "install", "--stand-in", "hashicorp/tfe@0.62.1", "--executable", provider(), "--mirror"];
    let said = run_multispace(home.path(), &[&args[..], &[mirror.to_str().unwrap()]].concat()).succeeds();
    let (_, cli_config) = said.stdout.split_once("~/.terraformrc):").unwrap();
    let file = home.path().join("cli.tfrc");
    fs::write(&file, cli_config).unwrap();
    let folder = tempfile::tempdir().unwrap();
    root(folder.path(), "hashicorp/tfe");
    terraform(folder.path(), home.path(), Some(&file), &["init"]).succeeds().says("v0.62.1");
}

#[test]
fn what_cannot_be_installed_is_said_in_two_sentences() {
    let home = tempfile::tempdir().unwrap();
    let install = |args: &[&str]| run_multispace(home.path(), &[&["provider", "install"], args].concat()).fails();
    install(&["--executable", "/nowhere/provider"]).says("/nowhere/provider").says("--executable");
    install(&["--executable", provider(), "--mirror", "/proc/nowhere"]).says("/proc/nowhere").says("may be written");
    install(&["--stand-in", "tfe"]).says("hashicorp/tfe@0.80.0");
}
