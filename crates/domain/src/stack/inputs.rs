//! What goes into a run of a workspace, and why a workspace is to run: because something of that is other than at its last
//! apply, or because there was none that ended well. Texts are digests: they are compared, and mean nothing.
//!
//! Nothing is left out on ignorance. Absent: how digests are made, what the last run was, and what terraform finds by itself:
//! modules and data that it fetches.

use std::collections::BTreeMap;

use crate::run::RunStatus;

/// What goes into a run of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Digests of the files that its code may read, by path in the stack.
    pub files: BTreeMap<String, String>,
    /// Digests of its variables, by name; those of its environment as `env NAME`.
    pub variables: BTreeMap<String, String>,
    /// The terraform that runs it.
    pub terraform: String,
    /// Digest of the settings that it has where it lives; empty where it has none beside these.
    pub settings: String,
    /// Digests of the outputs that it reads, by upstream and name; an output that is not there has none.
    pub outputs: BTreeMap<String, BTreeMap<String, String>>,
}

/// What is known of the last run of a workspace that was to change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Last {
    /// There was none.
    None,
    /// It ended well, with these inputs; `None` when they were not kept.
    Applied(Option<Inputs>),
    /// It ended well, and the workspace's state was changed since by something that was no run.
    StateMoved,
    /// It destroyed the workspace, or tried to.
    Destroyed,
    /// It errored, was stopped, declined, or cut off: it ended in this status.
    Unfinished(RunStatus),
}

/// One reason why a workspace runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Somebody wants everything to run.
    All,
    /// It was never applied.
    FirstApply,
    /// It was destroyed since its last apply.
    Destroyed,
    /// Its last run did not end well, but in this status.
    Unfinished(RunStatus),
    /// Its state was changed by something that was no run.
    StateMoved,
    /// What went into its last apply is not known.
    NotKnown,
    /// These files of its code were added, changed or removed.
    Code(Vec<String>),
    /// This variable was.
    Variable(String),
    /// This output of an upstream was.
    Output {
        /// Its name; `*` where an upstream with a backend of its own was applied, whose outputs are not seen.
        output: String,
        /// The upstream.
        upstream: String,
    },
    /// Another terraform, or another version of it.
    Terraform,
    /// Settings or variables that it has where it lives.
    Settings,
}

/// The name of an output for all outputs of an upstream that cannot be seen.
pub const ANY_OUTPUT: &str = "*";

/// How many files are named.
const FILES: usize = 3;

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("--all"),
            Self::FirstApply => f.write_str("first apply"),
            Self::Destroyed => f.write_str("destroyed before"),
            Self::Unfinished(status) => match status {
                RunStatus::Errored | RunStatus::PolicySoftFailed => f.write_str("failed before"),
                RunStatus::Discarded => f.write_str("declined before"),
                RunStatus::Canceled | RunStatus::ForceCanceled => f.write_str("stopped before"),
                _ => f.write_str("its last run has not ended"),
            },
            Self::StateMoved => f.write_str("its state was changed by hand"),
            Self::NotKnown => f.write_str("not known what went into its last apply"),
            Self::Code(files) => {
                write!(f, "own code ({})", files.iter().take(FILES).cloned().collect::<Vec<_>>().join(", "))?;
                match files.len().saturating_sub(FILES) {
                    0 => Ok(()),
                    more => write!(f, " and {more} more"),
                }
            }
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Output { output, upstream } if output == ANY_OUTPUT => write!(f, "outputs of {upstream}"),
            Self::Output { output, upstream } => write!(f, "output {output} of {upstream}"),
            Self::Terraform => f.write_str("terraform version"),
            Self::Settings => f.write_str("settings of the workspace"),
        }
    }
}

