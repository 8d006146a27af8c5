//! The environment of a child: what the work names, what the executor adds, and nothing of our own.

use std::collections::BTreeMap;

use domain::Problem;
use domain::id::Id;

use crate::folder::Folder;
use crate::work::{Backend, VariableCategory, Work};

/// Variables that a workspace may not set, because each would turn terraform away from the folder, the state or the
/// credentials that it was given, or load foreign code into it.
const REFUSED: [&str; 8] = [
    "TF_CLI_CONFIG_FILE",
    "TF_PLUGIN_CACHE_DIR",
    "TF_REATTACH_PROVIDERS",
    "TF_DATA_DIR",
    "TF_WORKSPACE",
    "TF_IN_AUTOMATION",
    "PATH",
    "HOME",
];
const REFUSED_PREFIXES: [&str; 6] = ["TF_CLI_ARGS", "TF_LOG", "LD_", "GLIBC_", "GIT_SSH", "MULTISPACE_RUN_"];

/// Everything a child of this work may see.
pub(crate) fn environment(work: &Work, folder: &Folder) -> Result<BTreeMap<String, String>, Problem> {
    let mut environment: BTreeMap<String, String> = BTreeMap::new();
    let text = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
    environment.insert("HOME".into(), text(folder.home()));
    environment.insert("TMPDIR".into(), text(folder.tmp()));
    // A fifth of the processor time of small runs is the collector of Go, in terraform and in its plugins.
    environment.insert("GOGC".into(), "400".into());
    // Nobody is there to answer git.
    environment.insert("GIT_TERMINAL_PROMPT".into(), "0".into());
    environment.extend(work.environment.iter().cloned());

    environment.extend(of_the_run(work).map(|(key, value)| (key.to_owned(), value)));

    for variable in work.variables.iter().filter(|variable| variable.category == VariableCategory::Env) {
        check(&variable.key, &variable.value)?;
        environment.insert(variable.key.clone(), variable.value.clone());
    }

    let cli_config = if work.cli_config.is_empty() { "/dev/null".into() } else { text(folder.cli_config()) };
    environment.insert("TF_CLI_CONFIG_FILE".into(), cli_config);
    environment.insert("TF_IN_AUTOMATION".into(), "1".into());
    environment.insert("TF_INPUT".into(), "0".into());
    environment.insert("CHECKPOINT_DISABLE".into(), "1".into());
    if work.backend == Backend::Held {
        environment.insert("TF_WORKSPACE".into(), work.names.workspace.clone());
    }
    Ok(environment)
}

/// What a run may know of itself. HCP Terraform gives the same names, as environment and as terraform variables.
pub(crate) fn of_the_run(work: &Work) -> impl Iterator<Item = (&'static str, String)> {
    let names = &work.names;
    [
        ("TFC_RUN_ID", work.run.as_str().to_owned()),
        ("TFC_WORKSPACE_NAME", names.workspace.clone()),
        ("TFC_WORKSPACE_SLUG", format!("{}/{}", names.organization, names.workspace)),
        ("TFC_PROJECT_NAME", names.project.clone()),
    ]
    .into_iter()
}

fn check(key: &str, value: &str) -> Result<(), Problem> {
    if key.is_empty() || key.contains(['=', '\0']) || value.contains('\0') {
        return Err(Problem::invalid(
            "variable/impossible",
            format!("The environment variable \"{}\" cannot be set.", key.escape_debug()),
        )
        .advice("Its name may not be empty or hold \"=\", and neither name nor value may hold a zero byte."));
    }
    if REFUSED.contains(&key) || REFUSED_PREFIXES.iter().any(|prefix| key.starts_with(prefix)) {
        return Err(Problem::invalid(
            "variable/refused",
            format!("The environment variable \"{key}\" may not be set by a workspace."),
        )
        .advice("Remove it: it would turn terraform away from what it was given for this run."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_would_redirect_terraform_is_refused_by_name() {
        for key in ["TF_CLI_ARGS", "TF_CLI_ARGS_plan", "TF_LOG", "TF_LOG_PATH", "LD_PRELOAD", "GIT_SSH_COMMAND", "PATH"]
        {
            let problem = check(key, "x").unwrap_err();
            assert!(problem.message.contains(key), "{key}");
        }
        for key in ["TF_VAR_x", "AWS_REGION", "TFE_TOKEN", "HTTPS_PROXY", "TF_PARALLELISM"] {
            check(key, "x").unwrap();
        }
    }

    #[test]
    fn a_variable_that_no_process_can_have_is_refused() {
        for (key, value) in [("", "x"), ("a=b", "x"), ("a", "x\0y"), ("a\0", "x")] {
            assert!(check(key, value).is_err());
        }
    }
}
