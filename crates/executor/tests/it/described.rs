//! A plan that nobody reads is not described, and amounts to the same.

use bytes::Bytes;
use executor::{Counts, Stop};

use crate::setting::{Setting, good, run};

const STATE: &str = r#"{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"l","outputs":{"a":{"value":"1","type":"string"}},"resources":[]}"#;

/// Code with every sort of change on the way from [`before`] to this.
const AFTER: &str = r#"
resource "terraform_data" "new" {}
resource "terraform_data" "changed" { input = "new" }
resource "terraform_data" "replaced" { triggers_replace = "new" }
resource "terraform_data" "imported" {}
data "terraform_remote_state" "up" {
  backend = "local"
  config  = { path = "up.tfstate" }
}
import {
  to = terraform_data.imported
  id = "0f43e3f5-8f9c-4c3c-9a5b-cd1c6f9f4f6a"
}
removed {
  from = terraform_data.forgotten
  lifecycle {
    destroy = false
  }
}
output "a" { value = terraform_data.changed.output }
output "up" { value = data.terraform_remote_state.up.outputs.a }
"#;

const BEFORE: &str = r#"
resource "terraform_data" "changed" { input = "old" }
resource "terraform_data" "replaced" { triggers_replace = "old" }
resource "terraform_data" "gone" { count = 2 }
resource "terraform_data" "forgotten" {}
data "terraform_remote_state" "up" {
  backend = "local"
  config  = { path = "up.tfstate" }
}
data "terraform_remote_state" "away" {
  backend = "local"
  config  = { path = "up.tfstate" }
}
"#;

/// What a plan amounts to, described and not.
async fn both_ways(setting: &mut Setting) -> [(bool, Counts); 2] {
    let mut found = Vec::new();
    for described in [true, false] {
        setting.work.operation.described = described;
        let (planned, log) = setting.plan().await;
        let planned = good(planned, &log);
        assert_eq!(planned.description.is_some(), described);
        found.push((planned.has_changes, planned.counts));
    }
    found.try_into().unwrap()
}

#[tokio::test]
async fn a_plan_amounts_to_the_same_whether_or_not_it_is_described() {
    let first = run(&[("main.tf", BEFORE), ("up.tfstate", STATE)]);
    let (_, applied, _) = first.done().await;
    let state: Bytes = applied.state.unwrap();

    let mut changed = run(&[("main.tf", AFTER), ("up.tfstate", STATE)]);
    changed.work.state = Some(state.clone());
    let [described, counted] = both_ways(&mut changed).await;
    assert_eq!(described, counted);
    assert_eq!(counted, (true, Counts { additions: 2, changes: 1, destructions: 3, imports: 1 }));

    let mut destroyed = first.next(Some(state.clone()));
    destroyed.work.operation.destroy = true;
    let [described, counted] = both_ways(&mut destroyed).await;
    assert_eq!(described, counted);
    assert_eq!(counted, (true, Counts { destructions: 5, ..Counts::default() }));

    let [described, counted] = both_ways(&mut first.next(Some(state))).await;
    assert_eq!(described, counted);
    assert_eq!(counted, (false, Counts::default()));
}

#[tokio::test]
async fn a_plan_that_is_not_described_can_be_applied() {
    let mut setting = run(&[("main.tf", "resource \"terraform_data\" \"x\" {}")]);
    setting.work.operation.described = false;
    let (planned, applied, log) = setting.done().await;
    assert!(log.contains("Plan:") && log.contains("1 to add"), "{log}");
    assert_eq!(
        (planned.counts, applied.counts),
        (Counts { additions: 1, ..Counts::default() }, Counts { additions: 1, ..Counts::default() })
    );
}

#[tokio::test]
async fn a_plan_can_be_described_afterwards_as_it_would_have_been_at_once_and_still_be_applied() {
    let mut setting = run(&[("main.tf", "resource \"terraform_data\" \"x\" {\n  input = 1\n}")]);
    assert!(executor::describe(&setting.work, Stop::new()).await.unwrap().is_none(), "there is no plan yet");
    setting.work.operation.described = false;
    let (planned, log) = setting.plan().await;
    assert!(good(planned, &log).description.is_none());
    let described = executor::describe(&setting.work, Stop::new()).await.unwrap().unwrap();
    let plan = |json: &[u8]| executor::read_plan(json, Default::default()).unwrap();
    let afterwards = plan(&described.json);
    assert!(afterwards.changes.contains_key("terraform_data.x"), "{afterwards:?}");
    let (applied, log) = setting.apply().await;
    assert_eq!(good(applied, &log).counts.additions, 1);
    let mut other = setting.next(None);
    other.work.operation.described = true;
    let (at_once, log) = other.plan().await;
    assert_eq!(plan(&good(at_once, &log).description.unwrap().json).canonical(), afterwards.canonical());
}
