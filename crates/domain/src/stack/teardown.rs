//! Taking a stack down: what is to be destroyed next when its workspaces stand so. Asked again whenever something has
//! changed, so it needs no memory of its own. Absent: runs, and when a stack is to go.

use std::collections::BTreeMap;

use super::Graph;

/// How a workspace of a stack that is taken down stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It manages nothing (any more).
    Gone,
    /// It manages something, and no run of this teardown has begun on it.
    There,
    /// Its destroy run has not ended.
    UnderWay,
    /// Its destroy run has ended and it still manages something.
    Failed,
    /// Somebody outside of the stack stands on it.
    Held,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Teardown {
    /// Start a destroy run for each of these; others may be under way.
    Start(Vec<String>),
    /// Something is under way: wait for it.
    Wait,
    /// These wait for workspaces outside of the stack.
    Held(Vec<String>),
    /// These failed, and what is upstream of them stays.
    Failed(Vec<String>),
    /// Everything is gone.
    Done,
}

/// What follows when the workspaces of `graph` stand so; one that is not among `standing` is gone. A workspace is started
/// when everything downstream of it is gone, so a failure stops what is upstream of it and nothing else.
pub fn teardown(graph: &Graph, standing: &BTreeMap<String, Standing>) -> Teardown {
    let of = |name: &str| standing.get(name).copied().unwrap_or(Standing::Gone);
    let all = |wanted| graph.names().filter(|name| of(name) == wanted).map(str::to_owned).collect::<Vec<_>>();
    let mut starts = all(Standing::There);
    starts.retain(|name| graph.downstreams(name).all(|downstream| of(downstream) == Standing::Gone));
    if !starts.is_empty() {
        return Teardown::Start(starts);
    }
    if !all(Standing::UnderWay).is_empty() {
        return Teardown::Wait;
    }
    let (failed, held) = (all(Standing::Failed), all(Standing::Held));
    if !failed.is_empty() {
        return Teardown::Failed(failed);
    }
    if held.is_empty() { Teardown::Done } else { Teardown::Held(held) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::drawn::drawn;

    fn step(states: &[(&str, Standing)]) -> Teardown {
        let graph = drawn("network -> cluster\n cluster -> dns\n cluster -> ingress\n logs").unwrap();
        teardown(&graph, &states.iter().map(|(name, standing)| ((*name).to_owned(), *standing)).collect())
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    use Standing::*;

    #[test]
    fn what_nothing_stands_on_goes_first_and_then_what_it_stood_on() {
        let all = [("network", There), ("cluster", There), ("dns", There), ("ingress", There), ("logs", There)];
        assert_eq!(step(&all), Teardown::Start(names(&["dns", "ingress", "logs"])));
        assert_eq!(step(&[("network", There), ("cluster", There), ("dns", UnderWay)]), Teardown::Wait);
        assert_eq!(step(&[("network", There), ("cluster", There)]), Teardown::Start(names(&["cluster"])));
        assert_eq!(step(&[("network", There), ("cluster", UnderWay)]), Teardown::Wait);
        assert_eq!(step(&[("network", There)]), Teardown::Start(names(&["network"])));
        assert_eq!(step(&[]), Teardown::Done);
    }

    #[test]
    fn a_failure_stops_what_is_upstream_of_it_and_nothing_else() {
        let left = [("network", There), ("cluster", There), ("dns", Failed), ("logs", There)];
        assert_eq!(step(&left), Teardown::Start(names(&["logs"])));
        assert_eq!(step(&[("network", There), ("cluster", There), ("dns", Failed)]), Teardown::Failed(names(&["dns"])));
        let busy = [("cluster", There), ("dns", Failed), ("ingress", UnderWay)];
        assert_eq!(step(&busy), Teardown::Wait);
    }

    #[test]
    fn what_strangers_stand_on_waits_for_them() {
        assert_eq!(step(&[("network", There), ("cluster", Held)]), Teardown::Held(names(&["cluster"])));
        assert_eq!(step(&[("cluster", Held), ("dns", Failed)]), Teardown::Failed(names(&["dns"])));
    }
}
