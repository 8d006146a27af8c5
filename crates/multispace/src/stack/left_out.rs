//! Whether a part of a stack can go without the rest: what is destroyed must not leave workspaces behind that stand on it, and what is
//! applied must find the outputs that it reads. Decided once, when everything is prepared and nothing runs.

use std::collections::{BTreeMap, BTreeSet};

use configuration::BackendSetting;
use domain::Problem;
use domain::stack::{Direction, Graph};

use super::Loaded;
use super::host::Host;
use super::prepare::Ready;

/// Refuses a walk over `ready` that the workspaces it leaves out do not allow. On a server, what may be destroyed is the server's to say.
///
/// # Errors
/// `stack/downstreams-left`, `stack/upstreams-missing`, and what the host says when it cannot be asked.
pub(crate) async fn check(
    host: &Host<'_>,
    loaded: &Loaded,
    direction: Direction,
    ready: &BTreeMap<String, Ready>,
) -> Result<(), Problem> {
    match direction {
        Direction::Destroy | Direction::PlanDestroy if matches!(host, Host::Local(_)) => {
            let counts: BTreeMap<String, u32> =
                host.workspaces().await?.into_iter().map(|view| (view.name, view.resource_count)).collect();
            let holds = |name: &str| holds(loaded, &counts, name);
            refuse_downstreams(&loaded.graph, &ready.keys().map(String::as_str).collect(), holds)
        }
        Direction::Apply => {
            let unapplied = ready.iter().map(|(name, it)| (name.as_str(), it.unapplied.as_slice())).collect();
            refuse_upstreams(&loaded.graph, &unapplied)
        }
        // A plan says of each workspace what it waits for.
        Direction::Plan | Direction::Destroy | Direction::PlanDestroy => Ok(()),
    }
}

/// What a workspace has that would be lost; `None` when that is nothing. What is in a backend of its own is not known here.
fn holds(loaded: &Loaded, counts: &BTreeMap<String, u32>, name: &str) -> Option<String> {
    if let Some(BackendSetting::Own { kind, .. }) = loaded.root(name).map(|root| &root.backend) {
        return Some(format!("what its {kind} backend holds"));
    }
    match counts.get(name).copied().unwrap_or(0) {
        0 => None,
        1 => Some("1 resource".to_owned()),
        count => Some(format!("{count} resources")),
    }
}

fn refuse_downstreams(
    graph: &Graph,
    selected: &BTreeSet<&str>,
    holds: impl Fn(&str) -> Option<String>,
) -> Result<(), Problem> {
    let mut left: BTreeMap<&str, String> = BTreeMap::new();
    let mut stood_on: BTreeSet<&str> = BTreeSet::new();
    for &name in selected {
        for downstream in graph.all_downstreams(name).into_iter().filter(|it| !selected.contains(it)) {
            if let Some(what) = holds(downstream) {
                left.insert(downstream, what);
                stood_on.insert(name);
            }
        }
    }
    if left.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = left.iter().map(|(name, what)| format!("\"{name}\" ({what})")).collect();
    let first = stood_on.iter().filter(|name| graph.all_upstreams(name).is_disjoint(&stood_on));
    let message = format!("What is left out stands on what is to be destroyed: {}.", list.join(", "));
    let filters: Vec<String> = first.map(|name| format!("--filter '{name}...'")).collect();
    Err(Problem::conflict("stack/downstreams-left", message)
        .advice(format!("Destroy it as well: {}", filters.join(" "))))
}

/// `unapplied` are the selected workspaces, each with those that it reads and that have no outputs.
fn refuse_upstreams(graph: &Graph, unapplied: &BTreeMap<&str, &[String]>) -> Result<(), Problem> {
    let mut missing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut readers: BTreeSet<&str> = BTreeSet::new();
    for (name, upstreams) in unapplied {
        for upstream in upstreams.iter().map(String::as_str).filter(|it| !unapplied.contains_key(it)) {
            missing.entry(upstream).or_default().push(format!("\"{name}\""));
            readers.insert(name);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let list: Vec<String> =
        missing.iter().map(|(name, readers)| format!("\"{name}\" (read by {})", readers.join(", "))).collect();
    let last = readers.iter().filter(|name| graph.all_downstreams(name).is_disjoint(&readers));
    let message = format!("What is left out was never applied, or was destroyed, and is read: {}.", list.join(", "));
    let filters: Vec<String> = last.map(|name| format!("--filter '...{name}'")).collect();
    Err(Problem::conflict("stack/upstreams-missing", message)
        .advice(format!("Apply it as well: {}", filters.join(" "))))
}

#[cfg(test)]
mod tests {
    use domain::stack::Edge;
    use expect_test::expect;

    use super::*;

    /// network -> cluster -> app, network -> logs
    fn graph() -> Graph {
        let edge = |upstream: &str, downstream: &str| Edge {
            upstream: upstream.to_owned(),
            downstream: downstream.to_owned(),
            reasons: Vec::new(),
        };
        let edges = vec![edge("network", "cluster"), edge("cluster", "app"), edge("network", "logs")];
        Graph::new(["network", "cluster", "app", "logs"], edges).unwrap()
    }

    fn destroyed(selected: &[&str], holding: &[&str]) -> Result<(), Problem> {
        let holds = |name: &str| holding.contains(&name).then(|| "2 resources".to_owned());
        refuse_downstreams(&graph(), &selected.iter().copied().collect(), holds)
    }

    fn applied(unapplied: &[(&str, &[&str])]) -> Result<(), Problem> {
        let owned: Vec<(&str, Vec<String>)> = unapplied
            .iter()
            .map(|(name, upstreams)| (*name, upstreams.iter().map(|it| (*it).to_owned()).collect()))
            .collect();
        refuse_upstreams(&graph(), &owned.iter().map(|(name, upstreams)| (*name, upstreams.as_slice())).collect())
    }

    #[test]
    fn nothing_is_destroyed_under_what_still_holds_something() {
        expect![[
            r#"What is left out stands on what is to be destroyed: "app" (2 resources). Destroy it as well: --filter 'network...'"#
        ]]
        .assert_eq(&destroyed(&["network", "cluster"], &["app", "network"]).unwrap_err().to_string());
        let problem = destroyed(&["network"], &["app", "logs"]).unwrap_err();
        assert_eq!(problem.code, "stack/downstreams-left");
        assert!(problem.message.contains("\"app\" (2 resources), \"logs\" (2 resources)"), "{problem}");
    }

    #[test]
    fn what_stands_on_it_and_holds_nothing_or_goes_as_well_is_in_nobodys_way() {
        assert_eq!(destroyed(&["network"], &["network"]), Ok(()));
        assert_eq!(destroyed(&["cluster", "app"], &["app", "logs", "network"]), Ok(()));
        assert_eq!(destroyed(&["app"], &["network", "cluster", "logs", "app"]), Ok(()));
    }

    #[test]
    fn nothing_is_applied_that_reads_what_was_never_applied_and_is_left_out() {
        let problem = applied(&[("cluster", &["network"]), ("app", &["cluster"]), ("logs", &["network"])]).unwrap_err();
        assert_eq!(problem.code, "stack/upstreams-missing");
        expect![[
            r#"What is left out was never applied, or was destroyed, and is read: "network" (read by "cluster", "logs"). Apply it as well: --filter '...cluster' --filter '...logs'"#
        ]]
        .assert_eq(&problem.to_string());
        assert_eq!(applied(&[("network", &[]), ("cluster", &["network"])]), Ok(()), "it goes first");
        assert_eq!(applied(&[("app", &[])]), Ok(()));
    }
}
