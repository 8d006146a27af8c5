//! Packages of providers are compared with the lock file once, and terraform still refuses one that is wrong. The provider of these tests is
//! ours, in a mirror; their terraform notes each command, and how many checksums the lock file has by then.

use std::fs::{self, File};
use std::path::PathBuf;

use executor::FailureKind;

use crate::mirror::{LOCK, Mirror, script};
use crate::setting::{Setting, bad, good, plain, run};

const CODE: &str = "terraform {\n  required_providers {\n    x = {\n      source = \"example.com/acme/x\"\n    }\n  }\n}\nresource \"terraform_data\" \"a\" {}\n";
const REFUSED: &str = "does not match any of the checksums recorded in the dependency lock file";

/// A mirror with a provider, the lock file of a root that asks for it, and a terraform that notes.
struct Place {
    mirror: Mirror,
    lock: String,
}

impl Place {
    async fn new() -> Self {
        let mirror = Mirror::new().await;
        let place = Self { lock: mirror.locked(CODE), mirror };
        let text = format!(
            "#!/bin/sh\n[ \"$1\" = version ] || echo \"$1 $(grep -c h1: {LOCK})\" >> '{}'\nexec terraform \"$@\"\n",
            place.noted().display()
        );
        script(&place.terraform(), &text);
        place
    }

    fn executable(&self) -> PathBuf {
        self.mirror.executable()
    }

    fn noted(&self) -> PathBuf {
        self.mirror.path().join("noted")
    }

    fn terraform(&self) -> PathBuf {
        self.mirror.path().join("terraform")
    }

    /// A run with that lock file.
    fn run(&self) -> Setting {
        let mut setting = run(&[("main.tf", CODE), (LOCK, &self.lock)]);
        setting.work.terraform = self.terraform();
        setting.work.initialised = Some(self.mirror.path().join("initialised"));
        setting.work.cli_config = self.mirror.cli_config();
        setting
    }

    /// What was asked since this was asked last, each with the number of checksums.
    fn asked(&self) -> Vec<String> {
        let noted = fs::read_to_string(self.noted()).unwrap_or_default();
        fs::write(self.noted(), "").unwrap();
        noted.lines().map(str::to_owned).collect()
    }

    /// How many packages are remembered.
    fn remembered(&self) -> usize {
        fs::read_dir(self.mirror.path().join("verified")).map_or(0, Iterator::count)
    }

    /// Changes a byte, and sets the time of the file back; once more, and it is as it was.
    fn tamper(&self) {
        let before = fs::metadata(self.executable()).unwrap().modified().unwrap();
        let mut bytes = fs::read(self.executable()).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(self.executable(), bytes).unwrap();
        File::options().write(true).open(self.executable()).unwrap().set_modified(before).unwrap();
    }
}

#[tokio::test]
async fn a_package_is_compared_once_and_one_that_is_changed_after_that_is_refused_by_terraform() {
    let place = Place::new().await;
    place.run().done().await;
    assert_eq!(place.asked(), ["init 1", "plan 0", "show 0", "apply 0"]);
    assert_eq!(place.remembered(), 1);
    let second = place.run();
    second.done().await;
    assert_eq!(place.asked(), ["plan 0", "show 0", "apply 0"]);
    assert_eq!(place.remembered(), 1);
    let (at_once, heard) = place.run().at_once().await;
    good(at_once, &heard.text());
    assert_eq!(place.asked(), ["apply 0"]);

    place.tamper();
    let (planned, log) = place.run().plan().await;
    assert_eq!(bad(planned).kind, FailureKind::Terraform);
    assert!(plain(&log).replace('\n', " ").contains(REFUSED), "{log}");
    assert_eq!(place.asked(), ["plan 1"], "terraform was left to compare");
    let (planned, log) = place.run().plan().await;
    assert_eq!(bad(planned).kind, FailureKind::Terraform, "{log}");
    assert_eq!(place.asked(), ["init 1"], "what init had made was forgotten, and init refuses too");

    place.tamper();
    place.run().done().await;
    assert_eq!(place.asked(), ["init 1", "plan 0", "show 0", "apply 0"]);
}

#[tokio::test]
async fn a_package_that_is_changed_between_a_plan_and_its_apply_is_refused_by_terraform() {
    let place = Place::new().await;
    let run = place.run();
    let (planned, log) = run.plan().await;
    good(planned, &log);
    place.tamper();
    place.asked();
    let (applied, log) = run.apply().await;
    assert_eq!(bad(applied).kind, FailureKind::Terraform);
    assert!(plain(&log).replace('\n', " ").contains(REFUSED), "{log}");
    assert_eq!(place.asked(), ["apply 1"]);
    assert_eq!(fs::read_to_string(run.work.folder.join("source").join(LOCK)).unwrap(), place.lock);
}

#[tokio::test]
async fn a_package_that_was_written_anew_with_the_same_bytes_does_for_a_plan_that_was_made() {
    let place = Place::new().await;
    let run = place.run();
    let (planned, log) = run.plan().await;
    good(planned, &log);
    place.tamper();
    place.tamper();
    let again = place.mirror.path().join("again");
    fs::copy(place.executable(), &again).unwrap();
    fs::rename(again, place.executable()).unwrap();
    File::options().write(true).open(place.executable()).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    place.asked();
    let (applied, log) = run.apply().await;
    good(applied, &log);
    assert_eq!((place.asked(), place.remembered()), (vec!["apply 0".to_owned()], 2));
}

#[tokio::test]
async fn a_folder_that_is_made_anew_around_a_plan_has_the_lock_file_that_the_plan_was_made_with() {
    let place = Place::new().await;
    for (kept_by_plan, asked) in [(true, ["init 1", "apply 0"]), (false, ["init 1", "apply 1"])] {
        let mut run = place.run();
        let kept = run.work.initialised.clone();
        run.work.initialised = kept.clone().filter(|_| kept_by_plan);
        let (planned, log) = run.plan().await;
        run.work.plan_file = good(planned, &log).plan_file;
        fs::remove_dir_all(&run.work.folder).unwrap();
        fs::remove_dir_all(kept.as_ref().unwrap()).or_else(|_| fs::create_dir(place.mirror.path().join("x"))).unwrap();
        run.work.initialised = kept;
        place.asked();
        let (applied, log) = run.apply().await;
        good(applied, &log);
        assert_eq!(place.asked(), asked);
    }
}

#[tokio::test]
async fn a_root_without_a_lock_file_is_left_to_terraform() {
    let place = Place::new().await;
    let mut run = place.run();
    run.work.source = executor::Source::Archive(crate::setting::archive(&[("main.tf", CODE)]));
    run.done().await;
    assert_eq!(place.asked().join(" "), "init  plan 1 show 1 apply 1");
    assert_eq!(place.remembered(), 0);
}

#[tokio::test]
async fn what_init_will_take_is_read_while_it_runs() {
    let place = Place::new().await;
    let verified = place.mirror.path().join("verified");
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = init ]; then\n  for it in $(seq 1000); do\n    [ -n \"$(ls '{}' 2>/dev/null)\" ] && exec terraform \"$@\"\n    sleep 0.01\n  done\n  exit 1\nfi\nexec terraform \"$@\"\n",
        verified.display()
    );
    script(&place.terraform(), &text);
    let (planned, log) = place.run().plan().await;
    good(planned, &log);
    assert_eq!(place.remembered(), 1);
}
