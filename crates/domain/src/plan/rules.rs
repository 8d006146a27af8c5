//! Rules under which a plan is approved without a person. Source: the `approve` block of `multispace.hcl`.

use std::collections::BTreeSet;

use super::Plan;

/// What a plan may do and needs nobody's yes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// Nothing that exists may be destroyed, not even to be made anew.
    pub no_destroy: bool,
    /// At most so many resource instances may be destroyed, replacements included.
    pub max_destroy: Option<u32>,
    /// Only these workspaces; `None` for all.
    pub only: Option<BTreeSet<String>>,
}

/// Why the rules want a person to be asked about the plan of a workspace; `None` when they approve of it.
#[must_use]
pub fn needs_a_person(rules: &Rules, workspace: &str, plan: &Plan) -> Option<String> {
    if rules.only.as_ref().is_some_and(|only| !only.contains(workspace)) {
        return Some("the rules do not name it".to_owned());
    }
    let destroyed: Vec<&str> =
        plan.changes.iter().filter(|(_, change)| change.action.destroys()).map(|(it, _)| it.as_str()).collect();
    let most = if rules.no_destroy { Some(0) } else { rules.max_destroy };
    let most = most.filter(|most| usize::try_from(*most).is_ok_and(|most| destroyed.len() > most))?;
    let what = if destroyed.len() == 1 { "1 resource".to_owned() } else { format!("{} resources", destroyed.len()) };
    Some(format!("it destroys {what} and the rules allow {most}: {}", destroyed.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::Action;
    use super::super::drawn::plan;
    use super::*;

    #[test]
    fn rules_approve_of_what_they_allow_and_say_why_not_of_the_rest() {
        let plan = plan(&[("t.a", Action::Replace, "n=1"), ("t.b", Action::Delete, ""), ("t.c", Action::Create, "")]);
        let most = |most| Rules { max_destroy: Some(most), ..Rules::default() };
        assert_eq!(needs_a_person(&Rules::default(), "app", &plan), None);
        assert_eq!(needs_a_person(&most(2), "app", &plan), None);
        let why = needs_a_person(&most(1), "app", &plan).unwrap_or_default();
        assert_eq!(why, "it destroys 2 resources and the rules allow 1: t.a, t.b");
        let strict = Rules { no_destroy: true, max_destroy: Some(5), only: None };
        assert!(needs_a_person(&strict, "app", &plan).is_some());
        let only = Rules { only: Some(BTreeSet::from(["dns".to_owned()])), ..Rules::default() };
        assert_eq!(needs_a_person(&only, "app", &plan).as_deref(), Some("the rules do not name it"));
        assert_eq!(needs_a_person(&only, "dns", &plan), None);
    }
}
