//! What of this process's environment the terraform of a stack may see: everything the user has, but for what would turn
//! terraform away from the folder, state and settings that a run gives it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Names that do not reach terraform.
const KEPT_BACK: [&str; 7] = [
    "TF_WORKSPACE",
    "TF_DATA_DIR",
    "TF_REATTACH_PROVIDERS",
    "TF_CLI_CONFIG_FILE",
    "TERRAFORM_CONFIG",
    "TF_INPUT",
    "TF_IN_AUTOMATION",
];
const KEPT_BACK_PREFIXES: [&str; 3] = ["TF_CLI_ARGS", "TF_LOG", "MULTISPACE_"];

/// The environment for terraform, of the given one. Values that are not UTF-8 are left out.
pub(crate) fn for_terraform(all: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<(String, String)> {
    all.into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| !is_kept_back(name))
        .collect()
}

fn is_kept_back(name: &str) -> bool {
    KEPT_BACK.contains(&name) || KEPT_BACK_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Where the user's CLI configuration is: the file that the environment names, else `.terraformrc` in the home folder.
/// The credentials that `terraform login` keeps need nothing: terraform finds them by `HOME`.
pub(crate) fn cli_configuration(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let named = ["TF_CLI_CONFIG_FILE", "TERRAFORM_CONFIG"].iter().find_map(|name| variable(name));
    match named.filter(|path| !path.is_empty()) {
        Some(path) => Some(path.into()),
        None => variable("HOME").map(|home| Path::new(&home).join(".terraformrc")).filter(|file| file.is_file()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_redirect_terraform_does_not_reach_it_and_everything_else_does() {
        let all = [
            "PATH",
            "HOME",
            "AWS_PROFILE",
            "TF_VAR_region",
            "TF_PLUGIN_CACHE_DIR",
            "TF_CLI_ARGS",
            "TF_CLI_ARGS_plan",
            "TF_WORKSPACE",
            "TF_DATA_DIR",
            "TF_LOG",
            "TF_LOG_PATH",
            "TF_REATTACH_PROVIDERS",
            "TF_CLI_CONFIG_FILE",
            "TF_INPUT",
            "TF_IN_AUTOMATION",
            "MULTISPACE_LOG",
            "MULTISPACE_TERRAFORM",
        ];
        let kept = for_terraform(all.map(|name| (name.into(), "x".into())));
        let names: Vec<&str> = kept.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["PATH", "HOME", "AWS_PROFILE", "TF_VAR_region", "TF_PLUGIN_CACHE_DIR"]);
    }

    #[test]
    fn the_cli_configuration_is_the_one_that_terraform_would_read() {
        let home = tempfile::tempdir().unwrap();
        let of = |named: Option<&str>| {
            let (home, named) = (home.path().as_os_str().to_owned(), named.map(OsString::from));
            cli_configuration(move |name| match name {
                "HOME" => Some(home.clone()),
                "TF_CLI_CONFIG_FILE" => named.clone(),
                _ => None,
            })
        };
        assert_eq!(of(None), None);
        std::fs::write(home.path().join(".terraformrc"), "").unwrap();
        assert_eq!(of(None), Some(home.path().join(".terraformrc")));
        assert_eq!(of(Some("/etc/tf.rc")), Some("/etc/tf.rc".into()));
    }
}
