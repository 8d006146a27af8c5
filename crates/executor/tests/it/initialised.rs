//! What `init` made is used again by runs that ask for the same. The terraform of these tests notes each command before it is the
//! real one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use executor::{Backend, FailureKind, Source};

use crate::setting::{Setting, archive, bad, good, outputs, run, terraform};

const ROOT: &str = r#"
variable "size" {
  type    = number
  default = 1
}
module "m" {
  source = "./m"
  size   = var.size
}
output "size" { value = module.m.size }
"#;
const MODULE: &str = r#"
variable "size" {}
resource "terraform_data" "x" { input = var.size }
output "size" { value = terraform_data.x.output }
"#;

/// A place that keeps what `init` made, and a terraform that notes what it is asked.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        let text = format!("#!/bin/sh\necho \"$1\" >> '{}'\nexec terraform \"$@\"\n", place.noted().display());
        fs::write(place.terraform(), text).unwrap();
        fs::set_permissions(place.terraform(), fs::Permissions::from_mode(0o755)).unwrap();
        place
    }

    fn noted(&self) -> PathBuf {
        self.folder.path().join("noted")
    }

    fn terraform(&self) -> PathBuf {
        self.folder.path().join("terraform")
    }

    fn kept(&self) -> PathBuf {
        self.folder.path().join("kept")
    }

    /// A run of these files here.
    fn run(&self, files: &[(&str, &str)]) -> Setting {
        let mut setting = run(files);
        setting.work.terraform = self.terraform();
        setting.work.initialised = Some(self.kept());
        setting
    }

    /// What was asked since this was asked last.
    fn asked(&self) -> Vec<String> {
        let noted = fs::read_to_string(self.noted()).unwrap_or_default();
        fs::write(self.noted(), "").unwrap();
        noted.lines().filter(|line| *line != "version").map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn a_run_that_asks_for_the_same_does_not_initialise_again() {
    let place = Place::new();
    let files = [("main.tf", ROOT), ("m/main.tf", MODULE)];
    let first = place.run(&files);
    let (_, applied, _) = first.done().await;
    assert_eq!(place.asked(), ["init", "plan", "show", "apply"]);

    let (planned, log) = first.next(applied.state.clone()).plan().await;
    assert!(!good(planned, &log).has_changes, "{log}");
    let mut changed = first.next(applied.state);
    changed.work.variables = vec![terraform("size", "2")];
    changed.work.source =
        Source::Archive(archive(&[("main.tf", &ROOT.replace("default = 1", "default = 7")), ("m/main.tf", MODULE)]));
    let (planned, applied, _) = changed.done().await;
    assert!(planned.has_changes);
    assert_eq!(outputs(&applied.state.unwrap())["size"]["value"], 2);
    assert_eq!(place.asked(), ["plan", "show", "plan", "show", "apply"]);

    // Another workspace with code that asks for the same.
    let mut other = place.run(&files);
    other.work.names.workspace = "staging".into();
    let (planned, applied, _) = other.done().await;
    let kept = fs::read_dir(place.kept()).unwrap().map(|it| it.unwrap().path().join(".terraform/environment"));
    assert_eq!(kept.filter(|file| file.exists()).count(), 0, "the name of a workspace is its own");
    assert_eq!((planned.counts.additions, outputs(&applied.state.unwrap())["size"]["value"].clone()), (1, 1.into()));
    assert_eq!(place.asked(), ["plan", "show", "apply"]);
}

#[tokio::test]
async fn a_run_that_asks_for_something_else_initialises() {
    let place = Place::new();
    place.run(&[("main.tf", ROOT), ("m/main.tf", MODULE)]).done().await;
    place.asked();
    let twice = format!("{ROOT}\nmodule \"n\" {{\n  source = \"./m\"\n  size = 3\n}}\n");
    place.run(&[("main.tf", &twice), ("m/main.tf", MODULE)]).done().await;
    assert_eq!(place.asked(), ["init", "plan", "show", "apply"]);
    let mut own = place.run(&[("main.tf", ROOT), ("m/main.tf", MODULE)]);
    own.work.backend = Backend::Own;
    own.done().await;
    assert_eq!(place.asked(), ["init", "plan", "show", "apply"], "a backend of its own may be anywhere");
}

#[tokio::test]
async fn what_is_kept_and_does_not_do_is_forgotten() {
    let place = Place::new();
    let files = [("main.tf", ROOT), ("m/main.tf", MODULE)];
    place.run(&files).done().await;
    let kept: Vec<PathBuf> = fs::read_dir(place.kept()).unwrap().map(|it| it.unwrap().path()).collect();
    let [kept] = kept.as_slice() else { panic!("{kept:?}") };
    fs::write(kept.join(".terraform/modules/modules.json"), "{\"Modules\":[]}").unwrap();
    place.asked();
    assert_eq!(bad(place.run(&files).plan().await.0).kind, FailureKind::Terraform);
    assert_eq!(place.asked(), ["plan"]);
    place.run(&files).done().await;
    assert_eq!(place.asked(), ["init", "plan", "show", "apply"]);
}

#[tokio::test]
async fn what_init_would_choose_anew_is_not_kept() {
    let place = Place::new();
    // An archive that brings something of an init along.
    let files = [("main.tf", ROOT), ("m/main.tf", MODULE), (".terraform/modules/notes", "x")];
    place.run(&files).done().await;
    assert!(!Path::new(&place.kept()).exists());
    // A failed init leaves nothing behind.
    let missing = "module \"m\" {\n  source = \"./missing\"\n}\n";
    bad(place.run(&[("main.tf", missing)]).plan().await.0);
    assert!(!place.kept().exists());
}
