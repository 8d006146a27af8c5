//! What a plan would do, as values that can be compared: the plan that a person approved, and the one that terraform makes
//! right before the apply.
//!
//! Absent: reading it from terraform's JSON (the executor), and how it is shown (the console).

pub(crate) mod canonical;
mod compare;
mod matching;
mod rules;
mod secrets;

use std::collections::{BTreeMap, BTreeSet};

use crate::planned::{PlannedOutputs, PlannedValue};

pub use self::compare::{Difference, What, differences, differences_after_attempt};
pub use self::matching::below;
pub use self::rules::{Rules, needs_a_person};

/// What a plan would do to one workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Changes of resources by address; what is not changed, and what is only read, is not there. A deposed object has its
    /// key behind its address: `aws_vpc.a (deposed 1a2b3c4d)`.
    pub changes: BTreeMap<String, Change>,
    /// Every output that the workspace has after the plan's apply.
    pub outputs: PlannedOutputs,
    /// Names of outputs that are not sensitive and have the text of a secret in them: see [`Plan::hide`].
    pub hidden_outputs: BTreeSet<String>,
    /// Names of the outputs that are not what they were: new, changed, changed perhaps, or gone.
    pub changed_outputs: Vec<String>,
}

/// What would happen to one resource instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What kind of change.
    pub action: Action,
    /// Its address before, when it is moved.
    pub moved_from: Option<String>,
    /// It is taken over from elsewhere.
    pub imported: bool,
    /// Its values now; null when there is none.
    pub before: PlannedValue,
    /// Its values afterwards; null when it will be gone.
    pub after: PlannedValue,
    /// Paths of values that are secrets, before or after: `password`, `tags.key`, `rules[0].name`. An empty path is all of it.
    pub sensitive: Vec<String>,
    /// Paths that make it be replaced.
    pub replaced_by: Vec<String>,
}

/// Kinds of change. Source: `actions` of terraform's JSON plan, in which a replacement is two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Only its address changes, or it is only taken over.
    Keep,
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is destroyed and made anew, in either order.
    Replace,
    /// It is destroyed.
    Delete,
    /// It is no longer managed, and stays.
    Forget,
}

impl Action {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Forget => "forget",
        }
    }

    /// Whether something that exists is destroyed.
    #[must_use]
    pub fn destroys(self) -> bool {
        matches!(self, Self::Replace | Self::Delete)
    }
}

/// How many resource instances a plan touches, each counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// To be made.
    pub add: u32,
    /// To be changed in place.
    pub change: u32,
    /// To be destroyed for good.
    pub destroy: u32,
    /// To be destroyed and made anew.
    pub replace: u32,
    /// To be taken over.
    pub import: u32,
    /// To be moved to another address, with no other change.
    pub moved: u32,
    /// To be let go of.
    pub forget: u32,
}

impl Plan {
    /// Whether an apply would do anything.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty() || !self.changed_outputs.is_empty()
    }

    /// How many resource instances it touches.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for change in self.changes.values() {
            let count = match change.action {
                Action::Create => &mut tally.add,
                Action::Update => &mut tally.change,
                Action::Delete => &mut tally.destroy,
                Action::Replace => &mut tally.replace,
                Action::Forget => &mut tally.forget,
                Action::Keep if change.imported => &mut tally.import,
                Action::Keep => &mut tally.moved,
            };
            *count += 1;
            if change.imported && change.action != Action::Keep {
                tally.import += 1;
            }
        }
        tally
    }

    /// One text for everything that the plan would do; two plans that would do the same have the same text. Its digest is
    /// what an approval names. It has secrets: it is hashed, never kept.
    #[must_use]
    pub fn canonical(&self) -> String {
        canonical::text(self)
    }
}

#[cfg(test)]
pub(crate) mod drawn {
    //! Plans from a few words, for tests.

    use super::*;

    /// A value from a short text: `?` unknown, `12` a number, anything else a text.
    pub(crate) fn value(text: &str) -> PlannedValue {
        match text {
            "?" => PlannedValue::unknown(),
            "null" => PlannedValue::Null,
            _ if text.parse::<u32>().is_ok() => PlannedValue::Number(text.to_owned()),
            _ => PlannedValue::Text(text.to_owned()),
        }
    }

    /// A change whose attributes are `name=value` pairs.
    pub(crate) fn change(action: Action, after: &str) -> Change {
        let attribute = |pair: &str| pair.split_once('=').map(|(name, text)| (name.to_owned(), value(text)));
        let after = match action {
            Action::Delete => PlannedValue::Null,
            _ => PlannedValue::Object(after.split_whitespace().filter_map(attribute).collect()),
        };
        Change {
            action,
            moved_from: None,
            imported: false,
            before: PlannedValue::Null,
            after,
            sensitive: Vec::new(),
            replaced_by: Vec::new(),
        }
    }

    /// A plan of such changes.
    pub(crate) fn plan(changes: &[(&str, Action, &str)]) -> Plan {
        let changes =
            changes.iter().map(|(address, action, after)| ((*address).to_owned(), change(*action, after))).collect();
        Plan { changes, ..Plan::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::drawn::plan;
    use super::*;

    #[test]
    fn each_resource_is_counted_once() {
        let mut plan = plan(&[
            ("t.a", Action::Create, "n=1"),
            ("t.b", Action::Replace, "n=1"),
            ("t.c", Action::Delete, ""),
            ("t.d", Action::Update, "n=1"),
            ("t.e", Action::Keep, "n=1"),
            ("t.f", Action::Keep, "n=1"),
        ]);
        if let Some(change) = plan.changes.get_mut("t.f") {
            change.imported = true;
        }
        let expected = Tally { add: 1, change: 1, destroy: 1, replace: 1, import: 1, moved: 1, forget: 0 };
        assert_eq!(plan.tally(), expected);
    }
}
