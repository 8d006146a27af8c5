//! Which of several values a run gets for a variable, when its workspace and variable sets name it more than once.
//!
//! The order is the one that HCP Terraform documents. Absent: the values themselves, and where they are kept.

use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Given for this run alone.
    Run,
    /// The workspace's own.
    Workspace,
    /// A variable set.
    Set {
        /// Name of the set; of two that stand equal, the lexically first wins.
        name: String,
        /// Whether it stands above the workspace's own.
        priority: bool,
        /// How it reaches the workspace.
        reach: Reach,
        /// Whether a project owns it rather than the organization.
        of_project: bool,
    },
}

/// How a variable set reaches a workspace. One set may do so in several ways; each is a candidate of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It is attached to the workspace.
    Workspace,
    /// It is attached to the workspace's project, or is that project's own and for all in it.
    Project,
    /// It is for every workspace of the organization.
    Global,
}

/// A value that a run may get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate<V> {
    /// Where it comes from.
    pub origin: Origin,
    /// What it is for (`terraform` or `env`): the same key in another category is another variable.
    pub category: String,
    /// Its name.
    pub key: String,
    /// Whatever the caller keeps with it.
    pub value: V,
}

impl Origin {
    /// The lower, the stronger. Sets with priority stand above all, the widest first; the others stand below the
    /// workspace's own variables, the narrowest first.
    fn rank(&self) -> u8 {
        match self {
            Self::Set { priority: true, reach, of_project, .. } => match (reach, of_project) {
                (Reach::Global, _) => 0,
                (Reach::Project, false) => 1,
                (Reach::Project, true) => 2,
                (Reach::Workspace, false) => 3,
                (Reach::Workspace, true) => 4,
            },
            Self::Run => 5,
            Self::Workspace => 6,
            Self::Set { priority: false, reach, of_project, .. } => match (reach, of_project) {
                (Reach::Workspace, true) => 7,
                (Reach::Workspace, false) => 8,
                (Reach::Project, true) => 9,
                (Reach::Project, false) => 10,
                (Reach::Global, _) => 11,
            },
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Set { name, .. } => name,
            Self::Run | Self::Workspace => "",
        }
    }

    fn against(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank()).then_with(|| self.name().cmp(other.name()))
    }
}

/// One candidate for each variable, the strongest, by category and key. Of two that stand equal in everything the one
/// that comes later wins, as the second `-var` of a command line does.
pub fn merge<V>(candidates: impl IntoIterator<Item = Candidate<V>>) -> Vec<Candidate<V>> {
    let mut strongest: BTreeMap<(String, String), Candidate<V>> = BTreeMap::new();
    for candidate in candidates {
        let name = (candidate.category.clone(), candidate.key.clone());
        match strongest.get(&name) {
            Some(held) if held.origin.against(&candidate.origin) == Ordering::Less => {}
            _ => drop(strongest.insert(name, candidate)),
        }
    }
    strongest.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, priority: bool, reach: Reach, of_project: bool) -> Origin {
        Origin::Set { name: name.into(), priority, reach, of_project }
    }

    fn candidate(origin: Origin, key: &str, value: usize) -> Candidate<usize> {
        Candidate { origin, category: "terraform".into(), key: key.into(), value }
    }

    fn winner(origins: &[Origin]) -> usize {
        let all = origins.iter().enumerate().map(|(at, origin)| candidate(origin.clone(), "k", at));
        let merged = merge(all);
        assert_eq!(merged.len(), 1);
        merged[0].value
    }

    /// The documented order, the strongest first.
    fn documented() -> Vec<Origin> {
        vec![
            set("s", true, Reach::Global, false),
            set("s", true, Reach::Project, false),
            set("s", true, Reach::Project, true),
            set("s", true, Reach::Workspace, false),
            set("s", true, Reach::Workspace, true),
            Origin::Run,
            Origin::Workspace,
            set("s", false, Reach::Workspace, true),
            set("s", false, Reach::Workspace, false),
            set("s", false, Reach::Project, true),
            set("s", false, Reach::Project, false),
            set("s", false, Reach::Global, false),
        ]
    }

    #[test]
    fn each_origin_wins_over_all_that_are_documented_below_it() {
        let order = documented();
        for from in 0..order.len() {
            assert_eq!(winner(&order[from..]), 0, "{:?}", order[from]);
            let reversed: Vec<_> = order[from..].iter().rev().cloned().collect();
            assert_eq!(winner(&reversed), reversed.len() - 1, "{:?}", order[from]);
        }
    }

    #[test]
    fn of_two_sets_that_stand_equal_the_lexically_first_wins() {
        let (a, b) = (set("a", false, Reach::Global, false), set("b", false, Reach::Global, false));
        assert_eq!(winner(&[a.clone(), b.clone()]), 0);
        assert_eq!(winner(&[b, a]), 1);
    }

    #[test]
    fn a_name_decides_nothing_between_origins_that_stand_apart() {
        let near = set("z", false, Reach::Workspace, false);
        let far = set("a", false, Reach::Global, false);
        assert_eq!(winner(&[far, near]), 1);
    }

    #[test]
    fn the_later_of_two_run_variables_wins() {
        assert_eq!(winner(&[Origin::Run, Origin::Run]), 1);
    }

    #[test]
    fn a_key_in_two_categories_is_two_variables_and_they_come_in_order() {
        let mut env = candidate(Origin::Workspace, "k", 2);
        env.category = "env".into();
        let merged = merge([candidate(Origin::Workspace, "z", 0), candidate(Origin::Workspace, "k", 1), env]);
        assert_eq!(merged.iter().map(|it| it.value).collect::<Vec<_>>(), [2, 1, 0]);
    }
}
