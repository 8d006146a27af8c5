//! Early cutoff: a downstream whose upstreams were applied does not run when nothing that goes into it is other than at its
//! last apply.
//!
//! What goes in is compared as digests, so that no value has to be kept. Nothing is cut off on ignorance: a downstream of
//! which it is not known what it reads of an upstream runs. Absent: how digests are made, and what a run read.

use std::collections::{BTreeMap, BTreeSet};

/// What goes into a run of a workspace. Texts are digests or ids: they are compared, and mean nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Its code.
    pub code: String,
    /// Settings with which the code is run: folder, version of terraform.
    pub settings: String,
    /// Its variables, also those of sets.
    pub variables: String,
    /// Its state.
    pub state: Option<String>,
    /// What is read of each upstream, by its id.
    pub reads: BTreeMap<String, Read>,
    /// Upstreams that are read as well, by id, of which it is not known what was seen: they moved meanwhile.
    pub unknown: BTreeSet<String>,
}

/// What is read of one upstream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Read {
    /// Names of the outputs that are used; `None` when all may be.
    pub used: Option<BTreeSet<String>>,
    /// Digests of the outputs that there are, by name; of those that are used, where that is known.
    pub digests: BTreeMap<String, String>,
}

/// Whether a downstream runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cutoff {
    /// It does.
    Run {
        /// Why: a phrase such as `output "ip" of "a" has changed`.
        because: String,
        /// Whether that is something that has changed; otherwise something is not known.
        has_changed: bool,
    },
    /// It does not.
    Skip {
        /// Why: a phrase such as `outputs it reads are unchanged ("ip" of "a")`.
        because: String,
    },
}

/// Decides on a downstream. `last` is what went into its last apply, `now` what would go into the run; `applied` are the ids
/// of the upstreams that make it run, `name` gives the name of a workspace.
pub fn cutoff(last: Option<&Inputs>, now: &Inputs, applied: &[String], name: impl Fn(&str) -> String) -> Cutoff {
    let unknown = |because: String| Cutoff::Run { because, has_changed: false };
    let changed = |because: String| Cutoff::Run { because, has_changed: true };
    let Some(last) = last else {
        return unknown("it is not known what went into its last apply".to_owned());
    };
    let mut unsure = last.unknown.iter().chain(applied.iter().filter(|id| !last.reads.contains_key(*id)));
    if let Some(upstream) = unsure.next() {
        return unknown(format!("it is not known what it reads of \"{}\"", name(upstream)));
    }
    let outputs = changed_outputs(last, now, &name);
    if !outputs.is_empty() {
        let (noun, verb) = if outputs.len() == 1 { ("output", "has") } else { ("outputs", "have") };
        return changed(format!("{noun} {} {verb} changed", outputs.join(", ")));
    }
    for (differs, what) in [
        (last.code != now.code, "its configuration has changed since its last apply"),
        (last.variables != now.variables, "its variables have changed since its last apply"),
        (last.settings != now.settings, "its settings have changed since its last apply"),
        (last.state != now.state, "its state has changed since its last apply"),
        (last.reads != now.reads, "what it reads has changed since its last apply"),
    ] {
        if differs {
            return changed(what.to_owned());
        }
    }
    let read: Vec<_> = applied.iter().collect::<BTreeSet<_>>().into_iter().collect();
    let read = read.into_iter().map(|id| told(&last.reads[id], &name(id))).collect::<Vec<_>>().join(", ");
    Cutoff::Skip { because: format!("outputs it reads are unchanged ({read})") }
}

/// Every output that is another, or is there on one side only: `"ip" of "a"`.
fn changed_outputs(last: &Inputs, now: &Inputs, name: &impl Fn(&str) -> String) -> Vec<String> {
    let mut changed = Vec::new();
    for (upstream, before) in &last.reads {
        let none = Read::default();
        let after = now.reads.get(upstream).unwrap_or(&none);
        let names: BTreeSet<_> = before.digests.keys().chain(after.digests.keys()).collect();
        let differs = names.into_iter().filter(|output| before.digests.get(*output) != after.digests.get(*output));
        changed.extend(differs.map(|output| format!("\"{output}\" of \"{}\"", name(upstream))));
    }
    changed
}

