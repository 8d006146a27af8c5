//! Which terraform or tofu a workspace runs with: the server's own, or one of a folder of versions.

use std::path::{Path, PathBuf};

use domain::Problem;
use terraform_version::{Version, VersionRequirement};

use crate::app::Setup;

/// The executable for `wanted`: an exact version, a constraint (`~> 1.11`), or `latest`.
///
/// # Errors
/// `terraform/version-missing` when no installed version is what is wanted.
pub fn resolve(setup: &Setup, wanted: &str) -> Result<PathBuf, Problem> {
    let wanted = wanted.trim();
    if wanted.is_empty() || wanted == "latest" || wanted == setup.terraform_version {
        return Ok(setup.terraform.clone());
    }
    let mut installed = installed(setup.terraform_versions.as_deref());
    if let Some((_, file)) = installed.iter().find(|(version, _)| version == wanted) {
        return Ok(file.clone());
    }
    installed.push((setup.terraform_version.clone(), setup.terraform.clone()));
    let constraint = VersionRequirement::parse(wanted).ok().filter(|_| !is_exact(wanted));
    let newest = constraint.and_then(|constraint| {
        let fitting = installed.into_iter().filter_map(|(version, file)| Some((Version::parse(&version).ok()?, file)));
        fitting.filter(|(version, _)| version.matches(&constraint)).max_by(|one, other| one.0.cmp(&other.0))
    });
    newest.map(|(_, file)| file).ok_or_else(|| {
        let folder = setup.terraform_versions.as_ref().map_or_else(
            || "start the server with --terraform-versions DIR and put the executable in DIR/VERSION/terraform".into(),
            |folder| format!("put the executable in {}/VERSION/terraform", folder.display()),
        );
        Problem::invalid("terraform/version-missing", format!("Terraform {wanted} is not installed on this server."))
            .advice(format!("Ask for {}, or {folder}.", setup.terraform_version))
            .attribute("terraform-version")
    })
}

/// The versions in a folder: `VERSION/terraform`, `VERSION/tofu`, `terraform_VERSION`, `tofu_VERSION`.
fn installed(folder: Option<&Path>) -> Vec<(String, PathBuf)> {
    let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok());
    let entries = entries.into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let path = entry.path();
        if path.is_dir() {
            let file = ["terraform", "tofu"].map(|product| path.join(product)).into_iter().find(|it| it.is_file())?;
            return Some((name, file));
        }
        let version = name.strip_prefix("terraform_").or_else(|| name.strip_prefix("tofu_"))?;
        Some((version.to_owned(), path))
    });
    found.collect()
}

fn is_exact(wanted: &str) -> bool {
    wanted.starts_with(|first: char| first.is_ascii_digit()) && !wanted.contains([',', ' '])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn setup(versions: Option<PathBuf>) -> Setup {
        Setup {
            runs: PathBuf::new(),
            initialised: PathBuf::new(),
            terraform: "/bin/terraform".into(),
            terraform_version: "1.11.4".into(),
            terraform_versions: versions,
            environment: Vec::new(),
            cli_config: String::new(),
            run_limit: 1,
            grace: Duration::ZERO,
            sandbox: None,
            keeper: None,
            patience: Duration::ZERO,
            plan_patience: Duration::ZERO,
            force_cancel_after: Duration::ZERO,
            resume: true,
            address: None,
        }
    }

    #[test]
    fn the_servers_own_terraform_serves_its_version_latest_and_fitting_constraints() {
        for wanted in ["1.11.4", "latest", "", "~> 1.11", ">= 1.5, < 2.0"] {
            assert_eq!(resolve(&setup(None), wanted).unwrap(), Path::new("/bin/terraform"), "{wanted}");
        }
    }

    #[test]
    fn another_version_is_taken_from_the_folder_of_versions() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("1.9.8")).unwrap();
        std::fs::write(folder.path().join("1.9.8/terraform"), "").unwrap();
        std::fs::write(folder.path().join("tofu_1.8.0"), "").unwrap();
        let setup = setup(Some(folder.path().to_owned()));
        assert_eq!(resolve(&setup, "1.9.8").unwrap(), folder.path().join("1.9.8/terraform"));
        assert_eq!(resolve(&setup, "1.8.0").unwrap(), folder.path().join("tofu_1.8.0"));
        assert_eq!(resolve(&setup, "~> 1.9.0").unwrap(), folder.path().join("1.9.8/terraform"));
    }

    #[test]
    fn a_version_that_is_not_there_is_a_problem_that_says_where_to_put_it() {
        let problem = resolve(&setup(None), "0.12.0").unwrap_err();
        assert_eq!(problem.message, "Terraform 0.12.0 is not installed on this server.");
        assert!(problem.advice.contains("1.11.4"), "{problem}");
    }
}