/// Why a workspace is to run when these would go into the run; empty when nothing that it reads has changed.
pub fn why(last: &Last, now: &Inputs) -> Vec<Why> {
    let before = match last {
        Last::None => return vec![Why::FirstApply],
        Last::Destroyed => return vec![Why::Destroyed],
        Last::Unfinished(status) => return vec![Why::Unfinished(*status)],
        Last::StateMoved => return vec![Why::StateMoved],
        Last::Applied(None) => return vec![Why::NotKnown],
        Last::Applied(Some(before)) => before,
    };
    let mut reasons = Vec::new();
    let files = changed(&before.files, &now.files);
    if !files.is_empty() {
        reasons.push(Why::Code(files));
    }
    reasons.extend(changed(&before.variables, &now.variables).into_iter().map(Why::Variable));
    let none = BTreeMap::new();
    let mut upstreams: Vec<&String> = before.outputs.keys().chain(now.outputs.keys()).collect();
    upstreams.sort();
    upstreams.dedup();
    for upstream in upstreams {
        let of = |inputs: &'_ Inputs| inputs.outputs.get(upstream).cloned();
        let (old, new) = (of(before), of(now));
        for output in changed(old.as_ref().unwrap_or(&none), new.as_ref().unwrap_or(&none)) {
            reasons.push(Why::Output { output, upstream: upstream.clone() });
        }
    }
    if before.terraform != now.terraform {
        reasons.push(Why::Terraform);
    }
    if before.settings != now.settings {
        reasons.push(Why::Settings);
    }
    reasons
}

/// Keys whose digest is another, or that are on one side only.
fn changed(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let gone = before.keys().filter(|key| !now.contains_key(*key));
    let other = now.iter().filter(|(key, digest)| before.get(*key) != Some(digest)).map(|(key, _)| key);
    let mut changed: Vec<String> = gone.chain(other).cloned().collect();
    changed.sort();
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn inputs() -> Inputs {
        Inputs {
            files: map(&[("a/main.tf", "1"), ("m/x.tf", "1")]),
            variables: map(&[("size", "1"), ("env REGION", "1")]),
            terraform: "1.11.4".into(),
            settings: String::new(),
            outputs: BTreeMap::from([("net".into(), map(&[("id", "1"), ("ip", "1")]))]),
        }
    }

    fn told(last: &Last, now: &Inputs) -> String {
        why(last, now).iter().map(Why::to_string).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn nothing_changed_is_no_reason() {
        assert_eq!(why(&Last::Applied(Some(inputs())), &inputs()), []);
    }

    #[test]
    fn whatever_changed_is_named_also_what_came_and_went() {
        let mut now = inputs();
        now.files = map(&[("a/main.tf", "2"), ("a/new.tf", "1")]);
        now.variables = map(&[("size", "2")]);
        now.outputs = BTreeMap::from([("net".into(), map(&[("id", "2")])), ("dns".into(), map(&[("*", "run-1")]))]);
        now.terraform = "1.12.0".into();
        now.settings = "2".into();
        let expected = "own code (a/main.tf, a/new.tf, m/x.tf), variable env REGION, variable size, outputs of dns, \
                        output id of net, output ip of net, terraform version, settings of the workspace";
        assert_eq!(told(&Last::Applied(Some(inputs())), &now), expected);
    }

    #[test]
    fn what_is_not_known_to_have_ended_well_runs() {
        for (last, expected) in [
            (Last::None, "first apply"),
            (Last::Destroyed, "destroyed before"),
            (Last::Unfinished(RunStatus::Errored), "failed before"),
            (Last::Unfinished(RunStatus::Discarded), "declined before"),
            (Last::Unfinished(RunStatus::Canceled), "stopped before"),
            (Last::Unfinished(RunStatus::Planned), "its last run has not ended"),
            (Last::StateMoved, "its state was changed by hand"),
            (Last::Applied(None), "not known what went into its last apply"),
        ] {
            assert_eq!(told(&last, &inputs()), expected);
        }
    }

    #[test]
    fn many_files_are_counted() {
        let files = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        assert_eq!(Why::Code(files).to_string(), "own code (a, b, c) and 2 more");
    }
}
