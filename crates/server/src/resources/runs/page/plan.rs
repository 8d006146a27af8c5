//! The plan of a run as a page has it: resources that are destroyed first, each with its lines.

use std::collections::BTreeMap;

use askama::Template;
use domain::plan::{Action, Change, Tally};

use super::super::outline::Outline;
use super::diff::{self, Line};

/// Most resources of one plan that are shown; the log has them all.
const SHOWN: usize = 1000;
/// Up to so many changes are open from the start.
const OPEN: usize = 4;

/// What a plan would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// `2 to add`, `1 to destroy`, with the class of each.
    pub counts: Vec<(String, &'static str)>,
    /// How many objects that exist would be destroyed, in words; nothing when none would.
    pub destroys: Option<String>,
    /// Resources, those that are destroyed first.
    pub resources: Vec<Entry>,
    /// How many more resources there are.
    pub more: usize,
    /// Outputs.
    pub outputs: Vec<Entry>,
    /// What has changed outside of terraform.
    pub drift: Vec<Entry>,
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Address of the resource, or name of the output.
    pub address: String,
    /// What happens to it.
    pub verb: &'static str,
    /// The class that it is dressed by.
    pub class: &'static str,
    /// What else there is to say.
    pub notes: Vec<String>,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Whether they are seen from the start.
    pub open: bool,
}

/// The changes of one of several plans on a page.
#[derive(Template)]
#[template(path = "resources/runs/page/changes.html")]
pub struct Changes {
    plan: Plan,
    /// Keeps the ids of its parts apart from those of others.
    prefix: String,
    /// The heading that its groups have: `h3`.
    head: &'static str,
}

impl Changes {
    /// From what a plan would do.
    pub fn of(outline: &Outline, prefix: String, head: &'static str) -> Self {
        Self { plan: Plan::of(outline), prefix, head }
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.plan.groups().iter().map(|(_, _, entries)| entries.len()).sum()
    }
}

impl Plan {
    /// From what the plan would do.
    pub fn of(outline: &Outline) -> Self {
        let tally = outline.plan.tally();
        let mut resources: Vec<_> = outline.plan.changes.iter().collect();
        resources.sort_by_key(|(address, change)| (rank(change.action), (*address).clone()));
        let open = resources.len() <= OPEN;
        let more = resources.len().saturating_sub(SHOWN);
        let resources =
            resources.into_iter().take(SHOWN).map(|(address, change)| entry(address, change, open)).collect();
        let entries = |changes: &BTreeMap<String, Change>, open| -> Vec<Entry> {
            changes.iter().take(SHOWN).map(|(address, change)| entry(address, change, open)).collect()
        };
        Self {
            counts: counts(&tally),
            destroys: destroys(tally.destroy + tally.replace),
            resources,
            more,
            outputs: entries(&outline.outputs, outline.outputs.len() <= OPEN),
            drift: entries(&outline.drift, false),
        }
    }

    /// What it consists of: a word for the ids of its parts, a title, and the parts.
    pub fn groups(&self) -> [(&'static str, &'static str, &[Entry]); 3] {
        [
            ("resource", "Resources", &self.resources),
            ("output", "Outputs", &self.outputs),
            ("drift", "Changed outside of terraform", &self.drift),
        ]
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.outputs.is_empty() && self.drift.is_empty()
    }
}

fn rank(action: Action) -> u8 {
    match action {
        Action::Delete => 0,
        Action::Replace => 1,
        Action::Forget => 2,
        Action::Update => 3,
        Action::Create => 4,
        Action::Keep => 5,
    }
}

fn counts(tally: &Tally) -> Vec<(String, &'static str)> {
    let always =
        [(tally.add, "to add", "add"), (tally.change, "to change", "change"), (tally.destroy, "to destroy", "remove")];
    let rare = [
        (tally.replace, "to replace", "remove"),
        (tally.import, "to import", "add"),
        (tally.moved, "to move", "same"),
        (tally.forget, "to forget", "change"),
    ];
    let rare = rare.into_iter().filter(|(count, _, _)| *count > 0);
    let class = |count: u32, class| if count == 0 { "same" } else { class };
    always.into_iter().chain(rare).map(|(count, word, its)| (format!("{count} {word}"), class(count, its))).collect()
}

fn destroys(count: u32) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 object that exists is destroyed.".to_owned()),
        more => Some(format!("{more} objects that exist are destroyed.")),
    }
}

fn entry(address: &str, change: &Change, open: bool) -> Entry {
    let (verb, class) = match change.action {
        Action::Create => ("create", "add"),
        Action::Update => ("change", "change"),
        Action::Replace => ("replace", "remove"),
        Action::Delete => ("destroy", "remove"),
        Action::Forget => ("forget", "change"),
        Action::Keep => ("keep", "same"),
    };
    let mut notes = Vec::new();
    notes.extend(change.moved_from.as_ref().map(|from| format!("moved from {from}")));
    notes.extend(change.imported.then(|| "imported".to_owned()));
    if !change.replaced_by.is_empty() {
        notes.push(format!("because of {}", change.replaced_by.join(", ")));
    }
    Entry { address: address.to_owned(), verb, class, notes, lines: diff::lines(change), open }
}

#[cfg(test)]
mod tests {
    use domain::planned::PlannedValue;

    use super::*;

    fn change(action: Action) -> Change {
        Change {
            action,
            moved_from: None,
            imported: false,
            before: PlannedValue::Null,
            after: PlannedValue::Null,
            sensitive: Vec::new(),
            replaced_by: Vec::new(),
        }
    }

    fn plan(changes: &[(&str, Action)]) -> Plan {
        let changes = changes.iter().map(|(address, action)| ((*address).to_owned(), change(*action))).collect();
        let plan = domain::plan::Plan { changes, ..domain::plan::Plan::default() };
        Plan::of(&Outline { plan, ..Outline::default() })
    }

    #[test]
    fn what_is_destroyed_stands_first_and_is_said_aloud() {
        use Action::*;
        let plan = plan(&[("t.a", Create), ("t.b", Update), ("t.c", Delete), ("t.d", Replace), ("t.e", Forget)]);
        let order: Vec<_> = plan.resources.iter().map(|it| it.address.as_str()).collect();
        assert_eq!(order, ["t.c", "t.d", "t.e", "t.b", "t.a"]);
        assert_eq!(plan.destroys.as_deref(), Some("2 objects that exist are destroyed."));
        let counts: Vec<_> = plan.counts.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(counts, ["1 to add", "1 to change", "1 to destroy", "1 to replace", "1 to forget"]);
        assert!(plan.resources.iter().all(|it| !it.open), "many are closed, so that they can be looked over");
    }

    #[test]
    fn a_plan_that_destroys_nothing_says_nothing_of_it() {
        let plan = plan(&[("t.a", Action::Create)]);
        assert_eq!(plan.destroys, None);
        assert!(plan.resources[0].open);
    }
}
