//! Whether the plan that terraform made is the one that was approved.
//!
//! The same addresses, the same actions, the same values except where the approved plan said that they are known after
//! apply. An update or replacement that was approved only because something was unknown may turn out to be no change.

use super::matching::mismatches;
use super::{Action, Change, Plan};

/// One thing in which a plan is not what was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Address of the resource, or `output.NAME`.
    pub address: String,
    /// What is other.
    pub what: What,
}

/// How a change is other than the approved one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It was not in the approved plan.
    New(Action),
    /// It was approved and is not to be done.
    Missing(Action),
    /// Something else is to be done.
    Action {
        /// What was approved.
        approved: Action,
        /// What is planned.
        real: Action,
    },
    /// It comes from another address, or from elsewhere.
    Origin,
    /// The same is to be done with other values, at these paths; an empty path is all of it.
    Values(Vec<String>),
}

/// In what `real` is not what was approved; nothing when it may be applied.
#[must_use]
pub fn differences(approved: &Plan, real: &Plan) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut note = |address: &str, what: What| found.push(Difference { address: address.to_owned(), what });
    for (address, change) in &real.changes {
        match approved.changes.get(address) {
            None => note(address, What::New(change.action)),
            Some(approved) => {
                if let Some(what) = other(approved, change) {
                    note(address, what);
                }
            }
        }
    }
    for (address, change) in &approved.changes {
        if !real.changes.contains_key(address) && !may_vanish(change) {
            note(address, What::Missing(change.action));
        }
    }
    for (name, output) in &real.outputs {
        let address = format!("output.{name}");
        match approved.outputs.get(name) {
            None => note(&address, What::New(Action::Create)),
            Some(approved) => {
                let paths = mismatches(&approved.value, &output.value);
                if !paths.is_empty() || approved.sensitive != output.sensitive {
                    note(&address, What::Values(paths));
                }
            }
        }
    }
    for name in approved.outputs.keys().filter(|name| !real.outputs.contains_key(*name)) {
        note(&format!("output.{name}"), What::Missing(Action::Create));
    }
    found.sort_by(|one, other| one.address.cmp(&other.address));
    found
}

/// The same for another attempt, after one that ended in the middle: what that one has done needs not be done again, and of
/// what it had begun to replace only the making may be left.
#[must_use]
pub fn differences_after_attempt(approved: &Plan, real: &Plan) -> Vec<Difference> {
    let is_done = |what: &What| {
        matches!(what, What::Missing(_))
            || matches!(what, What::Action { approved: Action::Replace, real: Action::Create })
    };
    let mut found = differences(approved, real);
    found.retain(|it| it.address.starts_with("output.") || !is_done(&it.what));
    found
}

fn other(approved: &Change, real: &Change) -> Option<What> {
    if approved.action != real.action {
        return Some(What::Action { approved: approved.action, real: real.action });
    }
    if approved.moved_from != real.moved_from || approved.imported != real.imported {
        return Some(What::Origin);
    }
    let paths = mismatches(&approved.after, &real.after);
    (!paths.is_empty()).then_some(What::Values(paths))
}

/// A change that is there because something was unknown; known, that may be what it was before.
fn may_vanish(approved: &Change) -> bool {
    matches!(approved.action, Action::Update | Action::Replace) && approved.after.has_unknown()
}

#[cfg(test)]
mod tests {
    use super::super::drawn::{change, plan, value};
    use super::*;
    use crate::planned::PlannedOutput;

    fn said(approved: &Plan, real: &Plan) -> Vec<String> {
        let word = |what: &What| match what {
            What::New(action) => format!("new {}", action.as_str()),
            What::Missing(action) => format!("missing {}", action.as_str()),
            What::Action { approved, real } => format!("{} for {}", real.as_str(), approved.as_str()),
            What::Origin => "origin".to_owned(),
            What::Values(paths) => paths.join(","),
        };
        differences(approved, real).iter().map(|it| format!("{}: {}", it.address, word(&it.what))).collect()
    }

    #[test]
    fn a_plan_is_what_was_approved_when_only_unknown_values_became_known() {
        let approved = plan(&[("t.a", Action::Create, "id=? n=1"), ("t.b", Action::Delete, "")]);
        let real = plan(&[("t.a", Action::Create, "id=x n=1"), ("t.b", Action::Delete, "")]);
        assert!(said(&approved, &real).is_empty());
        assert_eq!(said(&real, &approved), ["t.a: id"]);
    }

    #[test]
    fn a_new_address_a_missing_one_and_another_action_are_differences() {
        let approved = plan(&[("t.a", Action::Create, "n=1"), ("t.b", Action::Update, "n=1")]);
        let real = plan(&[("t.b", Action::Replace, "n=1"), ("t.c", Action::Create, "n=1")]);
        assert_eq!(said(&approved, &real), ["t.a: missing create", "t.b: replace for update", "t.c: new create"]);
    }

    #[test]
    fn another_attempt_needs_not_do_again_what_the_one_before_it_did() {
        let approved =
            plan(&[("t.a", Action::Create, "n=1"), ("t.b", Action::Replace, "n=1"), ("t.c", Action::Delete, "")]);
        let left = plan(&[("t.b", Action::Create, "n=1")]);
        assert!(differences_after_attempt(&approved, &left).is_empty());
        assert_eq!(differences(&approved, &left).len(), 3);
        let more = plan(&[("t.b", Action::Create, "n=1"), ("t.d", Action::Delete, "")]);
        assert_eq!(differences_after_attempt(&approved, &more).len(), 1);
        // What was to be made must not be taken away.
        let other = plan(&[("t.a", Action::Delete, "")]);
        assert_eq!(differences_after_attempt(&approved, &other).len(), 1);
    }

    #[test]
    fn an_update_that_hung_on_something_unknown_may_turn_out_to_be_none() {
        let approved = plan(&[("t.a", Action::Update, "n=?"), ("t.b", Action::Replace, "n=?")]);
        assert!(said(&approved, &Plan::default()).is_empty());
        let approved = plan(&[("t.a", Action::Update, "n=1"), ("t.b", Action::Create, "n=?")]);
        assert_eq!(said(&approved, &Plan::default()), ["t.a: missing update", "t.b: missing create"]);
    }

    #[test]
    fn another_origin_is_a_difference() {
        let approved = plan(&[("t.a", Action::Keep, "n=1")]);
        let mut moved = approved.clone();
        moved.changes.insert("t.a".into(), Change { moved_from: Some("t.z".into()), ..change(Action::Keep, "n=1") });
        assert_eq!(said(&approved, &moved), ["t.a: origin"]);
    }

    #[test]
    fn outputs_are_part_of_what_is_approved() {
        let with = |name: &str, text: &str| {
            let mut plan = plan(&[]);
            plan.outputs.insert(name.into(), PlannedOutput { value: value(text), sensitive: false, ty: None });
            plan
        };
        assert!(said(&with("o", "?"), &with("o", "x")).is_empty());
        assert_eq!(said(&with("o", "1"), &with("o", "x")), ["output.o: "]);
        assert_eq!(said(&with("o", "1"), &with("p", "1")), ["output.o: missing create", "output.p: new create"]);
    }
}