fn told(read: &Read, upstream: &str) -> String {
    match &read.used {
        None => format!("all of \"{upstream}\""),
        Some(names) if names.is_empty() => format!("none of \"{upstream}\""),
        Some(names) => {
            let names: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
            format!("{} of \"{upstream}\"", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(used: Option<&[&str]>, digests: &[(&str, &str)]) -> Read {
        Read {
            used: used.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            digests: digests.iter().map(|(name, digest)| ((*name).to_owned(), (*digest).to_owned())).collect(),
        }
    }

    fn inputs(reads: &[(&str, Read)]) -> Inputs {
        Inputs {
            code: "c".into(),
            settings: "s".into(),
            variables: "v".into(),
            state: Some("sv-1".into()),
            reads: reads.iter().map(|(id, read)| ((*id).to_owned(), read.clone())).collect(),
            unknown: BTreeSet::new(),
        }
    }

    fn decided(last: Option<&Inputs>, now: &Inputs, applied: &[&str]) -> (bool, String) {
        let applied: Vec<_> = applied.iter().map(|id| (*id).to_owned()).collect();
        match cutoff(last, now, &applied, str::to_owned) {
            Cutoff::Run { because, .. } => (true, because),
            Cutoff::Skip { because } => (false, because),
        }
    }

    #[test]
    fn what_is_the_same_as_at_the_last_apply_is_not_run() {
        let same = inputs(&[("a", read(Some(&["ip"]), &[("ip", "1")])), ("b", read(None, &[("x", "2")]))]);
        let expected = "outputs it reads are unchanged (\"ip\" of \"a\")";
        assert_eq!(decided(Some(&same), &same, &["a", "a"]), (false, expected.to_owned()));
        let both = "outputs it reads are unchanged (\"ip\" of \"a\", all of \"b\")";
        assert_eq!(decided(Some(&same), &same, &["b", "a"]), (false, both.to_owned()));
    }

    #[test]
    fn an_output_that_is_another_is_named() {
        let last = inputs(&[("a", read(None, &[("ip", "1"), ("id", "1"), ("gone", "1")]))]);
        let now = inputs(&[("a", read(None, &[("ip", "2"), ("id", "1"), ("new", "1")]))]);
        let expected = "outputs \"gone\" of \"a\", \"ip\" of \"a\", \"new\" of \"a\" have changed";
        assert_eq!(decided(Some(&last), &now, &["a"]), (true, expected.to_owned()));
        let now = inputs(&[("a", read(None, &[("ip", "2"), ("id", "1"), ("gone", "1")]))]);
        assert_eq!(decided(Some(&last), &now, &["a"]), (true, "output \"ip\" of \"a\" has changed".to_owned()));
    }

    #[test]
    fn an_upstream_that_was_not_applied_counts_as_well() {
        let last = inputs(&[("a", read(None, &[])), ("b", read(None, &[("ip", "1")]))]);
        let now = inputs(&[("a", read(None, &[])), ("b", read(None, &[("ip", "2")]))]);
        assert_eq!(decided(Some(&last), &now, &["a"]), (true, "output \"ip\" of \"b\" has changed".to_owned()));
        let gone = inputs(&[("a", read(None, &[]))]);
        assert_eq!(decided(Some(&last), &gone, &["a"]), (true, "output \"ip\" of \"b\" has changed".to_owned()));
    }

    #[test]
    fn nothing_is_cut_off_on_ignorance() {
        let now = inputs(&[("a", read(None, &[]))]);
        assert_eq!(decided(None, &now, &["a"]).1, "it is not known what went into its last apply");
        assert_eq!(decided(Some(&now), &now, &["a", "b"]).1, "it is not known what it reads of \"b\"");
        let moved = Inputs { unknown: BTreeSet::from(["c".to_owned()]), ..now.clone() };
        assert_eq!(decided(Some(&moved), &now, &["a"]).1, "it is not known what it reads of \"c\"");
        let Cutoff::Run { has_changed, .. } = cutoff(None, &now, &[], str::to_owned) else { panic!("it runs") };
        assert!(!has_changed);
    }

    #[test]
    fn whatever_else_has_changed_makes_it_run() {
        let last = inputs(&[("a", read(None, &[]))]);
        for (now, what) in [
            (Inputs { code: "x".into(), ..last.clone() }, "configuration has"),
            (Inputs { variables: "x".into(), ..last.clone() }, "variables have"),
            (Inputs { settings: "x".into(), ..last.clone() }, "settings have"),
            (Inputs { state: None, ..last.clone() }, "state has"),
        ] {
            let expected = format!("its {what} changed since its last apply");
            assert_eq!(decided(Some(&last), &now, &["a"]), (true, expected));
        }
    }
}
