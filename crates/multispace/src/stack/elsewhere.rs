//! What is wrong with a stack whose runs would be on a server, told before anything is sent to it; and which workspace
//! of the server is a root's.

use std::collections::{BTreeMap, BTreeSet};

use configuration::{BackendSetting, Root};
use domain::Problem;

use super::Loaded;

/// The name of a root's workspace on a server: the one in its `cloud` block or `backend "remote"`, else the root's own. A
/// prefix comes before the root's name.
pub(crate) fn name_of(root: &Root) -> String {
    let cloud = root.cloud.as_ref();
    match (cloud.and_then(|it| it.name.as_ref()), cloud.and_then(|it| it.prefix.as_ref())) {
        (Some(name), _) => name.clone(),
        (None, Some(prefix)) => format!("{prefix}{}", root.name),
        (None, None) => root.name.clone(),
    }
}

/// Refuses what cannot go well on the host.
///
/// # Errors
/// `stack/own-backend` for a root whose state would stay behind, `stack/other-host` for one that names another host or
/// organization, `stack/same-workspace` for two roots of one workspace, `stack/reference` for a variable that is an output, `stack/unanswered` for code that reads a state
/// where it lies, which no server can answer.
pub(crate) fn check(
    loaded: &Loaded,
    selected: &BTreeSet<String>,
    hostname: &str,
    organization: &str,
) -> Result<(), Problem> {
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for root in selected.iter().filter_map(|name| loaded.root(name)) {
        let name = &root.name;
        if let BackendSetting::Own { kind, .. } = &root.backend {
            let message = format!(
                "\"{name}\" keeps its state in its own {kind} backend, which its runs on {hostname} would not see."
            );
            return Err(Problem::invalid("stack/own-backend", message)
                .advice("Move the state to the server (a cloud block, then terraform init), or walk without --host."));
        }
        let named = root.cloud.as_ref();
        let other_host = named.and_then(|it| it.hostname.as_deref()).filter(|it| !it.eq_ignore_ascii_case(hostname));
        let other =
            other_host.or_else(|| named.and_then(|it| it.organization.as_deref()).filter(|it| *it != organization));
        if let Some(other) = other {
            let message = format!("The code of \"{name}\" says that its workspace is in {other}.");
            return Err(Problem::invalid("stack/other-host", message)
                .advice("Name that host and organization, or change its cloud block."));
        }
        if let Some((variable, reference)) = loaded.stack.references(root).into_iter().next() {
            let place = &reference.place;
            let message = format!(
                "{place}: the variable \"{variable}\" of \"{name}\" is {reference}, which stays on {hostname}."
            );
            return Err(Problem::invalid("stack/reference", message).advice(
                "Read it in the code: with data \"tfe_outputs\", or terraform_remote_state and backend = \"remote\".",
            ));
        }
        if let Some(twin) = names.insert(name_of(root), name) {
            let message = format!("\"{twin}\" and \"{name}\" have the same workspace \"{}\".", name_of(root));
            return Err(Problem::invalid("stack/same-workspace", message).advice("Give each a name of its own."));
        }
    }
    for edge in loaded.stack.edges.iter().filter(|edge| selected.contains(&edge.downstream)) {
        if let Some(reason) = edge.reasons.iter().find(|reason| reason.reads_a_state_in_place()) {
            let message = format!(
                "{}: \"{}\" reads the state of \"{}\" where it lies, and on {hostname} it lies elsewhere.",
                reason.place, edge.downstream, edge.upstream
            );
            let name = loaded.root(&edge.upstream).map(name_of).unwrap_or_default();
            return Err(Problem::invalid("stack/unanswered", message).advice(format!(
                "Read it with data \"tfe_outputs\", or with backend = \"remote\" and workspaces = {{ name = \"{name}\" }}."
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A stack with these roots, all selected.
    fn checked(roots: &[(&str, &str)]) -> Result<Vec<String>, Problem> {
        let folder = tempfile::tempdir().unwrap();
        for (name, code) in roots {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("main.tf"), code).unwrap();
        }
        let loaded = super::super::load(folder.path()).unwrap_or_else(|_| panic!("the code is right"));
        let selected = loaded.stack.roots.iter().map(|root| root.name.clone()).collect();
        check(&loaded, &selected, "app.terraform.io", "acme")?;
        Ok(loaded.stack.roots.iter().map(name_of).collect())
    }

    fn refused(roots: &[(&str, &str)]) -> String {
        let problem = checked(roots).unwrap_err();
        assert!(!problem.advice.is_empty());
        format!("{} {}", problem.code, problem.message)
    }

    const OUTPUT: &str = "output \"x\" {\n value = 1\n}\n";

    #[test]
    fn a_workspace_is_named_by_its_block_or_its_root() {
        let cloud = "terraform {\n cloud {\n organization = \"acme\"\n workspaces {\n name = \"net-prod\"\n }\n }\n}\n";
        let prefix = "terraform {\n backend \"remote\" {\n workspaces {\n prefix = \"p-\"\n }\n }\n}\n";
        assert_eq!(checked(&[("a", OUTPUT), ("b", cloud), ("c", prefix)]).unwrap(), ["a", "net-prod", "p-c"]);
    }

    #[test]
    fn a_read_of_a_state_where_it_lies_is_refused_with_its_place() {
        let local = "data \"terraform_remote_state\" \"a\" {\n backend = \"local\"\n config = { path = \"../a/terraform.tfstate\" }\n}\n";
        let text = refused(&[("a", OUTPUT), ("b", local)]);
        assert!(text.starts_with("stack/unanswered b/main.tf:1"), "{text}");
    }

    #[test]
    fn reads_that_a_server_answers_are_fine() {
        let remote = "data \"terraform_remote_state\" \"a\" {\n backend = \"remote\"\n config = { organization = \"acme\", workspaces = { name = \"a\" } }\n}\n";
        let outputs = "data \"tfe_outputs\" \"a\" {\n organization = \"acme\"\n workspace = \"a\"\n}\n";
        checked(&[("a", OUTPUT), ("b", remote), ("c", outputs)]).unwrap();
    }

    #[test]
    fn a_state_of_its_own_another_organization_and_a_shared_workspace_are_refused() {
        let s3 = "terraform {\n backend \"s3\" {\n bucket = \"b\"\n key = \"k\"\n }\n}\n";
        assert!(refused(&[("a", s3)]).starts_with("stack/own-backend \"a\""));
        let cloud = |organization: &str, name: &str| {
            format!(
                "terraform {{\n cloud {{\n organization = \"{organization}\"\n workspaces {{\n name = \"{name}\"\n }}\n }}\n}}\n"
            )
        };
        assert!(refused(&[("a", &cloud("other", "x"))]).starts_with("stack/other-host"));
        let prefix = "terraform {\n backend \"remote\" {\n workspaces {\n prefix = \"p-\"\n }\n }\n}\n";
        let shared = [("a", prefix), ("p-a", OUTPUT)];
        assert!(refused(&shared).starts_with("stack/same-workspace"));
    }
}
