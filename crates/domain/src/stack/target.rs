//! Which workspaces a walk takes when somebody names some of them.

use std::collections::BTreeSet;

use super::{Direction, Graph, near};
use crate::Problem;

/// The workspaces that are walked when `names` are targeted: each takes what it depends on along, on destroy what
/// depends on it. Without names, all.
///
/// # Errors
/// `stack/unknown-workspace` (422), with names that may have been meant.
pub fn targets<N: AsRef<str>>(graph: &Graph, direction: Direction, names: &[N]) -> Result<BTreeSet<String>, Problem> {
    if names.is_empty() {
        return Ok(graph.names().map(str::to_owned).collect());
    }
    let mut taken = BTreeSet::new();
    for name in names.iter().map(AsRef::as_ref) {
        if !graph.contains(name) {
            return Err(near::unknown(name, graph.names()));
        }
        let along = match direction.is_reverse() {
            false => graph.all_upstreams(name),
            true => graph.all_downstreams(name),
        };
        taken.insert(name.to_owned());
        taken.extend(along.into_iter().map(str::to_owned));
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::drawn::drawn;

    fn taken(direction: Direction, names: &[&str]) -> String {
        let graph = drawn("network -> cluster\n cluster -> dns\n cluster -> app\n logs").unwrap();
        let taken = targets(&graph, direction, names).unwrap();
        taken.into_iter().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_target_takes_what_it_depends_on_along() {
        assert_eq!(taken(Direction::Apply, &["dns"]), "cluster dns network");
        assert_eq!(taken(Direction::Plan, &["logs", "cluster"]), "cluster logs network");
    }

    #[test]
    fn on_destroy_a_target_takes_what_depends_on_it_along() {
        assert_eq!(taken(Direction::Destroy, &["cluster"]), "app cluster dns");
    }

    #[test]
    fn without_targets_everything_is_taken() {
        assert_eq!(taken(Direction::Apply, &[]), "app cluster dns logs network");
    }

    #[test]
    fn an_unknown_target_is_refused_with_near_names() {
        let graph = drawn("network -> cluster").unwrap();
        let problem = targets(&graph, Direction::Apply, &["clutser"]).unwrap_err();
        assert_eq!(problem.to_string(), "The stack has no workspace named \"clutser\". Did you mean \"cluster\"?");
    }
}
