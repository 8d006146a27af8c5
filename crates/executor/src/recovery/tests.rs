use std::fs;
use std::path::PathBuf;

use super::*;
use crate::folder::make_private;
use crate::work::{InDoubt, Unsaved};

struct Setting {
    _keep: tempfile::TempDir,
    folder: Folder,
    record: PhaseRecord,
}

fn setting() -> Setting {
    let keep = tempfile::tempdir().unwrap();
    let folder = Folder::new(keep.path());
    for made in [folder.source(), folder.logs(), folder.ring()] {
        make_private(&made).unwrap();
    }
    let record = PhaseRecord {
        phase: "apply".into(),
        run: "run-1".into(),
        step: "apply".into(),
        human: true,
        preamble: String::new(),
        state: Some(PathBuf::from("source/terraform.tfstate")),
        root: PathBuf::from("source"),
        pid: None,
        at_once: false,
        contained: false,
        started: None,
    };
    Setting { _keep: keep, folder, record }
}

impl Setting {
    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn recovered(&self, prior: Option<&str>) -> Recovery {
        of(&self.folder, &self.record, prior.map(|text| Bytes::from(text.to_owned())).as_ref())
    }
}

fn state(serial: u64, names: &[&str]) -> String {
    let resources: Vec<_> = names
        .iter()
        .map(|name| serde_json::json!({"mode": "managed", "type": "t", "name": name, "instances": [{"attributes": {"id": name}}]}))
        .collect();
    serde_json::json!({"version": 4, "serial": serial, "lineage": "l", "resources": resources}).to_string()
}

fn line(kind: &str, name: &str, action: &str) -> String {
    let hook = serde_json::json!({"resource": {"addr": format!("t.{name}")}, "action": action, "id_key": "id", "id_value": name});
    format!("{}\n", serde_json::json!({"@message": "x", "type": kind, "hook": hook}))
}

#[test]
fn the_ring_stands_in_for_a_file_that_was_torn() {
    let setting = setting();
    setting.write("source/terraform.tfstate", "");
    setting.write("ring/000000000001.tfstate", &state(2, &["a"]));
    setting.write("ring/000000000002.tfstate", &state(2, &["a", "b"]));
    assert_eq!(setting.recovered(Some(&state(1, &[]))).state.unwrap(), state(2, &["a", "b"]));
}

#[test]
fn within_a_serial_the_place_written_last_wins() {
    let setting = setting();
    setting.write("ring/000000000001.tfstate", &state(2, &["a"]));
    setting.write("source/terraform.tfstate", &state(2, &["a", "b"]));
    assert_eq!(setting.recovered(None).state.unwrap(), state(2, &["a", "b"]));
    setting.write("source/errored.tfstate", &state(2, &["a", "b", "c"]));
    assert_eq!(setting.recovered(None).state.unwrap(), state(2, &["a", "b", "c"]));
}

#[test]
fn a_printed_state_is_found_in_the_log() {
    let setting = setting();
    setting.write("source/terraform.tfstate", "{\"version\":4");
    setting.write("source/errored.tfstate", "");
    let dump = state(3, &["a"]);
    setting
        .write("log/apply", &format!("{{\"@message\":\"Emergency state dump\",\"type\":\"log\",\"state\":{dump}}}\n"));
    assert_eq!(setting.recovered(Some(&state(2, &[]))).state.unwrap(), dump);
}

#[test]
fn the_state_from_before_is_not_something_that_was_saved() {
    let setting = setting();
    let prior = state(2, &["a"]);
    setting.write("source/terraform.tfstate", &prior);
    setting.write("source/terraform.tfstate.backup", &state(1, &[]));
    assert!(setting.recovered(Some(&prior)).state.is_none());
}

#[test]
fn what_the_log_says_and_the_state_does_not_is_unsaved_or_in_doubt() {
    let setting = setting();
    setting.write("source/terraform.tfstate", &state(2, &["saved", "gone"]));
    let log = [
        line("apply_start", "saved", "create"),
        line("apply_complete", "saved", "create"),
        line("apply_start", "lost", "create"),
        line("apply_complete", "lost", "create"),
        line("apply_start", "gone", "delete"),
        line("apply_complete", "gone", "delete"),
        line("apply_start", "failed", "create"),
        line("apply_errored", "failed", "create"),
        line("apply_start", "open", "update"),
        line("apply_start", "read", "read"),
        "{\"type\":\"apply_comp".to_owned(),
    ];
    setting.write("log/apply", &log.concat());
    let recovery = setting.recovered(None);
    let unsaved = |name: &str, action: &str| Unsaved {
        address: format!("t.{name}"),
        id_key: "id".into(),
        id_value: name.into(),
        action: action.into(),
    };
    assert_eq!(recovery.unsaved, [unsaved("gone", "delete"), unsaved("lost", "create")]);
    assert_eq!(recovery.in_doubt, [InDoubt { address: "t.open".into(), action: "update".into() }]);
}

#[test]
fn an_object_that_was_replaced_is_told_from_the_one_in_its_place() {
    let setting = setting();
    // The state is from before: under the address it has the old object.
    setting.write("source/terraform.tfstate", &state(2, &["a"]));
    let made = line("apply_complete", "a", "create").replace("\"id_value\":\"a\"", "\"id_value\":\"new\"");
    // Made first, then the old one removed: terraform's last line about the address has no identity.
    let removed =
        line("apply_complete", "a", "delete").replace("\"id_key\":\"id\",", "").replace("\"id_value\":\"a\",", "");
    setting.write("log/apply", &[made, line("apply_start", "a", "delete"), removed].concat());
    let unsaved = setting.recovered(None).unsaved;
    let told: Vec<_> = unsaved.iter().map(|one| (one.action.as_str(), one.id_value.as_str())).collect();
    assert_eq!(told, [("create", "new"), ("delete", "a")]);
}

#[test]
fn what_an_interrupt_cut_off_is_in_doubt_unless_the_state_has_it() {
    let setting = setting();
    setting.write("source/terraform.tfstate", &state(2, &["tainted"]));
    let log = [
        line("apply_start", "refused", "create"),
        line("apply_errored", "refused", "create"),
        line("apply_start", "tainted", "create"),
        line("apply_start", "cut", "create"),
        "{\"@message\":\"\\nInterrupt received.\\n\",\"type\":\"log\"}\n".to_owned(),
        line("apply_errored", "tainted", "create"),
        line("apply_errored", "cut", "create"),
    ];
    setting.write("log/apply", &log.concat());
    assert_eq!(setting.recovered(None).in_doubt, [InDoubt { address: "t.cut".into(), action: "create".into() }]);
}
