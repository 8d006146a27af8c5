//! The variables of each workspace: those of `multispace.hcl` and of `--var`, and which are missing.

use std::collections::BTreeMap;

use configuration::{Root, Stack, Value};
use domain::Problem;

use super::host::Variable;

/// `--var NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    /// Its name.
    pub(crate) name: String,
    /// Its value as it was typed.
    pub(crate) value: String,
}

impl std::str::FromStr for Given {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                Ok(Self { name: name.trim().to_owned(), value: value.to_owned() })
            }
            _ => Err("write it as NAME=VALUE".to_owned()),
        }
    }
}

/// Refuses a stack whose workspaces lack values that terraform would ask a person for, and a `--var` that nobody declares.
///
/// # Errors
/// `stack/variable-missing` names every one with its workspace and file; `stack/unknown-variable`.
pub(crate) fn check<'a>(
    stack: &Stack,
    selected: impl Iterator<Item = &'a Root>,
    given: &[Given],
    environment: &[(String, String)],
) -> Result<(), Problem> {
    let declared = |name: &str| stack.roots.iter().any(|root| root.variables.iter().any(|it| it.name == name));
    if let Some(unknown) = given.iter().find(|it| !declared(&it.name)) {
        let message = format!("No workspace of this stack declares the variable \"{}\".", unknown.name);
        return Err(Problem::invalid("stack/unknown-variable", message).advice("Check the name given to --var."));
    }
    let mut missing = Vec::new();
    for root in selected {
        let values = stack.variables(root);
        let references = stack.references(root);
        let own = stack.environment(root);
        for variable in root.variables.iter().filter(|it| !it.has_default && !it.is_in_tfvars) {
            let name = variable.name.as_str();
            let in_environment = format!("TF_VAR_{name}");
            let has_value = values.contains_key(name)
                || references.contains_key(name)
                || given.iter().any(|it| it.name == name)
                || own.contains_key(&in_environment)
                || environment.iter().any(|(key, _)| *key == in_environment);
            if !has_value {
                missing
                    .push(format!("\"{name}\" of \"{}\" ({}:{})", root.name, variable.place.file, variable.place.line));
            }
        }
    }
    match missing.as_slice() {
        [] => Ok(()),
        [one] => Err(lacking(format!("The variable {one} has no value."))),
        many => Err(lacking(format!("These variables have no value: {}.", many.join(", ")))),
    }
}

fn lacking(message: String) -> Problem {
    Problem::invalid("stack/variable-missing", message).advice(
        "Give a value with --var NAME=VALUE, in multispace.hcl, in terraform.tfvars, or as TF_VAR_NAME in the environment.",
    )
}

/// The variables of one workspace as the engine takes them.
pub(crate) fn of(stack: &Stack, root: &Root, given: &[Given]) -> Vec<Variable> {
    let sensitive = |name: &str| root.variables.iter().any(|it| it.name == name && it.sensitive);
    let mut terraform: BTreeMap<String, (String, bool)> =
        stack.variables(root).into_iter().map(|(name, value)| (name, text(&value))).collect();
    for it in given.iter().filter(|it| root.variables.iter().any(|declared| declared.name == it.name)) {
        // As terraform reads -var: a list or map is an expression, anything else is text that it converts.
        let is_expression = it.value.trim_start().starts_with(['[', '{']);
        terraform.insert(it.name.clone(), (it.value.clone(), is_expression));
    }
    let terraform = terraform.into_iter().map(|(name, (value, hcl))| Variable {
        sensitive: Some(sensitive(&name)),
        key: Some(name),
        value: Some(value),
        description: None,
        category: Some("terraform".into()),
        hcl: Some(hcl),
    });
    let environment = stack.environment(root).into_iter().map(|(name, value)| Variable {
        key: Some(name),
        value: Some(value),
        description: None,
        category: Some("env".into()),
        hcl: Some(false),
        sensitive: Some(false),
    });
    terraform.chain(environment).collect()
}

fn text(value: &Value) -> (String, bool) {
    match value {
        Value::String(text) => (text.clone(), false),
        other => (other.to_hcl(), true),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn stack(code: &str, settings: &str) -> (tempfile::TempDir, Stack) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/main.tf"), code).unwrap();
        fs::write(folder.path().join("multispace.hcl"), settings).unwrap();
        let stack = configuration::read_stack(folder.path()).unwrap();
        (folder, stack)
    }

    fn given(text: &str) -> Vec<Given> {
        vec![text.parse().unwrap()]
    }

    #[test]
    fn a_variable_without_a_value_is_named_with_its_file_and_any_source_of_a_value_satisfies() {
        let (_folder, stack) = stack("\nvariable \"size\" {}\nvariable \"name\" { default = \"x\" }\n", "");
        let check = |given: &[Given], environment: &[(String, String)]| {
            super::check(&stack, stack.roots.iter(), given, environment)
        };
        let problem = check(&[], &[]).unwrap_err();
        assert_eq!(problem.message, "The variable \"size\" of \"a\" (a/main.tf:2) has no value.");
        check(&given("size=3"), &[]).unwrap();
        check(&[], &[("TF_VAR_size".into(), "3".into())]).unwrap();
        assert_eq!(check(&given("sizee=3"), &[]).unwrap_err().code, "stack/unknown-variable");
    }

    #[test]
    fn a_given_value_wins_and_keeps_its_form() {
        let (_folder, stack) = stack(
            "variable \"size\" {}\nvariable \"zones\" {}\nvariable \"key\" { sensitive = true }\n",
            "variables = { size = 3, zones = [\"x\"], key = \"s\" }\nenvironment = { REGION = \"eu\" }\n",
        );
        let shown = |given: &[Given]| -> Vec<String> {
            of(&stack, &stack.roots[0], given)
                .into_iter()
                .map(|it| {
                    format!(
                        "{} {}={} {:?} {:?}",
                        it.category.unwrap(),
                        it.key.unwrap(),
                        it.value.unwrap(),
                        it.hcl,
                        it.sensitive
                    )
                })
                .collect()
        };
        assert_eq!(
            shown(&[]),
            [
                "terraform key=s Some(false) Some(true)",
                "terraform size=3 Some(true) Some(false)",
                "terraform zones=[\"x\"] Some(true) Some(false)",
                "env REGION=eu Some(false) Some(false)",
            ]
        );
        assert_eq!(shown(&given("size=7"))[1], "terraform size=7 Some(false) Some(false)");
        assert_eq!(shown(&given("zones=[\"y\"]"))[2], "terraform zones=[\"y\"] Some(true) Some(false)");
    }
}
